"""Files of mesh estimators: GVHMR (.pt), WHAM, 4DHumans (PHALP), PromptHMR (pickles), SMPL archives (.npz)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.formats.mesh.smpl import N_BODY, Rotations, axis_angle, smpl_recording
from qevd_bio.pose.formats.numpy_file import read_npz
from qevd_bio.pose.formats.plain_pickle import RefusedPickle, read_joblib_file
from qevd_bio.pose.formats.recording import Recording
from qevd_bio.pose.formats.skel_file import frame_rate
from qevd_bio.pose.people import Sighting, choose_subject
from qevd_bio.store import extras
from qevd_bio.store.errors import UserError

Float = NDArray[np.float64]

_NEEDED = "WHAM's wham_output.pkl, PHALP's or 4DHumans' tracks, PromptHMR's results.pkl, or GVHMR's hmr4d_results.pt"
_ROOTS = ("global_orient", "root_orient")
_BODIES = ("body_pose", "pose_body")
_TRANS = ("transl", "trans")


def read_smpl_npz(path: Path, pitch_deg: float = 0.0) -> Recording:
    """An archive of SMPL rotations: `poses` (T, ≥ 66), or global_orient and body_pose; trans, betas, a frame rate.

    y is taken as up, or z where AMASS wrote it (`mocap_framerate` beside `poses`). Raises UserError for other layouts.
    """
    arrays = read_npz(path)
    rate = frame_rate(arrays, path)
    amass = "mocap_framerate" in arrays or "mocap_frame_rate" in arrays
    found = parameters(arrays, path, "smpl_npz", camera=False, rate=rate, z_up=amass)
    return smpl_recording(found, path, pitch_deg)


def read_torch(path: Path, pitch_deg: float = 0.0) -> Recording:
    """GVHMR's results: `smpl_params_global` (gravity along −y), else `smpl_params_incam`. Only weights are loaded.

    Raises UserError without torch, for files that hold anything but tensors, and for other content.
    """
    extras.need("torch", what="reading .pt files")
    import pickle

    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, ValueError, EOFError, KeyError, IndexError, AttributeError,
            TypeError, AssertionError) as error:  # fmt: skip
        text = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"refused, nothing in it was run: {text[:160]}", where=path, expected="a file of tensors, as of GVHMR",
            fix="where you trust it, save its smpl_params_global as .npz",
        ) from error  # fmt: skip
    plain = _without_tensors(content)
    for name, camera in (("smpl_params_global", False), ("smpl_params_incam", True)):
        if isinstance(plain, dict) and isinstance(plain.get(name), dict):
            return smpl_recording(parameters(plain[name], path, "gvhmr_pt", camera=camera), path, pitch_deg)
    if isinstance(plain, dict) and any(key in plain for key in (*_ROOTS, "poses", "pose")):
        return smpl_recording(parameters(plain, path, "smpl_pt", camera=False), path, pitch_deg)
    raise UserError(_holds(plain), where=path, expected="smpl_params_global, as in GVHMR's hmr4d_results.pt")


def read_joblib(path: Path, person: str = "", pitch_deg: float = 0.0) -> Recording:
    """A pickle of plain containers and arrays, read without running it: WHAM, PHALP (4DHumans), PromptHMR.

    Raises UserError for a file that names anything else, or that holds none of these.
    """
    try:
        content = read_joblib_file(path)
    except RefusedPickle as error:
        raise UserError(
            f"refused, nothing in it was run: {error}", where=path, expected=_NEEDED,
            fix="where you trust it, save its rotations as .npz (poses, trans, betas)",
        ) from error  # fmt: skip
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", where=path, expected=_NEEDED) from error
    if isinstance(content, dict) and isinstance(content.get("people"), dict):
        return smpl_recording(_prompthmr(content, path, person), path, pitch_deg)
    if isinstance(content, dict) and content and all(isinstance(v, dict) for v in content.values()):
        first = next(iter(content.values()))
        if "smpl" in first:
            return smpl_recording(_phalp(content, path, person), path, pitch_deg)
        if "pose" in first or "pose_world" in first:
            return smpl_recording(_wham(content, path, person), path, pitch_deg)
    if isinstance(content, dict) and any(key in content for key in ("tstamp", "disps", "traj", "images", "slam")):
        raise UserError(
            "holds camera tracks (SLAM), no bodies", where=path, expected="WHAM's wham_output.pkl beside it"
        )
    if isinstance(content, dict) and any(key in content for key in (*_ROOTS, "poses", "pose")):
        return smpl_recording(parameters(content, path, "smpl_pickle", camera=False), path, pitch_deg)
    raise UserError(_holds(content), where=path, expected=_NEEDED)


def parameters(
    values: Mapping[str, Any],
    path: Path,
    name: str,
    *,
    camera: bool,
    rate: float | None = None,
    z_up: bool = False,
    model: str = "smpl",
) -> Rotations:
    """Rotations from a dictionary of SMPL parameters: one array of all joints, or root and body."""
    whole = next((key for key in ("poses", "pose", "fullpose") if key in values), None)
    if whole is not None:
        local = axis_angle(values[whole], N_BODY, path, whole)
    else:
        root = next((key for key in _ROOTS if key in values), None)
        body = next((key for key in _BODIES if key in values), None)
        if root is None or body is None:
            raise UserError(
                f"has {', '.join(sorted(map(str, values))[:8])}", where=path, expected="global_orient and body_pose"
            )
        first, rest = axis_angle(values[root], 1, path, root), axis_angle(values[body], N_BODY - 1, path, body)
        if len(first) != len(rest):
            raise UserError(f"{root} has {len(first)} frames, {body} {len(rest)}", where=path)
        local = np.concatenate([first, rest], axis=1)
    if not len(local):
        raise UserError("has no frames", where=path)
    key = next((key for key in _TRANS if key in values), None)
    trans = None if key is None else numbers_of(values[key])
    if trans is None or trans.shape != (len(local), 3):
        trans = np.full((len(local), 3), np.nan)
    if z_up:
        turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
        local = np.concatenate([(turn @ local[:, 0])[:, None], local[:, 1:]], axis=1)
        trans = trans @ turn.T
    betas = next((numbers_of(values[key]) for key in ("betas", "shape") if key in values), None)
    time_s = None if rate is None else np.arange(len(local)) / rate
    return Rotations(local, trans, camera, model, name, time_s, rate, betas)


def numbers_of(value: Any) -> Float | None:
    """`value` as floats, None where it is anything else."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None


