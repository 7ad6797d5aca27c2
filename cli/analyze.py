"""`qevd-bio analyze`: repetitions, form errors and contexts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import typer

from qevd_bio.motion.options import MotionOptions, Salient
from qevd_bio.pose.threads import single_blas_thread
from qevd_bio.store.errors import UserError
from qevd_bio.store.terminal import say

from .common import ClusterFlags, PlaceFlags
from .ending import finish, note
from .flags import spread
from .salient_flags import PANEL, SalientFlags

D = MotionOptions()
RULES, SURE = "Cycles and judgement", "How sure"
AUTO = "auto"


@dataclass(frozen=True)
class AnalyzeFlags:
    """How repetitions are found and judged."""

    exercise: Annotated[
        str | None,
        typer.Option(help="The exercise of videos or recordings for which none is known; auto: recognise it."),
    ] = None
    cycles: Annotated[
        Literal["robust", "paper"],
        typer.Option(help="Rule that finds repetitions; paper: Supp. 10 as it stands.", rich_help_panel=RULES),
    ] = D.cycles.method
    constraints: Annotated[
        Literal["catalogue", "paper", "paper-std"],
        typer.Option(
            help="What is a form error: the exercise's rules, or the paper's two constraints on joints, with the "
            "variance as printed or as a standard deviation.",
            rich_help_panel=RULES,
        ),
    ] = D.constraints.method
    strict_paper: Annotated[
        bool,
        typer.Option(
            "--strict-paper",
            help="Every joint that is not dynamic is static, without exceptions.",
            rich_help_panel=RULES,
        ),
    ] = D.constraints.strict_paper
    fault_p: Annotated[
        float,
        typer.Option(
            min=0.5, max=1.0, help="A rule is broken from this probability on that it is.", rich_help_panel=SURE
        ),
    ] = D.constraints.fault_p
    fine_p: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="It is kept up to this probability.", rich_help_panel=SURE)
    ] = D.constraints.fine_p
    recur: Annotated[
        int,
        typer.Option(
            min=1, help="Repetitions in a row in which a form error must show to count.", rich_help_panel=SURE
        ),
    ] = D.constraints.recur
    recur_p: Annotated[
        float,
        typer.Option(
            min=0.5,
            max=1.0,
            help="The mean of a person's repetitions breaks a rule from here on.",
            rich_help_panel=SURE,
        ),
    ] = D.constraints.recur_p
    grave: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Severity from which it counts at once.", rich_help_panel=SURE),
    ] = D.constraints.grave
    morph: Annotated[
        Literal["build", "paper"],
        typer.Option(
            help="C_morph: measurements and the body's proportions, or the paper's five measurements alone.",
            rich_help_panel=RULES,
        ),
    ] = D.contexts.morph
    max_tokens: Annotated[
        int, typer.Option(min=20, help="Longest motion context, in estimated tokens.", rich_help_panel=RULES)
    ] = D.contexts.max_tokens

    def of(self) -> MotionOptions:
        """The options as the stage takes them."""
        return MotionOptions(
            cycles=replace(D.cycles, method=self.cycles),
            constraints=replace(
                D.constraints,
                method=self.constraints,
                strict_paper=self.strict_paper,
                fault_p=self.fault_p,
                fine_p=self.fine_p,
                recur=self.recur,
                recur_p=self.recur_p,
                grave=self.grave,
            ),
            contexts=replace(D.contexts, morph=self.morph, max_tokens=self.max_tokens),
            exercise="" if self.exercise in (None, AUTO) else self.exercise or "",
        )


@dataclass(frozen=True)
class SelectorFlags:
    """The model whose selector chooses J*."""

    model: Annotated[
        str | None,
        typer.Option(help="Checkpoint whose trained selector chooses J*.", show_default=False, rich_help_panel=PANEL),
    ] = None
    device: Annotated[str, typer.Option(help="Of that model.", rich_help_panel=PANEL)] = "auto"

    def select(self, place: PlaceFlags, joints: SalientFlags) -> Salient:
        """Where J* comes from, after the model has chosen where one is named."""
        source = joints.salient or ("selector" if self.model else D.salient)
        if self.model is None:
            return source
        if source != "selector":
            raise UserError(f"--model has no part in --salient {source}", fix="leave one of the two out")
        from qevd_bio.coach.training.selector import select_in

        done, failed = select_in(place.dataset(), place.open(), self.model, self.device, joints.evidence)
        say(f"J* of {done} segments chosen, of {failed} not")
        return source


@spread
def analyze(
    *, place: PlaceFlags, flags: AnalyzeFlags, joints: SalientFlags, selector: SelectorFlags, items: ClusterFlags
) -> None:
    """Find repetitions, judge them by the exercise's rules, and write the coach's contexts.

    Reads the workspace's kinematics and table of exercises, as `qevd-bio extract` leaves them; --data is needed
    only where that table is missing. Run the same command again to continue.
    """
    single_blas_thread()  # before numpy is loaded
    from qevd_bio.dataset.stage import ensure_segments
    from qevd_bio.motion.stage import analyze as run_analyze
    from qevd_bio.motion.stage import report
    from qevd_bio.video.probe import measure

    where = place.open()
    if place.data is not None:
        ensure_segments(place.source(), where, measure)
    if flags.exercise == AUTO:
        from qevd_bio.workflows.recognise import recognise_videos

        recognised = recognise_videos(where)
        for line in (*recognised.lines(where), *(f"{key}: {why}" for key, why in sorted(recognised.unsure.items()))):
            note(line)
    options = flags.of()
    window_s = options.contexts.window_s if joints.window is None else joints.window
    options = replace(
        options,
        salient=selector.select(place, joints),
        evidence=joints.evidence,
        contexts=replace(options.contexts, window_s=window_s),
    )
    summary, _ = run_analyze(where, options, items.of())
    for line in report(where):
        say(line)
    finish(summary, where.motion)
