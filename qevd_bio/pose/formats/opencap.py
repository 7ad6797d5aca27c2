"""OpenCap sessions: a folder with OpenSimData/Kinematics/*.mot and sessionMetadata.yaml (height, mass)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from qevd_bio.pose.formats.recording import Recording

METADATA = "sessionMetadata.yaml"
_DEPTH = 4
_KEYS = {"height": ("height_m", "height"), "mass": ("mass_kg", "mass")}
_RANGES = {"height": (0.5, 2.5), "mass": (10.0, 400.0)}


def session_of(path: Path) -> Path | None:
    """The OpenCap session that a file lies in, up to four folders above it; None where it lies in none."""
    folders = path.resolve().parents[:_DEPTH]
    return next((folder for folder in folders if (folder / METADATA).is_file()), None)


def is_session(folder: Path) -> bool:
    """Whether a folder is an OpenCap session."""
    return (folder / METADATA).is_file() and (folder / "OpenSimData").is_dir()


def session_files(folder: Path) -> list[Path]:
    """The motions of a session, or its markers where OpenCap has left no motions."""
    motions = sorted(p for p in (folder / "OpenSimData").rglob("*") if p.suffix.lower() == ".mot" and p.is_file())
    if motions:
        return motions
    return sorted(p for p in (folder / "MarkerData").rglob("*") if p.suffix.lower() == ".trc" and p.is_file())


def with_session(recording: Recording, path: Path) -> Recording:
    """The recording with stature and mass of its session in `details["person"]`, where it lies in one."""
    folder = session_of(path)
    if folder is None:
        return recording
    person = session_person(folder / METADATA)
    flags = recording.flags if person else (*recording.flags, {"kind": "session_unreadable", "detail": METADATA})
    return replace(recording, details={**recording.details, "session": folder.name, "person": person}, flags=flags)


def session_person(path: Path) -> dict[str, Any]:
    """Height (m) and mass (kg) from a session's metadata, as far as they are there and are those of a person."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    if not isinstance(data, dict):
        return {}
    found: dict[str, Any] = {}
    for name, keys in _KEYS.items():
        value = next((data[key] for key in keys if isinstance(data.get(key), (int, float))), None)
        low, high = _RANGES[name]
        if value is not None and low <= float(value) <= high:
            found[name] = float(value)
    return found and {**found, "source": path.name}
