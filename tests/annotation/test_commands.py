"""The commands of this room as a user types them: results, and one clear error with exit code 2."""

import json
import subprocess
import sys

import pytest


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "qevd_bio", *map(str, words)], capture_output=True, text=True, timeout=120
    )


def test_intent_of_a_file(tmp_path):
    (tmp_path / "in.txt").write_text("Lower your body more\nThat's five\n")
    done = run("intent", "--in", tmp_path / "in.txt", "--out", tmp_path / "out.jsonl")
    assert done.returncode == 0 and "1 corrective, 1 count" in done.stdout
    first = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert {"text", "intent", "body_parts", "directions", "method"} <= set(first)
    assert (first["intent"], first["body_parts"], first["directions"]) == ("corrective", ["trunk"], ["lower"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("intent", "--in", "nowhere.txt", "--out", "o.jsonl"), "nowhere.txt"),
        (("intent", "--out", "o.jsonl"), "--out belongs to --in"),
        (("annotate", "--method", "vlm", "--data", "."), "no endpoint named"),
        (("annotate", "--dry-run"), "the rules make none"),
        (("classify", "--apply"), "no roles yet"),
        (("review", "export"), "nothing to review yet"),
        (("cache", "prune"), "nothing named to remove"),
        (("cache", "show"), "no such cache yet"),
    ],
)
def test_a_mistake_gives_one_message_and_exit_code_2(words, message, tmp_path):
    place = () if words[0] == "intent" and "--in" in words else ("--workspace", tmp_path)
    done = run(*words, *place)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr
