"""Every command after a plain `pip install qevd-bio`: it works, or says in one sentence what to install."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.store.extras import EXTRAS

# Hides the optional packages from `import` and `find_spec`, as if they had never been installed.
SITE = f"""
import importlib.machinery
HIDDEN = {sorted(EXTRAS)!r}
find = importlib.machinery.PathFinder.find_spec
def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in HIDDEN else find(name, path, target)
importlib.machinery.PathFinder.find_spec = find_spec
"""

PROGRAM = """
import json, sys, traceback
from typer.testing import CliRunner
from qevd_bio.cli.app import app
for line in json.load(sys.stdin):
    done = CliRunner().invoke(app, line)
    fault = "" if done.exception is None or isinstance(done.exception, SystemExit) else repr(done.exception)
    print("RESULT" + json.dumps([" ".join(line), done.exit_code, done.output, fault]), flush=True)
print("HEAVY" + json.dumps([name for name in HIDDEN if name in sys.modules]))
""".replace("HIDDEN", repr(sorted(EXTRAS)))

W = ("--workspace", "w/oracle")
D = ("--data", "sim")
URL = ("--llm-url", "http://127.0.0.1:9/v1")
WORKS = [
    "simulate sim --workouts 1 --minutes 0.5 --no-video",
    "verify --data sim --workspace w --oracle",
    *(f"{name} {' '.join((*D, *W))}" for name in ("segments", "annotate", "intent", "rewrite --redo", "report")),
    *(f"{name} {' '.join(W)}" for name in ("classify", "analyze", "refs build", "refs check", "refs show squats")),
    f"review export --table intents {' '.join(W)}",
    f"review agreement {' '.join(W)}",
    f"run --model rules --out rules.jsonl {' '.join((*D, *W))}",
    f"run --model interval --out interval.jsonl {' '.join((*D, *W))}",
    "validate rules.jsonl --data sim",
    f"score --preds rules.jsonl --metrics temporal,rouge {' '.join((*D, *W))}",
    f"score --preds interval.jsonl --metrics temporal,rouge {' '.join((*D, *W))}",
    "compare w/oracle/scores/rules w/oracle/scores/interval --replicates 10 --permutations 10",
    "coach presets",
]
NEEDS = {
    "pose": [f"extract {' '.join((*D, *W))}", "demo --out d", "coach live x.mp4 --exercise squats --out l.mp4"],
    "report": [
        f"show 0146 {' '.join(W)}",
        f"refs show squats --png x.png {' '.join(W)}",
        f"plot scores {' '.join(W)}",
        f"plot ablation {' '.join(W)}",
        f"plot timeline 0146 {' '.join(W)}",
        f"plot cycle 0146 {' '.join(W)}",
    ],
    "language": [
        *(f"{n} {' '.join((*D, *W, *URL))}" for n in ("annotate --method vlm", "intent --method llm")),
        f"classify --method llm {' '.join((*W, *URL))}",
        f"run --model socratic --out s.jsonl --llm-model m {' '.join((*D, *W, *URL))}",
    ],
    "train": [
        f"features --weights random {' '.join((*D, *W))}",
        f"run --model tiny --out t.jsonl {' '.join((*D, *W))}",
        *(f"{name} {' '.join((*D, *W))}" for name in ("train", "train selector", "train coach")),
        f"train stream-vlm --model tiny-stream-vlm {' '.join((*D, *W))}",
        "train vision --data sim",
        f"coach select-joints --model tiny {' '.join((*D, *W))}",
        "coach import-stream-vlm x --out y",
    ],
    "ray": [f"analyze --redo --executor ray {' '.join(W)}"],
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """Exit code, text and fault of each command, run in one process without any extra."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(SITE)
    write_mp4(folder / "x.mp4", np.full((30, 64, 48, 3), 90, np.uint8))
    lines = [line.split() for line in (*WORKS, *(line for lines in NEEDS.values() for line in lines))]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder, input=json.dumps(lines), capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(folder / "site"), "COLUMNS": "200"},
    )  # fmt: skip
    rows = [json.loads(line.removeprefix("RESULT")) for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert "HEAVY[]" in done.stdout
    return {line: (code, text, fault) for line, code, text, fault in rows}


@pytest.mark.parametrize("line", WORKS)
def test_works_without_extras(line: str, ran: dict[str, tuple[int, str, str]]) -> None:
    code, text, fault = ran[line]
    assert (code, fault) == (0, ""), text


@pytest.mark.parametrize(("extra", "line"), [(extra, line) for extra, lines in NEEDS.items() for line in lines])
def test_names_the_extra_in_one_sentence(extra: str, line: str, ran: dict[str, tuple[int, str, str]]) -> None:
    code, text, fault = ran[line]
    assert (code, fault) == (2, ""), text
    assert f"pip install 'qevd-bio[{extra}]'" in text
    assert text.count("pip install") == 1
    assert "Traceback" not in text and "unexpected_error" not in text
