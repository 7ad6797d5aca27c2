"""The readers: every format that the files backend knows, chosen by what is in a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from qevd_bio.pose.formats.probe import Probe, is_frame_folder
from qevd_bio.pose.formats.recording import Read
from qevd_bio.pose.formats.sheet import is_sheet
from qevd_bio.store.errors import UserError


@dataclass(frozen=True)
class Asked:
    """What a user can tell about files that do not say it themselves.

    unit: of angles (degrees, radians) or "auto". spine: where OpenSim's one spine joint goes. size: (width, height)
    of the video. camera_pitch_deg: camera looking down. fps: frame rate of files that state none. person: which of
    several people; empty takes the one who is there longest and largest.
    """

    unit: str = "auto"
    spine: str = "split"
    size: tuple[int, int] | None = None
    camera_pitch_deg: float = 0.0
    fps: float = 30.0
    person: str = ""


@dataclass(frozen=True)
class Format:
    """One format: its name, what it is in words, the usual endings, what it gives, how it is known and read.

    `reader` is "module:function" below this package, loaded when it is used; it takes the path and an Asked.
    """

    name: str
    title: str
    endings: str
    gives: str
    matches: Callable[[Probe], bool]
    reader: str
    needs: str = ""

    def read(self, path: Path, asked: Asked) -> Read:
        """The file's content. Raises UserError for a damaged or contradictory file."""
        module, function = self.reader.split(":")
        found: Any = getattr(import_module(f"{__package__}.{module}"), function)(path, asked)
        return found  # type: ignore[no-any-return]


def _names(probe: Probe, *names: str) -> bool:
    return probe.is_npz and set(names) <= probe.members


def _any(probe: Probe, *names: str) -> bool:
    return probe.is_npz and bool(set(names) & probe.members)


def _csv(probe: Probe) -> bool:
    from qevd_bio.pose.formats.angle_csv import OTHERS, is_angle_csv

    line = probe.first_line
    cells = [cell.strip().strip('"') for cell in line.split(max(",;\t", key=line.count))]
    return is_angle_csv(cells) or (bool(line) and any(cell in OTHERS for cell in cells))


def _sports2d(probe: Probe) -> bool:
    tail = probe.text_head.lower().partition(b"endheader")[2]
    return is_sheet(probe.text_head) and any(
        f"{side}{gap}{joint}".encode() in tail
        for side in ("right", "left")
        for joint in ("knee", "hip", "ankle", "elbow", "shoulder")
        for gap in " _"
    )


FORMATS: tuple[Format, ...] = (
    Format("sports2d", "Sports2D's angles, one file a person", ".mot", "angles", _sports2d, "readers:sports2d"),
    Format("opensim", "OpenSim motion or states; OpenCap, Pose2Sim", ".mot .sto", "angles",
           lambda p: is_sheet(p.text_head), "readers:opensim"),
    Format("trc", "marker positions of OpenSim, OpenCap, Pose2Sim, Sports2D", ".trc", "markers",
           lambda p: p.text_head.lstrip()[:12].lower() == b"pathfiletype", "readers:trc"),
    Format("c3d", "marker positions of motion-capture systems", ".c3d", "markers",
           lambda p: p.head[1:2] == b"\x50" and 2 <= p.head[0] < 32 and len(p.head) > 512, "readers:c3d",
           "qevd-bio[c3d]"),
    Format("b3d", "AddBiomechanics trials: says how to convert them", ".b3d", "nothing",
           lambda p: p.path.suffix.lower() == ".b3d", "readers:b3d"),
    Format("hsmr", "HSMR's angles", ".npy .npz", "angles",
           lambda p: (p.is_npy and b"'|O'" in p.head[:256]) or _any(p, "full_cam_t", "patch_cam_t")
           or p.path.name.startswith("HSMR-"), "readers:hsmr"),
    Format("freemocap", "FreeMoCap's body points in millimetres", ".npy .parquet", "markers",
           lambda p: p.is_npy or p.head[:4] == b"PAR1", "readers:freemocap"),
    Format("sam3d_body", "SAM 3D Body (MHR body), one file a person and image", ".npz", "angles",
           lambda p: _names(p, "pred_global_rots") or (p.path.is_dir() and is_frame_folder(p.path) == ".npz"),
           "readers:sam3d_body"),
    Format("export", "the angles that `qevd-bio export --to npz` writes", ".npz", "angles",
           lambda p: _names(p, "qevd_bio"), "readers:export_npz"),
    Format("smpl", "SMPL, SMPL-H or SMPL-X rotations (AMASS, exports of estimators)", ".npz", "angles",
           lambda p: _any(p, "body_pose", "pose_body", "global_orient", "root_orient")
           or (_names(p, "poses", "mocap_framerate") and not _any(p, "skel_poses")), "readers:smpl_npz"),
    Format("skel", "SKEL sequences; SKEL-CF's fitter", ".npz", "angles", lambda p: p.is_npz, "readers:skel"),
    Format("gvhmr", "GVHMR's hmr4d_results.pt (SMPL-X)", ".pt .pth", "angles",
           lambda p: p.head.startswith(b"PK") and any(n.endswith("data.pkl") for n in p.members), "readers:torch_file",
           "torch (qevd-bio[train])"),
    Format("joblib", "WHAM, 4DHumans (PHALP), PromptHMR: plain data in a pickle, nothing run", ".pkl .pth", "angles",
           lambda p: p.is_pickle, "readers:joblib_file"),
    Format("openpose", "2D keypoints of OpenPose or rtmlib: a folder, one JSON a frame", "folder/", "keypoints",
           lambda p: p.path.is_dir(), "readers:openpose"),
    Format("mmpose", "2D keypoints of MMPose, one JSON a video; rtmlib", ".json", "keypoints",
           lambda p: p.json_head, "readers:keypoint_json"),
    Format("csv", "angles with columns named like the 46 degrees of freedom", ".csv", "angles", _csv, "readers:csv"),
)  # fmt: skip


def recognise(path: Path) -> Format:
    """The format of a file or folder by its content. Raises UserError where it is none that is known."""
    probe = Probe(path)
    if not path.is_dir() and not probe.head:
        raise UserError(_why_empty(path), where=path, expected=known())
    for form in FORMATS:
        if form.matches(probe):
            return form
    # by its ending where the content says nothing: the reader then tells what is wrong with it
    for form in FORMATS:
        if path.suffix.lower() and path.suffix.lower() in form.endings.split():
            return form
    raise UserError("is in no format that is known", where=path, expected=known())


def known() -> str:
    """The formats in one line, for messages."""
    endings = sorted({ending for form in FORMATS for ending in form.endings.split() if ending.startswith(".")})
    return f"{', '.join(endings)}, or a folder of keypoint JSON files (qevd-bio extract --backend files --formats)"


def endings() -> frozenset[str]:
    """Usual endings of all formats, in lower case."""
    return frozenset(e for form in FORMATS for e in form.endings.split() if e.startswith("."))


def table() -> list[tuple[str, str, str, str]]:
    """Name, files, what it gives, and what it is, of every format."""
    return [
        (form.name, form.endings, form.gives, form.title + (f"; needs {form.needs}" if form.needs else ""))
        for form in FORMATS
    ]


def _why_empty(path: Path) -> str:
    try:
        path.open("rb").close()
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return "is empty"