def _wham(content: Mapping[Any, Any], path: Path, person: str) -> Rotations:
    """WHAM: {person: pose_world, trans_world, pose, trans, betas, frame_ids}; its world is y up."""
    counts = {
        str(key): len(np.atleast_1d(value.get("frame_ids", value.get("pose", ())))) for key, value in content.items()
    }
    key = _pick(counts, person, path)
    entry = next(value for name, value in content.items() if str(name) == key)
    world = "pose_world" in entry
    trans = entry.get("trans_world" if world else "trans")
    values = {"pose": entry["pose_world" if world else "pose"], "trans": trans, "betas": entry.get("betas", [])}
    found = parameters(values, path, "wham", camera=not world)
    return _spread(found, entry.get("frame_ids"), key, len(counts), path)


def _prompthmr(content: Mapping[str, Any], path: Path, person: str) -> Rotations:
    """PromptHMR: people[id]["smplx_world"] (y up) or ["smplx_cam"]: pose, shape, trans; frames."""
    people = {str(key): value for key, value in content["people"].items() if isinstance(value, dict)}
    own = {
        key: next((k for k in ("smplx_world", "smplx_cam", "smpl_world") if k in value), "")
        for key, value in people.items()
    }
    counts = {key: len(np.atleast_1d(people[key].get("frames", ()))) for key in people if own[key]}
    if not counts:
        raise UserError("no person has smplx_world", where=path, expected="PromptHMR's results.pkl")
    key = _pick(counts, person, path)
    values = people[key][own[key]]
    if not isinstance(values, dict):
        raise UserError(f"{own[key]} is no dictionary", where=path, expected="pose, shape, trans")
    found = parameters(values, path, "prompthmr", camera="cam" in own[key], model="smplx")
    return _spread(found, people[key].get("frames"), key, len(counts), path)


