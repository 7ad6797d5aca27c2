"""Write frames to an H.264 mp4 file."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from qevd_bio.store.atomic import atomic_path


def write_mp4(path: Path, frames: Iterable[npt.NDArray[np.uint8]], fps: float = 30.0, quality: int = 21) -> int:
    """Encode RGB frames (height, width, 3) with even sides; `quality` is the CRF, lower is better. Frame count.

    The file appears whole or not at all. ValueError without a single frame.
    """
    count = 0
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.pix_fmt = "yuv420p"
        # one thread: the bytes then do not depend on the machine
        stream.options = {"crf": str(quality), "preset": "veryfast", "threads": "1"}
        for picture in frames:
            if not count:
                stream.height, stream.width = picture.shape[:2]
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
            count += 1
        if not count:
            raise ValueError("no frames to write")
        for packet in stream.encode():
            container.mux(packet)
    return count
