"""The table of sub-commands: what the help lists, and where each is found when it runs."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """One line of the help: name, module in this package, what in it, panel and short help.

    `target` is a function, or a Typer app for a command with sub-commands.
    """

    name: str
    module: str
    target: str
    panel: str
    help: str


DATA, JUDGE, MOTION = "1 Data and kinematics", "2 Judgements", "3 Motion and rewriting"
COACH, SCORE, TRY = "4 The coach", "5 Scores", "Help and trying out"

COMMANDS = (
    Command("check", "check", "check", DATA, "Say what is right and wrong in a video, in one go."),
    Command("segments", "segments", "segments", DATA, "Write the table of exercises and their times."),
    Command("extract", "extract", "extract", DATA, "Videos to 46 joint angles per frame."),
    Command("show", "show", "show", DATA, "Draw the kinematics of one video."),
    Command("export", "export", "export", DATA, "Kinematics for OpenSim, Blender and others."),
    Command("annotate", "annotate", "annotate", JUDGE, "Salient joints of each segment, by model or by rules."),
    Command("classify", "classify", "classify", JUDGE, "Static and dynamic joints of each exercise."),
    Command("intent", "intent", "intent", JUDGE, "Sort feedback: corrective, motivational, count, …"),
    Command("review", "review", "app", JUDGE, "Have people check annotations, or rate feedback."),
    Command("cache", "cache", "app", JUDGE, "Look into the cache of model replies; export, prune."),
    Command("refs", "refs", "app", MOTION, "Exercise rules and reference trajectories."),
    Command("analyze", "analyze", "analyze", MOTION, "Repetitions, form errors and contexts."),
    Command("rewrite", "rewrite", "rewrite", MOTION, "The data set with measured feedback: QEVD-bio-fit-coach."),
    Command("dataset", "dataset", "app", MOTION, "The results as a Hugging Face data set."),
    Command("features", "features", "features", COACH, "Visual features of videos, for the coach."),
    Command("train", "train", "app", COACH, "Train the coach: joint selector, then fusion; Stream-VLM."),
    Command("run", "run", "run", COACH, "What a coach says in every segment: predictions."),
    Command("coach", "coach", "app", COACH, "Models of the coach: presets, released weights, joint selection."),
    Command("techcoach", "techcoach", "app", COACH, "TechCoach: comments by technical points, and a score."),
    Command("validate", "validate", "validate", SCORE, "Check a file of predictions."),
    Command("score", "score", "score", SCORE, "Score predictions against the feedback of a data set."),
    Command("compare", "compare", "compare", SCORE, "Compare several systems, with paired tests."),
    Command("report", "report", "report", SCORE, "One page: scores, timelines, statistics, manifests."),
    Command("plot", "plot", "app", SCORE, "Figures for papers: scores, ablation, timeline, cycle."),
    Command("demo", "demo", "demo", TRY, "The whole job on simulated workouts, in a few minutes."),
    Command("simulate", "simulate", "simulate", TRY, "Workouts with known truth, in QEVD's layout."),
    Command("verify", "verify", "verify", TRY, "What was found in simulated workouts, against their truth."),
    Command("status", "status", "status", TRY, "How far every stage is: done, failed, pending, time left."),
    Command("merge", "merge", "merge", TRY, "Join workspaces in which machines did their shares."),
    Command("models", "models", "app", TRY, "Models to fetch: licence, size, hash, where they lie."),
    Command("doctor", "doctor", "doctor", TRY, "What is installed, what is missing, and what mends it."),
)
BY_NAME = {command.name: command for command in COMMANDS}