def _phalp(content: Mapping[Any, Any], path: Path, person: str) -> Rotations:
    """PHALP and 4DHumans: one dictionary a frame: smpl (one a person: global_orient, body_pose, betas), tid, bbox."""
    entries = [content[key] for key in sorted(content, key=str)]
    seen: dict[str, int] = {}
    steps: list[list[Sighting]] = []
    for t, entry in enumerate(entries):
        bodies, boxes = list(entry.get("smpl", ())), list(entry.get("bbox", ()))
        ids = [str(i) for i in entry.get("tid", range(len(bodies)))]
        row = []
        for k in range(min(len(bodies), len(ids))):
            seen[ids[k]] = seen.get(ids[k], 0) + 1
            box = numbers_of(boxes[k]) if k < len(boxes) else None
            corners = np.array([0.0, 0.0, 1.0, 1.0])
            if box is not None and box.shape == (4,) and np.isfinite(box).all():
                corners = np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])
            row.append(Sighting(t / 30.0, t, corners, 1.0, k))
        steps.append(row)
    if not seen:
        raise UserError("nobody is in any frame", where=path, expected="PHALP's tracks")
    key = _pick(seen, person, path) if person else ""
    subject = choose_subject(steps)
    rows = {s.step: s.row for s in subject.track.sightings} if subject.track else {}
    local = np.full((len(entries), N_BODY, 3, 3), np.nan)
    betas = []
    for t, entry in enumerate(entries):
        ids = [str(i) for i in entry.get("tid", ())]
        at = (ids.index(key) if key in ids else None) if key else rows.get(t)
        if at is None:
            continue
        values = entry["smpl"][at]
        if not isinstance(values, dict):
            raise UserError(f"frame {t} has a body that is no dictionary", where=path, expected="PHALP's tracks")
        one = parameters(
            {k: np.asarray(v)[None] if np.ndim(v) == 3 else v for k, v in values.items()}, path, "phalp", camera=True
        )
        local[t] = one.local[0]
        if one.betas is not None and one.betas.size:
            betas.append(one.betas.reshape(-1))
    shape = np.array(betas) if betas and len({len(b) for b in betas}) == 1 else None
    flags = ("several_people",) if subject.several and not key else ()
    missing = np.full((len(entries), 3), np.nan)
    return Rotations(
        local, missing, True, "smpl", "phalp", None, None, shape, key, True, subject.record() if not key else {}, flags
    )


def _pick(counts: Mapping[str, int], person: str, path: Path) -> str:
    if person:
        if person not in counts:
            raise UserError(f"no person {person!r}", where=path, expected=f"one of {', '.join(sorted(counts)[:8])}")
        return person
    return max(sorted(counts), key=lambda key: counts[key])


def _spread(found: Rotations, frames: Any, person: str, people: int, path: Path) -> Rotations:
    """The rotations on the video's frames, NaN where the person is not seen."""
    from dataclasses import replace

    flags = ("several_people",) if people > 1 else ()
    subject = {"rule": "most frames, or named by the user", "person": person, "candidates": people}
    numbers = numbers_of(frames) if frames is not None else None
    if numbers is None or numbers.shape != (len(found.local),):
        return replace(found, person=person, flags=flags, subject=subject)
    index = numbers.astype(np.int64)
    if (np.diff(index) <= 0).any() or index[0] < 0 or index[-1] > 10_000_000:
        raise UserError("frame numbers do not rise", where=path, expected="each frame once, in order")
    local = np.full((int(index[-1]) + 1, *found.local.shape[1:]), np.nan)
    trans = np.full((len(local), 3), np.nan)
    local[index], trans[index] = found.local, found.trans
    return replace(found, local=local, trans=trans, person=person, flags=flags, subject=subject)


def _without_tensors(value: Any) -> Any:
    """The content of a loaded file with tensors as arrays."""
    if isinstance(value, dict):
        return {key: _without_tensors(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_without_tensors(item) for item in value]
    return value.detach().cpu().float().numpy() if hasattr(value, "detach") else value


def _holds(content: Any) -> str:
    keys = ", ".join(sorted(map(str, content))[:8]) if isinstance(content, dict) else type(content).__name__
    return f"holds {keys or 'nothing'}"
