"""`qevd-bio refs new`: the file of rules that a new exercise begins with, valid as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from qevd_bio.dataset.names import load_names
from qevd_bio.exercise.catalogue import read_exercise
from qevd_bio.exercise.expression import parse
from qevd_bio.store.atomic import write_text
from qevd_bio.store.errors import UserError

SIGNAL = "0.5*(elbow_flexion_r + elbow_flexion_l)"

_TEMPLATE = """\
# {name}: rules of an exercise of your own. Valid as it stands; look at every line that says CHANGE.
# Angles are degrees, times seconds. docs/exercises.md explains every key, docs/own-exercise.md goes through an example.
id: {id}
name: {name}
aliases: []                        # other spellings, e.g. [{alias}]
description: CHANGE. How it is done, in one sentence.

# bilateral: both sides together; alternating: in turn; hold: a pose that is kept.
category: bilateral

# CHANGE. The one curve that shows the repetitions: it must rise and fall once in each. Names are those that
# `qevd-bio show VIDEO` draws: knee_angle_r, hip_flexion_l, elbow_flexion_r, shoulder_elevation_l, trunk_lean_deg …
# rest: min where the curve is low between two repetitions, max where it is high.
signal: {{expression: "{signal}", rest: min}}

# CHANGE. Shortest and longest repetition that counts; what people count.
cycle: {{bounds_s: [0.8, 6.0], typical_s: [1.5, 4.0], count: {{unit: repetition, plural: repetitions, per_cycle: 1}},
  source: COACH, confidence: low}}

# Moments at which something is measured. phrase: how a sentence says it.
keys:
  - {{name: top, phrase: at the top, at: max}}
  - {{name: bottom, phrase: at the bottom, at: min}}

# CHANGE. Joints that move. Those named nowhere should stand still (their angles vary by less than 5 degrees).
# free: may move or not.
roles:
  dynamic: [elbow]
  free: [hip, knee, ankle, subtalar, mtp, pelvis, lumbar, thorax, head, scapula, shoulder, radioulnar, wrist]
salient: [elbow]                   # joints that the coach is told of

# What a good repetition reaches; a target outside its range is measured, not scolded.
targets: []
#  - {{id: full_bend, quantity: elbow_flexion, side: each, at: top, range: [110, 150], tolerance: 5,
#     source: COACH, confidence: low}}

# What goes wrong: a coach speaks of these. below / above: the threshold; goal: the value to reach; fix: what to do.
errors: []
#  - {{id: half_curl, quantity: elbow_flexion, side: each, stat: max, below: 100, goal: 120, joints: [elbow],
#     parts: [arms, elbows], directions: [higher, up], says: [all the way up], fix: bend the elbows further,
#     weight: 0.7, source: COACH, confidence: low}}
"""


def new_exercise(name: str, user_refs: Path, signal: str | None = None) -> Path:
    """Write the file of an exercise into a workspace's `refs/exercises`; returns it.

    Raises UserError for a name that cannot be an id or is taken, for an existing file, and for a signal that is none.
    """
    words = re.findall(r"[a-z0-9]+", name.lower())
    ident = "_".join(words)
    if not words or not ident[0].isalpha() or len(ident) > 60:
        raise UserError(f"{name!r} cannot name an exercise", expected="letters and digits, as bicep_curls")
    path = user_refs / "exercises" / f"{ident}.yaml"
    if path.exists():
        raise UserError("there is such a file already", where=path, fix="edit it, or choose another name")
    known = load_names(user_refs).lookup(ident.replace("_", " "))
    if known is not None:
        raise UserError(f"{name!r} already names {known.canonical}", fix="choose another name")
    text = signal or SIGNAL
    parse(text)
    spoken = " ".join(words)
    write_text(path, _TEMPLATE.format(id=ident, name=spoken, alias=f"my {spoken}", signal=text))
    try:
        read_exercise(path)
    except UserError:
        path.unlink()
        raise
    return path
