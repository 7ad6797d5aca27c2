"""What a user can choose about the fit and the smoothing; standard library only, for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qevd_bio.pose.options import Fit, Smoothing


@dataclass(frozen=True)
class FitOptions:
    """Choices of the inverse kinematics. Distances in metres, angles in degrees, times in seconds.

    focal_ratio       focal length over the longer image side: 1 is a field of view of 53 degrees along it
    camera_pitch_deg  camera looking down (+); None: not known, estimated within the clip
    camera_roll_deg   camera turned clockwise (+) as its owner sees it; None: estimated
    knot_hz           frames a second that the whole-clip solution is computed at; frames between follow it
    iterations        Gauss-Newton steps of the whole-clip solution
    window_s, overlap_s  length of the pieces in which a long clip is solved, and what neighbours share
    calibration_frames   frames, spread over the clip, from which lengths and camera are estimated
    image_sd, depth_sd, plane_sd  spread of an image landmark, and of a world bone across and in the image plane
    acceleration      spread of a joint's angular acceleration, rad/s²
    kind              geometric: landmarks and bones of constant length; lifter: the network's angles; combined: the
                      network's bones in place of the world landmarks' in the fit
    lifter            weights of the network; None: the shipped ones
    lifter_doubt      factor on the spread that the network states: its errors last over many frames
    """

    focal_ratio: float = 1.0
    camera_pitch_deg: float | None = None
    camera_roll_deg: float | None = None
    knot_hz: float = 15.0
    iterations: int = 6
    window_s: float = 60.0
    overlap_s: float = 2.0
    calibration_frames: int = 48
    image_sd: float = 0.020
    depth_sd: float = 0.10
    plane_sd: float = 0.2
    acceleration: float = 50.0
    min_visibility: float = 0.5
    kind: Fit = "geometric"
    lifter: Path | None = None
    lifter_doubt: float = 2.0


@dataclass(frozen=True)
class SmoothOptions:
    """Zero-phase smoothing. The paper's is a Gaussian whose sigma of 2 frames at 30 fps is 2/30 s.

    kind  follow: the cut-off follows the movement, from the paper's where a joint rests to about 6 Hz where it moves
          fast, and cycles alone are found on the paper's signal; paper: the paper's for everything
    """

    sigma_s: float = 2.0 / 30.0
    hold_s: float = 0.5
    kind: Smoothing = "follow"
