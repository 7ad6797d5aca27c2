"""BioCoach's Table 3 at small scale: every row, three seeds, the `tiny` preset, simulated workouts, on a CPU.

    python tests/benchmarks/table3.py --out outputs/table3

Makes the data, trains the selectors, makes each row's contexts with the J* and the window that it names, trains and
streams each row, and prints METEOR, ROUGE-L and temporal F with what differs from the row's own reference, each with a
95 % interval. Interrupted, it goes on where it was; `--only-print` shows what is finished. docs/experiments.md says
what came out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from learning_data import GRID, WIDTH, DataOptions, Session, make_data, read_sessions, to_train
from learning_experiment import Training, interval, new_coach, said_of, speak, trained

from qevd_bio.annotation.annotate_stage import annotate
from qevd_bio.annotation.options import FrameOptions
from qevd_bio.coach.model.checkpoint import Coach, load_coach
from qevd_bio.coach.options import VARIANTS, MotionWish
from qevd_bio.coach.segments.coach_views import coach_view
from qevd_bio.coach.segments.data import sources
from qevd_bio.coach.training.options import SELECTOR
from qevd_bio.coach.training.selector import SelectorTask, read_windows
from qevd_bio.coach.vision.feature_files import FeatureShape
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.learning.loop import train
from qevd_bio.scoring.measures import measure
from qevd_bio.scoring.options import MatchingOptions, ScoreOptions
from qevd_bio.scoring.pairing.matching import official_pairs
from qevd_bio.simulation.options import SPLIT_FOLDERS
from qevd_bio.store.atomic import write_json
from qevd_bio.store.work import RunOptions
from qevd_bio.tables.workspace import Workspace

ROWS = {
    "full": "",
    "no-selector": "full",
    "no-selector-exercise": "full",
    "no-motion-context": "full",
    "no-motion-context-matched": "full",
    "no-morphology": "full",
    "no-morphology-matched": "full",
    "tau-3s": "full",
    "tau-2s": "tau-3s",
}
"""Each row, and the one that it differs from in what it names."""
METRICS = ("meteor", "rouge_l", "temporal_f")
SHAPE = FeatureShape("3d-cnn", WIDTH, GRID[0] * GRID[1])
DRAWS = 2000


@dataclass(frozen=True)
class Size:
    """How large it is: workouts, room for C_motion (tokens), steps of training, seeds."""

    train: int = 40
    test: int = 10
    room: int = 96
    steps: int = 100
    seeds: tuple[int, ...] = (0, 1, 2)

    def data(self) -> DataOptions:
        return DataOptions(train=self.train, test=self.test, context_tokens=self.room)


def make(root: Path, size: Size) -> Workspace:
    """Data of both splits, and annotations by rules of both (only those of the training split are ever read)."""
    workspace = make_data(root / "data", size.data())
    if not workspace.annotation("salient").is_file():
        annotate(open_dataset(root / "data" / "sim"), workspace, "rules", FrameOptions(), RunOptions())
    return workspace


def selector(tau_s: float, workspace: Workspace, root: Path) -> Coach:
    """A coach whose selector learnt the training split's annotations, from windows of `tau_s`."""
    folder = root / f"selector-{tau_s:g}s"
    if not (folder / "best").is_dir():
        coach = new_coach(replace(VARIANTS["full"], tau_s=tau_s), 0, ())
        dataset = open_dataset(workspace.rewritten, user_refs=workspace.user_refs)
        chosen = sources(dataset, workspace, SHAPE, split=SPLIT_FOLDERS["train"])
        windows = read_windows(chosen, workspace, coach.ablations.tau_steps, folder)
        options = replace(SELECTOR, learning_rate=1e-3, batch=32, epochs=20, device="cpu", precision="no")
        train(SelectorTask(coach, windows, options), options, folder, {"tau_s": tau_s}, print)
    return load_coach(folder / "best")


def contexts(row: str, workspace: Workspace, root: Path) -> Workspace:
    """The workspace with the contexts that the row reads."""
    ablations = VARIANTS[row]
    coach = selector(ablations.tau_s, workspace, root)
    dataset = open_dataset(workspace.rewritten, user_refs=workspace.user_refs)
    wish = MotionWish(ablations.salient, ablations.window_s)
    return coach_view(coach, row, wish, sources(dataset, workspace, SHAPE), workspace, say=print).workspace


def run(row: str, seed: int, workspace: Workspace, size: Size, out: Path) -> None:
    """Train one row with one seed, stream the test split through it, write what each test session gave."""
    began = time.process_time()
    folder = out / f"{row}-{seed}"
    training = Training(steps=size.steps)
    reads = new_coach(VARIANTS[row], seed, ()).reads
    lessons = to_train(read_sessions(workspace, "train", size.data(), reads), seed)
    coach = trained(row, seed, lessons, training, folder, size.room)
    test = read_sessions(workspace, "test", size.data(), reads)
    heard = speak(coach, test, training.context_every)
    found = [session_scores(session, heard[session.segment.key]) for session in test]
    settings = {"size": asdict(size), "training": asdict(training)}
    spent = time.process_time() - began
    write_json(folder / "scores.json", {"sessions": found, "cpu_s": spent, "settings": settings})
    print(f"{row} {seed}: {spent:.0f} s of processor time; {means(found)}", flush=True)


