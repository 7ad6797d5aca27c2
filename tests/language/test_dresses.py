"""Good answers in other dress are read, paid ones are kept, and nothing goes where the user did not send it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import qevd_bio.language.asker as asker_module
from qevd_bio.language.cache import Cache
from qevd_bio.language.client import complete_many
from qevd_bio.language.completion import Malformed, NoCompletion, read_document
from qevd_bio.language.options import ClientOptions
from qevd_bio.store.errors import StopRun
from tests.language.question_maker import questions

GOOD = ("parts", "output_text", "one_part", "strings", "legacy", "bare_message", "no_usage", "null_usage")
GOOD += ("list_usage", "words_usage", "other_usage", "no_finish")


def ask(server, requests, cache=None, **more):
    options = ClientOptions(url=server.url, cache=cache, **{"timeout_s": 5.0, "attempts": 3, **more})
    with complete_many(requests, options) as replies:
        return {reply.id: reply for reply in replies}, replies.totals


@pytest.mark.parametrize("dress", GOOD)
def test_a_good_answer_is_read_in_any_dress_and_asked_for_once(protocol_server, dress):
    server = protocol_server("--dress", dress)
    replies, totals = ask(server, questions(2))
    assert all(reply.ok for reply in replies.values())
    assert server.stats()["calls"] == totals.calls == 2
    known = dress in {
        "parts",
        "output_text",
        "one_part",
        "strings",
        "legacy",
        "bare_message",
        "other_usage",
        "no_finish",
    }
    assert totals.input_tokens == (200 if known else 0)


def test_a_paid_answer_is_kept_before_it_is_read_and_costs_nothing_once_it_can_be(
    protocol_server, tmp_path, monkeypatch
):
    server = protocol_server("--dress", "unknown")
    cache = tmp_path / "c.sqlite"
    first, _ = ask(server, questions(3), cache)
    assert {reply.reason for reply in first.values()} == {"malformed_response"}
    assert server.stats()["calls"] == 3
    ask(server, questions(3), cache)
    assert server.stats()["calls"] == 3
    mended = asker_module.read_document

    def with_blobs(body):
        document = mended(body)
        document["choices"][0]["message"]["content"] = '{"value": 7}'
        return document

    monkeypatch.setattr(asker_module, "read_document", with_blobs)
    second, totals = ask(server, questions(3), cache)
    assert {reply.value for reply in second.values()} == {7}
    assert (totals.calls, server.stats()["calls"]) == (0, 3)
    left = Cache(cache)
    assert all(left.unread(reply.key) is None for reply in second.values())
    left.close()


@pytest.mark.parametrize(
    ("dress", "words"),
    [
        ("error_body", "the model is loading"),
        ("long_wait", "24 hours"),
        ("html", "Please log in"),
        ("quota_body", "no credit"),
    ],
)
def test_the_servers_own_words_are_shown(protocol_server, dress, words):
    server = protocol_server("--dress", dress)
    if dress == "error_body":
        replies, _ = ask(server, questions(1), max_wait_s=0.05)
        assert words in replies["0"].detail and "script" not in replies["0"].detail
        return
    start = time.monotonic()
    with pytest.raises(StopRun) as stop:
        ask(server, questions(4))
    assert words in str(stop.value) and "alert" not in str(stop.value)
    assert time.monotonic() - start < 20


def test_nothing_is_sent_on_to_another_host(protocol_server):
    other = protocol_server()
    server = protocol_server("--dress", "redirect", "--elsewhere", other.port)
    with pytest.raises(StopRun, match="another host"):
        ask(server, questions(2))
    assert other.stats()["calls"] == 0


@pytest.mark.parametrize("body", ["[]", "null", "7", "{}", '{"choices": []}', "<html>no", "", "{", '"x"'])
def test_what_is_no_completion_says_so(body):
    with pytest.raises(NoCompletion):
        read_document(body)


@pytest.mark.parametrize("content", [7, [7], [{"type": "image"}], {"blob": 1}, [[]], True])
def test_contents_that_hold_no_text_are_malformed(content):
    from qevd_bio.language.completion import _content

    with pytest.raises(Malformed):
        _content(content)


INTERRUPTED = """
import sys
from pathlib import Path
from qevd_bio.language.client import complete_many
from qevd_bio.language.options import ClientOptions
from tests.language.question_maker import questions
options = ClientOptions(url=sys.argv[1], cache=Path(sys.argv[2]), timeout_s=20.0, concurrency=8)
print("ready", flush=True)
with complete_many(questions(24), options) as replies:
    for _ in replies:
        pass
"""


def run_interrupted(server, cache, sign, after_s):
    here = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, server.url, str(cache)],
        cwd=here, env={**os.environ, "PYTHONPATH": str(here)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    while server.stats()["calls"] < after_s:
        time.sleep(0.02)
    process.send_signal(sign)
    process.wait(timeout=60)
    process.stdout.close()
    time.sleep(0.8)
    return server.stats()


def test_ctrl_c_waits_for_the_calls_under_way(protocol_server, tmp_path):
    server = protocol_server("--latency", 1.2)
    before = run_interrupted(server, tmp_path / "c.sqlite", signal.SIGINT, 4)
    assert before["answered"] == before["calls"] < 24
    ask(server, questions(24), tmp_path / "c.sqlite")
    after = server.stats()
    assert (after["calls"], after["answered_twice"]) == (24, 0)


def test_a_kill_pays_twice_at_most_what_was_in_flight(protocol_server, tmp_path):
    server = protocol_server("--latency", 0.5)
    run_interrupted(server, tmp_path / "c.sqlite", signal.SIGKILL, 12)
    kept = Cache(tmp_path / "c.sqlite")
    stored = sum(row["replies"] for row in kept.summary())
    kept.close()
    before = server.stats()["calls"]
    ask(server, questions(24), tmp_path / "c.sqlite")
    assert server.stats()["calls"] == before + 24 - stored
    assert server.stats()["answered_twice"] <= 8
