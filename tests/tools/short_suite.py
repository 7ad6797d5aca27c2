"""The commands of a small job, run with the interpreter that starts this file: does an installed wheel work?

`python short_suite.py FOLDER EXTRAS`: FOLDER is empty scratch space, EXTRAS names what was installed, with commas.
Prints one line a step and ends with JSON: {"steps": {name: seconds}, "versions": {…}}. Exit status 1 at the first
step that fails. It needs nothing but the package, so it can be copied anywhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from threading import Thread
from typing import Any

SHOWN = (
    "numpy", "scipy", "pandas", "pyarrow", "pydantic", "typer", "av", "filelock", "jinja2", "nltk", "openai", "torch",
    "transformers", "peft", "accelerate", "datasets", "matplotlib", "sacrebleu", "bert-score", "openvino",
)  # fmt: skip
ORACLE = """
from pathlib import Path
from qevd_bio.reporting.verification.stage import place_oracle
from qevd_bio.simulation.stage import Places
from qevd_bio.tables.workspace import Workspace
assert place_oracle(Places(Path("sim")), Workspace(Path("ws")))
"""
TABLES = """
import pandas
from qevd_bio.tables.motion import CYCLES
rows = CYCLES.read_rows("ws/motion/cycles.parquet")
frame = pandas.read_parquet("ws/motion/cycles.parquet")
assert len(frame) == len(rows) > 0 and frame["status"].eq("ok").any() if "status" in frame else len(frame) > 0
"""
# The 3D CNN runs at one frame a second, since it is slow; what training reads has its own rate and shape.
FEATURES = """
import numpy, pathlib
from qevd_bio.coach.vision.feature_files import feature_paths
from qevd_bio.tables.workspace import Workspace
split = "QEVD-FIT-COACH-Benchmark"
for file in pathlib.Path("slow/features").rglob("*_features.npy"):
    shape = numpy.load(file, mmap_mode="r").shape[1:]
    paths = feature_paths(Workspace(pathlib.Path("ws")), split, file.name.removesuffix("_features.npy"))
    paths.features.parent.mkdir(parents=True, exist_ok=True)
    seen = numpy.load(str(file).replace("_features.npy", "_timestamps.npy"))
    times = numpy.arange(seen[0], seen[-1], 0.25)
    numpy.save(paths.times, times)
    numpy.save(paths.features, numpy.random.default_rng(0).normal(size=(len(times), *shape)).astype("float32"))
"""
BERTSCORE = """
import bert_score, torch, transformers
assert bert_score.utils.bert_cos_score_idf
"""
HUB = """
import datasets
kept = datasets.load_dataset("parquet", data_files="ws/qevd-bio-fit-coach/feedbacks.parquet", cache_dir="hub")
assert kept["train"].num_rows > 0
"""


def answer(schema: dict[str, Any]) -> Any:
    """A value that a JSON schema allows."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: answer(inner) for name, inner in schema["properties"].items()}
    return {"array": [], "integer": 1, "number": 1, "boolean": True}.get(str(kind), "words")


class Server(BaseHTTPRequestHandler):
    """An OpenAI-compatible endpoint that answers as the schema wants."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        schema = body["response_format"]["json_schema"]["schema"]
        message = {"role": "assistant", "content": json.dumps(answer(schema))}
        reply = {"model": "m", "choices": [{"message": message, "finish_reason": "stop"}]}
        reply["usage"] = {"prompt_tokens": 1, "completion_tokens": 1}
        data = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def steps(extras: set[str], url: str) -> list[tuple[str, list[str]]]:
    """(name, arguments of the interpreter) in order; those that an extra brings only where it was installed."""
    job = ["-m", "qevd_bio"]
    size = (240, 336) if "pose" in extras else (80, 112)  # a pose model needs to see somebody
    sim = ["--minutes", "0.4", "--exercise", "squats", "--width", str(size[0]), "--height", str(size[1])]
    place, data = ["--workspace", "ws"], ["--data", "sim"]
    rewritten = ["--data", "ws/qevd-bio-fit-coach"]
    train = ["train", "coach", "--model", "tiny-stream-vlm", "--out", "trained", "--steps", "2", "--batch", "1"]
    train += ["--validation", "0", "--device", "cpu", "--generate", "0", "--split", "QEVD-FIT-COACH-Benchmark"]
    # A coach that always speaks, and a wide tolerance: so there are pairs whose texts can be compared.
    score = ["score", "--preds", "interval.jsonl", "--tolerance", "30", *rewritten]
    quick = ["--weights", "random", "--device", "cpu", "--rate", "1", "--warm-up", "0"]
    found = [
        ("import", ["-c", "import qevd_bio, sys; assert 'torch' not in sys.modules"]),
        ("help", [*job, "--help"]),
        ("simulate", [*job, "simulate", "sim", "--workouts", "1", *sim]),
        ("segments", [*job, "segments", *data, *place]),
        ("truth", ["-c", ORACLE]),
        ("annotate", [*job, "annotate", "--method", "rules", *data, *place]),
        ("analyze", [*job, "analyze", *place]),
        ("tables", ["-c", TABLES]),
        ("rewrite", [*job, "rewrite", *data, *place]),
        ("run rules", [*job, "run", "--model", "rules", "--out", "rules.jsonl", *rewritten, *place]),
        ("run interval", [*job, "run", "--model", "interval", "--out", "interval.jsonl", *rewritten, *place]),
        ("score", [*job, *score, "--out", "scores", "--metrics", "temporal,rouge_l"]),
        ("report", [*job, "report", "--scores", "scores", *data, *place, "--out", "page.html"]),
    ]  # fmt: skip
    more = {
        "language": [
            ("intent llm", [*job, "intent", "--method", "llm", "--model", "m", "--llm-url", url, *data, "--workspace", "llm"])
        ],
        "pose": [("models", [*job, "models", "fetch"]), ("extract", [*job, "extract", *data, "--workspace", "posed"])],
        "train": [
            ("features", [*job, "features", *data, "--workspace", "slow", *quick]),
            ("stand-in features", ["-c", FEATURES]),
            ("train", [*job, *train, *place]),
            ("run model", [*job, "run", "--model", "trained/coach/last", "--out", "tiny.jsonl", "--device", "cpu", *rewritten, *place]),
        ],
        "bertscore": [("bertscore", ["-c", BERTSCORE])],
        "hub": [("hub", ["-c", HUB])],
        "metrics": [("bleu", [*job, *score, "--out", "bleu", "--metrics", "bleu_4"])],
        "report": [("plot", [*job, "plot", "timeline", "--help"])],
    }  # fmt: skip
    return found + [step for name, own in more.items() if name in extras for step in own]


def main(folder: Path, extras: set[str]) -> int:
    """Run the steps in `folder`; say what failed, with the end of its output."""
    folder.mkdir(parents=True, exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, daemon=True).start()
    took: dict[str, float] = {}
    for name, arguments in steps(extras, f"http://127.0.0.1:{server.server_port}/v1"):
        start = time.monotonic()
        done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)
        took[name] = round(time.monotonic() - start, 1)
        print(f"{'ok ' if done.returncode == 0 else 'BAD'} {took[name]:6.1f} s  {name}", flush=True)
        if done.returncode:
            print((done.stdout + done.stderr)[-3000:])
            return 1
    server.shutdown()
    installed = {d.metadata["Name"].lower(): d.version for d in metadata.distributions() if d.metadata["Name"]}
    versions = {name: installed[name] for name in SHOWN if name in installed}
    print(json.dumps({"python": sys.version.split()[0], "steps": took, "versions": versions}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), set(filter(None, sys.argv[2].split(",")))))