def session_scores(session: Session, heard: list[tuple[float, str]]) -> dict[str, Any]:
    """METEOR and ROUGE-L of a session's matched pairs, and what its temporal F is made of."""
    truth = said_of(session)
    times, texts = [time for time, _ in truth], [text for _, text in truth]
    own_times, own = [time for time, _ in heard], [text for _, text in heard]
    tolerance = MatchingOptions().tolerance_s
    matched = official_pairs(times, own_times, own, tolerance)
    pairs = [(texts[a], own[b]) for a, b in matched]
    found: dict[str, Any] = {"video": session.segment.key.split("/")[1], "hit": len(matched), "wanted": len(truth)}
    found |= {"right": len(official_pairs(own_times, times, texts, tolerance)), "spoken": len(heard)}
    for metric in METRICS[:2]:
        outcome = measure(metric, {"official": pairs}, ScoreOptions(), None) if pairs else None
        found[metric] = list(outcome.measured["official"].items) if outcome is not None else []
    return found


def means(sessions: list[dict[str, Any]]) -> dict[str, float]:
    """The three metrics over sessions; a metric of no pair is 0: a coach that is silent has said nothing right."""
    found = {name: float(np.mean([v for s in sessions for v in s[name]] or [0.0])) for name in METRICS[:2]}
    hit, wanted, right, spoken = (sum(s[name] for s in sessions) for name in ("hit", "wanted", "right", "spoken"))
    recall, precision = hit / max(wanted, 1), right / max(spoken, 1)
    found["temporal_f"] = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {name: round(value, 4) for name, value in found.items()}


def sums(sessions: list[dict[str, Any]], videos: list[str]) -> NDArray[np.float64]:
    """(V, 8): what the three metrics are ratios of, by video."""
    table = np.zeros((len(videos), 8))
    for session in sessions:
        row = table[videos.index(session["video"])]
        for place, name in enumerate(METRICS[:2]):
            row[2 * place : 2 * place + 2] += sum(session[name]), len(session[name])
        row[4:] += [session[name] for name in ("hit", "wanted", "right", "spoken")]
    return table


def ratios(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """(…, 8) to (…, 3): METEOR, ROUGE-L, temporal F."""
    least = np.maximum(table, 1e-9)
    recall, precision = table[..., 4] / least[..., 5], table[..., 6] / least[..., 7]
    f_score = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return np.stack((table[..., 0] / least[..., 1], table[..., 2] / least[..., 3], f_score), axis=-1)


def differences(one: list[NDArray[np.float64]], other: list[NDArray[np.float64]]) -> tuple[NDArray[np.float64], ...]:
    """Mean over seeds of `one` minus `other`, and its 95 % interval over test videos and seeds drawn together.

    Both rows are drawn with the same videos and the same seeds (paired bootstrap), 2,000 times.
    """
    first, second = np.stack(one), np.stack(other)
    draw = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        seeds = draw.integers(len(first), size=len(first))
        videos = draw.integers(first.shape[1], size=first.shape[1])
        parts = [ratios(table[seeds][:, videos].sum(axis=1)) for table in (first, second)]
        drawn.append((parts[0] - parts[1]).mean(axis=0))
    found = (ratios(first.sum(axis=1)) - ratios(second.sum(axis=1))).mean(axis=0)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return found, low, high


def show(out: Path) -> None:
    """The table of what is finished: mean and interval over seeds, then the difference to the row's reference."""
    scores: dict[str, dict[int, list[dict[str, Any]]]] = {}
    for row in ROWS:
        paths = sorted(out.glob(f"{row}-[0-9]*/scores.json"))
        scores[row] = {int(p.parent.name.rsplit("-", 1)[1]): json.loads(p.read_text())["sessions"] for p in paths}
    print(f"{'row':27s}{'seeds':>6s}" + "".join(f"{name:>17s}" for name in METRICS) + "   minus its reference")
    for row, base in ROWS.items():
        own = scores[row]
        if not own:
            continue
        values = [means(sessions) for sessions in own.values()]
        cells = [interval([value[name] for value in values]) for name in METRICS]
        line = f"{row:27s}{len(own):6d}" + "".join(f"   {mean:6.3f} ± {half:5.3f}" for mean, half in cells)
        shared = sorted(set(own) & set(scores.get(base, {})))
        if shared:
            videos = sorted({session["video"] for session in own[shared[0]]})
            tables = [[sums(scores[name][seed], videos) for seed in shared] for name in (row, base)]
            found, low, high = differences(*tables)
            marks = ["*" if low[i] > 0 or high[i] < 0 else " " for i in range(3)]
            line += "   " + "  ".join(f"{found[i]:+.3f} [{low[i]:+.3f}, {high[i]:+.3f}]{marks[i]}" for i in range(3))
        print(line)
    print("* the interval leaves out 0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("outputs/table3"))
    parser.add_argument("--seeds", type=int, nargs="*", default=Size.seeds)
    parser.add_argument("--rows", nargs="*", default=list(ROWS))
    parser.add_argument("--steps", type=int, default=Size.steps)
    parser.add_argument("--train", type=int, default=Size.train, help="workouts to train on")
    parser.add_argument("--test", type=int, default=Size.test, help="workouts to test on")
    parser.add_argument("--only-print", action="store_true", help="show what is finished, run nothing")
    asked = parser.parse_args()
    if not asked.only_print:
        torch.set_num_threads(1)
        size = Size(train=asked.train, test=asked.test, steps=asked.steps)
        began = time.process_time()
        workspace = make(asked.out, size)
        views = {row: contexts(row, workspace, asked.out) for row in asked.rows}
        print(f"data and contexts: {time.process_time() - began:.0f} s of processor time", flush=True)
        for seed in asked.seeds:
            for row in asked.rows:
                if not (asked.out / f"{row}-{seed}" / "scores.json").is_file():
                    run(row, seed, views[row], size, asked.out)
    show(asked.out)


if __name__ == "__main__":
    main()
