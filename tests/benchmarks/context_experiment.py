"""`fast` against `exact`: does a trained coach say the same when only the new C_motion is read, and not all again?

    python tests/benchmarks/learning_experiment.py --out outputs/learning --seeds 0 --variants full
    python tests/benchmarks/context_experiment.py --learnt outputs/learning

Takes the coach and the test sessions of the learning experiment and lets it speak in the three ways of `--context`,
at the rate of C_motion that it was trained with and at every step. Prints how many tokens and feedbacks are those of
`exact`, METEOR with its paired difference, and processor time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from learning_data import DataOptions, Session, read_sessions
from learning_experiment import as_read, said_of

from qevd_bio.coach.model.checkpoint import Coach, load_coach
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput, SegmentOutput
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.training.coach import lexical_scores
from qevd_bio.tables.workspace import Workspace

WAYS = ("exact", "fast", "start")
Said = set[tuple[float, str]]


@dataclass
class Heard:
    """What was said in one way: outputs by session, processor seconds."""

    outputs: dict[str, SegmentOutput]
    seconds: float

    def said(self, key: str) -> list[tuple[float, str]]:
        return [(one.time_s, one.text) for one in self.outputs[key].feedbacks]


def listen(coach: Coach, parts: list[SegmentInput], way: str, every: int) -> Heard:
    """Stream all sessions in one way."""
    options = replace(GenerateOptions(timing="corrected", max_tokens=96), context=way, context_every=every)  # type: ignore[arg-type]
    start = time.process_time()
    found = Streamer(coach, options).run(parts)
    outputs = {one.key: one for one in found if isinstance(one, SegmentOutput)}
    return Heard(outputs, time.process_time() - start)


def agreement(one: Heard, two: Heard) -> tuple[float, float]:
    """Share of the tokens, place by place, and of the feedbacks (time and words) that are the same."""
    same = longest = 0
    both = either = 0
    for key, output in one.outputs.items():
        first, second = output.output, two.outputs[key].output
        same += sum(a == b for a, b in zip(first, second, strict=False))
        longest += max(len(first), len(second))
        mine: Said = set(one.said(key))
        theirs: Said = set(two.said(key))
        both, either = both + len(mine & theirs), either + len(mine | theirs)
    return same / max(longest, 1), both / max(either, 1)


def by_video(sessions: list[Session], heard: Heard) -> dict[str, float]:
    """METEOR of each video's matched pairs; a video without any is left out."""
    groups: dict[str, list[Session]] = {}
    for session in sessions:
        groups.setdefault(session.segment.key.split("/")[1], []).append(session)
    scored = {
        video: lexical_scores([(said_of(session), heard.said(session.segment.key)) for session in own])
        for video, own in groups.items()
    }
    return {video: row["meteor"] for video, row in scored.items() if "meteor" in row}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learnt", type=Path, default=Path("outputs/learning"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="only the first sessions")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.learnt / f"full-{options.seed}"
    settings = json.loads((folder / "scores.json").read_text(encoding="utf-8"))["settings"]
    coach = load_coach(folder / "last")
    sessions = read_sessions(Workspace(options.learnt / "data" / "work"), "test", DataOptions(**settings["data"]))
    sessions = sessions[: options.limit]
    parts = [as_read(session.segment, coach) for session in sessions]
    for every in (int(settings["training"]["context_every"]), 1):
        print(f"{len(parts)} sessions, C_motion every {every} steps")
        told = {way: listen(coach, parts, way, every) for way in WAYS}
        videos = {way: by_video(sessions, heard) for way, heard in told.items()}
        for way, heard in told.items():
            tokens, feedbacks = agreement(told["exact"], heard)
            scored = lexical_scores([(said_of(s), heard.said(s.segment.key)) for s in sessions])
            shared = sorted(videos["exact"].keys() & videos[way].keys())
            differences = np.array([videos[way][video] - videos["exact"][video] for video in shared])
            half = 1.96 * differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else np.nan
            print(
                f"  {way:6s} tokens {tokens:.3f}  feedbacks {feedbacks:.3f}  METEOR {scored.get('meteor', 0.0):.3f} "
                f"(by video {differences.mean():+.3f} ± {half:.3f})  T-F {scored['temporal_f']:.3f}  {heard.seconds:.1f} s"
            )


if __name__ == "__main__":
    main()
