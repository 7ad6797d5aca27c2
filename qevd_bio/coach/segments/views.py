"""Motion tables as a coach or a baseline wants them: with its own J*, its own window.

What `qevd-bio analyze` left is taken where it is just that. Otherwise the kinematics are analysed again, with the same
rules, into a view of the workspace (`motion/views/<name>/`) whose name follows from everything that makes it different.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from qevd_bio.coach.options import MotionWish
from qevd_bio.dataset.workout import Segment
from qevd_bio.motion.options import MotionOptions, Salient
from qevd_bio.motion.stage import analyze
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_json
from qevd_bio.tables.motion import MOTION_SEGMENTS
from qevd_bio.tables.workspace import Workspace

NOT_STATED = "not stated"
Choose = Callable[[Path], object]
"""Writes J* of the segments to a table."""


@dataclass(frozen=True)
class View:
    """Motion tables: the workspace that shows them, and where their J* comes from, for predictions and logs."""

    workspace: Workspace
    salient: str
    window_s: float
    evidence: str
    selection: str = ""

    def settings(self) -> dict[str, Any]:
        """What predictions say of the contexts that they were made with."""
        found = {"salient": self.salient, "window_s": self.window_s, "evidence": self.evidence}
        return {**found, "selection": self.selection} if self.selection else found


def view_of(
    wish: MotionWish,
    segments: Sequence[Segment],
    workspace: Workspace,
    *,
    selection: str = "",
    choose: Choose | None = None,
    make: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> View:
    """The motion tables of these segments with the J* and window of `wish` (exercise and 0 where it says None).

    selection: hash of what decides J*, and `choose` writes J* of the segments, for the source `selector`. With `make`
    False the view is only named: another process makes it. Contexts that do not say where they come from, in a
    workspace without kinematics, are taken as they are. UserError where there is nothing to analyse.
    """
    salient: Salient = wish.salient or "exercise"
    window_s = wish.window_s or 0.0
    about = _made_with(workspace)
    if about is None and not workspace.all_kinematics():
        if salient == "selector":
            raise UserError(
                "contexts with the model's own salient joints need kinematics",
                where=workspace.kinematics_folder,
                fix="qevd-bio extract, or --salient exercise to take the contexts as they are",
            )
        return View(workspace, NOT_STATED, window_s, wish.evidence)
    options = _options(about)
    if about is not None and _fits(about, salient, window_s, wish, selection):
        return View(workspace, salient, window_s, wish.evidence, selection)
    options = replace(
        options,
        salient=salient,
        evidence=wish.evidence,
        contexts=replace(options.contexts, window_s=window_s),
    )
    videos = sorted({(segment.split, segment.video) for segment in segments})
    name = f"{salient}-{hash_json([asdict(options), selection, videos])[:12]}"
    view = View(workspace.seen_as(name), salient, window_s, wish.evidence, selection)
    if make:
        if salient == "selector":
            assert choose is not None
            choose(view.workspace.selected_joints)
        summary, _ = analyze(view.workspace, options, videos=frozenset(videos))
        say(f"contexts with J* of source {salient}: {summary.describe()}")
    return view


def _made_with(workspace: Workspace) -> dict[str, Any] | None:
    """What the workspace's own motion tables say of themselves, and the sources that their segments name."""
    if not workspace.motion_segments.is_file():
        return None
    found: dict[str, Any] = dict(MOTION_SEGMENTS.read_metadata(workspace.motion_segments).get("metadata") or {})
    rows = MOTION_SEGMENTS.load(workspace.motion_segments)
    return {**found, "sources": {row.salient_source for row in rows if row.salient_source}}


def _options(about: dict[str, Any] | None) -> MotionOptions:
    """The options of the workspace's own analysis, so that only what is wished for differs."""
    if about is None or "options" not in about:
        return MotionOptions()
    return TypeAdapter(MotionOptions).validate_python(about["options"])


def _fits(about: dict[str, Any], salient: Salient, window_s: float, wish: MotionWish, selection: str) -> bool:
    if about.get("window_s") != window_s:
        return False
    # Where there are no annotations, all segments were analysed with the exercise's list.
    if salient in ("exercise", "all"):
        return bool(about["sources"] <= {salient})
    same = about.get("salient") == salient and about.get("evidence") == wish.evidence
    return bool(same and (salient != "selector" or about.get("selection") == selection))
