"""One function a format, all of one shape: path and what the user said in, a declared result out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qevd_bio.pose.formats.recording import Keypoints, Markers, Read, Recording
from qevd_bio.store.errors import UserError

if TYPE_CHECKING:
    from qevd_bio.pose.formats.registry import Asked


def opensim(path: Path, asked: Asked) -> Recording:
    from qevd_bio.pose.formats.opencap import with_session
    from qevd_bio.pose.formats.opensim import read_mot

    return with_session(read_mot(path, asked.spine, asked.unit), path)


def sports2d(path: Path, asked: Asked) -> Recording:
    from qevd_bio.pose.formats.sheet import read_sheet
    from qevd_bio.pose.formats.sports2d import is_sports2d, sports2d_recording

    sheet = read_sheet(path)
    return sports2d_recording(sheet, path, asked.unit) if is_sports2d(sheet) else opensim(path, asked)


def csv(path: Path, asked: Asked) -> Recording:
    from qevd_bio.pose.formats.angle_csv import read_csv

    return read_csv(path, asked.unit)


def hsmr(path: Path, asked: Asked) -> Recording:
    from qevd_bio.pose.formats.hsmr_file import read_hsmr

    return read_hsmr(path, asked.size, asked.camera_pitch_deg)


def skel(path: Path, asked: Asked) -> Recording:
    from qevd_bio.pose.formats.skel_file import read_skel

    return read_skel(path, asked.unit)


def export_npz(path: Path, asked: Asked) -> Recording:
    from qevd_bio.pose.formats.writers.npz import read_export

    return read_export(path)


def trc(path: Path, asked: Asked) -> Markers:
    from qevd_bio.pose.formats.markers.trc import read_trc

    return read_trc(path)


def c3d(path: Path, asked: Asked) -> Markers:
    from qevd_bio.pose.formats.markers.c3d import read_c3d

    return read_c3d(path)


def freemocap(path: Path, asked: Asked) -> Markers:
    from qevd_bio.pose.formats.markers.freemocap import read_freemocap

    return read_freemocap(path)


def b3d(path: Path, asked: Asked) -> Read:
    raise UserError(
        "is a binary trial of AddBiomechanics, which is not read here",
        where=path,
        expected="an OpenSim motion (.mot) or markers (.trc)",
        fix="download the subject's OpenSim results (IK/*.mot, MarkerData/*.trc) in place of the .b3d, or write its "
        "poses to .mot with nimblephysics, then name that file",
    )


def sam3d_body(path: Path, asked: Asked) -> Recording:
    from qevd_bio.pose.formats.mesh.sam3d_body import read_sam3d_body

    return read_sam3d_body(path, asked.camera_pitch_deg)


def smpl_npz(path: Path, asked: Asked) -> Recording:
    from qevd_bio.pose.formats.mesh.archives import read_smpl_npz

    return read_smpl_npz(path, asked.camera_pitch_deg)


def smpl_json(path: Path, asked: Asked) -> Recording:
    from qevd_bio.pose.formats.mesh.json_file import read_smpl_json

    return read_smpl_json(path, asked.camera_pitch_deg)


def torch_file(path: Path, asked: Asked) -> Recording:
    from qevd_bio.pose.formats.mesh.archives import read_torch

    return read_torch(path, asked.camera_pitch_deg)


def joblib_file(path: Path, asked: Asked) -> Recording:
    from qevd_bio.pose.formats.mesh.archives import read_joblib

    return read_joblib(path, asked.person, asked.camera_pitch_deg)


def openpose(path: Path, asked: Asked) -> Keypoints:
    from qevd_bio.pose.formats.keypoints.files import read_folder

    return read_folder(path, asked.size, asked.person)


def keypoint_json(path: Path, asked: Asked) -> Keypoints:
    from qevd_bio.pose.formats.keypoints.files import read_json_file

    return read_json_file(path, asked.size, asked.person)
