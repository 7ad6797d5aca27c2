"""Marker positions in `.c3d` files of motion-capture systems, through ezc3d."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.pose.formats.markers.sets import find_set
from qevd_bio.pose.formats.markers.space import level, metres
from qevd_bio.pose.formats.numpy_file import read_npz
from qevd_bio.pose.formats.recording import About, Markers
from qevd_bio.store import extras
from qevd_bio.store.errors import UserError

EXPECTED = "a whole .c3d file with marker positions"


_WALL_S, _CPU_S, _CPU_S_A_MIB = 120, 5, 2
_MEMORY = 8 << 30
_MIPS = bytes([86])
_OVER_TIME = tuple(-getattr(signal, name) for name in ("SIGXCPU", "SIGKILL") if hasattr(signal, name))
# Run in a process of its own: the library is native, and a damaged file can make it crash or never come back.
_CHILD = """
import sys
import ezc3d
import numpy as np
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[3]),) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[4]),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, ValueError, OSError):
    pass
content = ezc3d.c3d(sys.argv[1])
point = content["parameters"]["POINT"]
value = lambda name: point[name]["value"] if name in point else []
np.savez(
    sys.argv[2], points=content["data"]["points"], residuals=content["data"]["meta_points"]["residuals"][0],
    labels=np.array([str(name) for name in value("LABELS")], dtype=str), rate=np.ravel(value("RATE"))[:1].astype(float),
    units=np.array([str(u) for u in value("UNITS")][:1], dtype=str),
    up=np.array([str(u) for u in value("Y_SCREEN")][:1], dtype=str),
)
"""


def _content(path: Path) -> dict[str, Any]:
    """points (4, M, T), residuals (M, T), labels, rate, units, up of a file. Raises UserError where it is damaged."""
    extras.need("ezc3d", what="reading .c3d files")
    limit = _CPU_S + _CPU_S_A_MIB * (path.stat().st_size >> 20)
    with tempfile.TemporaryDirectory(prefix="qevd-bio-c3d-") as folder:
        out = Path(folder) / "content.npz"
        command = [sys.executable, "-c", _CHILD, str(path.resolve()), str(out), str(_MEMORY), str(limit)]
        wall = _WALL_S + limit
        try:
            run = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=wall, check=False)
        except subprocess.TimeoutExpired as error:
            text = f"reading it takes more than {wall} s"
            raise UserError(f"cannot be read as C3D: {text}", where=path, expected=EXPECTED) from error
        if run.returncode in _OVER_TIME:
            text = f"reading it takes more than {limit} s of computing"
            raise UserError(f"cannot be read as C3D: {text}", where=path, expected=EXPECTED)
        if run.returncode or not out.is_file():
            text = (run.stderr.strip().splitlines() or [f"the reader stopped with {run.returncode}"])[-1]
            raise UserError(f"cannot be read as C3D: {text[:160]}", where=path, expected=EXPECTED)
        return read_npz(out)


def read_c3d(path: Path) -> Markers:
    """Markers of one `.c3d` file in metres and level (z up unless the file says otherwise).

    A residual below 0 marks a missing marker. Raises UserError without ezc3d, and for damaged files.
    """
    content = _content(path)
    points, residuals = content["points"], content["residuals"]
    # bytes that are no UTF-8 come as half surrogates, which no file of ours can hold
    names = [str(name).encode(errors="replace").decode() for name in content["labels"]][: points.shape[1]]
    rate = float(content["rate"][0]) if len(content["rate"]) else 0.0
    frames = points.shape[2]
    if not frames or not names or not (np.isfinite(rate) and rate > 0):
        raise UserError(f"has {frames} frames of {len(names)} markers at {rate:g} Hz", where=path, expected=EXPECTED)
    announced = _announced(path)
    if announced > frames:
        raise UserError(
            f"its header announces {announced} frames, there are {frames}: the file is cut",
            where=path,
            expected="as many frames as the header says",
            fix="copy or export it again",
        )
    values = np.ascontiguousarray(np.moveaxis(points[:3, : len(names)], -1, 0).transpose(0, 2, 1))
    missing = (residuals[: len(names)].T < 0) | (values == 0).all(axis=2)
    values[missing] = np.nan
    chosen = find_set(names, path)
    unit = "".join(map(str, content["units"]))
    values, unit, by = metres(values, unit, "POINT:UNITS", chosen, names, path)
    up = ("".join(map(str, content["up"])) or "+Z").strip("+- ").lower()
    values, frame, flags = level(values, up if up in ("y", "z") else "z", chosen, names)
    about = About("c3d", unit, by, frame, rate)
    trust = np.asarray(np.isfinite(values).all(axis=2), dtype=np.float64)
    if not trust.any():
        raise UserError("shows no marker in any frame", where=path, expected=EXPECTED)
    time_s = np.arange(frames) / rate
    return Markers(tuple(names), values, trust, chosen.name, time_s, {**about.details(), "markers": names}, flags)


def _announced(path: Path) -> int:
    """How many frames the header announces (at most 65,535); ezc3d itself corrects it to what is there."""
    with path.open("rb") as stream:
        head = stream.read(512)
        stream.seek(max(head[0] - 1, 0) * 512 + 3)
        big = stream.read(1) == _MIPS
    first, last = struct.unpack_from(">2H" if big else "<2H", head, 6)
    return int(last) - int(first) + 1
