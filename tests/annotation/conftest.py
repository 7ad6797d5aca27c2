"""A folder of tiny videos, kinematics with a known fault, and the protocol server of the language tests."""

import numpy as np
import pytest

from tests.language.conftest import protocol_server

__all__ = ["protocol_server"]


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """24 videos of 12 frames, each of another colour, so that each segment is another question."""
    import av

    folder = tmp_path_factory.mktemp("clips")
    for number in range(24):
        with av.open(str(folder / f"c{number:02}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=30)
            stream.width, stream.height, stream.pix_fmt = 64, 96, "yuv420p"
            stream.options = {"preset": "ultrafast"}
            for index in range(12):
                image = np.full((96, 64, 3), (number * 10, index * 20, 100), np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode(None))
    return folder


def squat(lean_deg=0.0, wobble_deg=0.0, frames=300):
    """Angles (T, 46) of five squats to 100 degrees, the trunk tipped forward at the bottom, the head nodding."""
    from qevd_bio.anatomy.dofs import DOF_INDEX

    depth = (1 - np.cos(np.linspace(0, 10 * np.pi, frames))) / 2
    angles = np.zeros((frames, 46))
    for side in "rl":
        angles[:, DOF_INDEX[f"hip_flexion_{side}"]] = np.radians(100) * depth
        angles[:, DOF_INDEX[f"knee_angle_{side}"]] = np.radians(105) * depth
        angles[:, DOF_INDEX[f"ankle_angle_{side}"]] = np.radians(25) * depth
    angles[:, DOF_INDEX["shoulder_r_x"]], angles[:, DOF_INDEX["shoulder_l_x"]] = np.pi / 2, -np.pi / 2
    angles[:, DOF_INDEX["pelvis_tilt"]] = -np.radians(lean_deg) * depth
    angles[:, DOF_INDEX["head_twist"]] = np.radians(wobble_deg) * np.sin(np.arange(frames) / 5)
    return angles


def kinematics_of(angles, split="videos", video="c00", observed=True):
    """A kinematics table of these angles, everything observed (or nothing)."""
    from qevd_bio.tables.kinematics import Kinematics

    count = len(angles)
    return Kinematics(
        split=split,
        video=video,
        fps=30.0,
        frame=np.arange(count, dtype=np.int32),
        time_s=np.arange(count) / 30.0,
        angles=angles.astype(np.float32),
        raw=angles.astype(np.float32),
        observed=np.full((count, 46), observed),
        confidence=np.ones(count, np.float32),
        status=np.zeros(count, np.uint8),
        root=np.zeros((count, 3), np.float32),
    )
