"""Rows to begin a test with: a squat that was too shallow."""

from __future__ import annotations

from typing import Any

from qevd_bio.tables.motion import CycleRow
from qevd_bio.tables.rewritten import FeedbackRow
from qevd_bio.tables.verdicts import Verdict


def cycle_row(**changes: Any) -> CycleRow:
    """A whole repetition of squats from 0 to 2 s, at the bottom at 1 s."""
    known: dict[str, Any] = {
        "split": "S", "video": "V", "segment": 0, "exercise": "squats", "cycle": 0, "start_s": 0.0, "middle_s": 1.0,
        "end_s": 2.0, "key_s": 1.0, "side": "", "halves": 2, "partial": "", "units": 1.0, "amplitude_deg": 80.0,
        "signal": "knee_angle_r", "keys": '{"bottom": 1.0}', "best": False, "confidence": 1.0, "salient": ["knee_r"],
        "salient_source": "exercise", "violations": 1, "passed": 1, "not_judged": 0,
    }  # fmt: skip
    return CycleRow(**(known | changes))


def verdict(**changes: Any) -> Verdict:
    """The right knee bent to 84.7° in the first repetition, where 90° was the goal."""
    known: dict[str, Any] = {
        "id": "v1", "split": "S", "video": "V", "segment": 0, "exercise": "squats", "cycle": 0, "verdict": "violation",
        "rule": "error:knees_shallow", "kind": "error", "joint": "knee_r", "quantity": "knee_angle", "side": "r",
        "limb": "", "stat": "max", "key": "at the bottom", "value": 84.7, "low": 85.0, "deviation": -0.3, "goal": 90.0,
        "unit": "deg", "tolerance": 0.0, "start_s": 0.0, "end_s": 2.0, "at_s": 1.0, "at_frame": 30, "first_frame": 0,
        "last_frame": 60, "severity": 0.8, "persistence": 1, "confidence": 1.0, "alarm": "hard", "salient": True,
        "source": "BC", "rule_confidence": "medium", "sigma": 0.1, "probability": 0.99, "raised": True,
    }  # fmt: skip
    return Verdict(**(known | changes))


def feedback_row(**changes: Any) -> FeedbackRow:
    """A correction that was rewritten into the shallow squat's sentence."""
    known: dict[str, Any] = {
        "split": "S", "video": "V", "span": 3, "segment": 0, "exercise": "squats", "start_s": 2.5, "end_s": 4.0,
        "stamp_unix": 1.6e9, "original": "Go deeper", "text": "Right knee flexion 85°.", "status": "rewritten",
        "reason": "", "intent": "corrective", "intent_method": "rules", "rules": ["error:knees_shallow"],
        "violation_ids": ["S/V/0/0/error:knees_shallow/r"], "numbers": '[["85", "v1", "value"]]', "policy": "supported",
    }  # fmt: skip
    return FeedbackRow(**(known | changes))
