"""The client against a real server on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qevd_bio.language.cache import Cache
from qevd_bio.language.client import complete_many
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.request import Image, Message, Request
from qevd_bio.store.errors import StopRun, UserError
from tests.language.question_maker import questions, read_value


def ask(server, requests, cache=None, **more):
    replies = complete_many(requests, ClientOptions(url=server.url, cache=cache, **{"timeout_s": 5.0, **more}))
    return {reply.id: reply for reply in replies}, replies.totals


def test_every_question_is_answered_and_counted(protocol_server, tmp_path):
    server = protocol_server()
    replies, totals = ask(server, questions(40), tmp_path / "c.sqlite")
    assert len(replies) == 40
    assert all(reply.ok and reply.model == "server-model" and reply.calls == 1 for reply in replies.values())
    assert (totals.calls, totals.retries, totals.input_tokens, totals.output_tokens) == (40, 0, 4000, 400)
    assert server.stats()["calls"] == 40


def test_a_second_run_sends_nothing_and_reports_the_same_tokens(protocol_server, tmp_path):
    server = protocol_server()
    first, before = ask(server, questions(20, alias=False), tmp_path / "c.sqlite")
    second, after = ask(server, questions(20, alias=False), tmp_path / "c.sqlite")
    assert {i: r.value for i, r in first.items()} == {i: r.value for i, r in second.items()}
    assert (after.calls, after.cached) == (0, 20)
    assert after.stored_input_tokens == before.stored_input_tokens == 2000
    assert server.stats()["calls"] == 20


def test_the_same_question_at_the_same_time_is_paid_once(protocol_server):
    server = protocol_server("--latency", 0.1)
    same = [Request(id=str(i), messages=(Message("user", ("one",)),), read=read_value) for i in range(12)]
    replies, totals = ask(server, same)
    assert len(replies) == 12 and totals.calls == 1 and server.stats()["calls"] == 1


def test_an_alias_answers_without_building_messages(protocol_server, tmp_path):
    server = protocol_server()
    ask(server, questions(3), tmp_path / "c.sqlite")

    def never():
        raise AssertionError("messages were built")

    again = [Request(id=str(i), messages=never, read=read_value, alias=f"alias-{i}") for i in range(3)]
    replies, totals = ask(server, again, tmp_path / "c.sqlite")
    assert all(reply.ok for reply in replies.values()) and totals.calls == 0


@pytest.mark.parametrize(
    "change",
    [{"sample": 1}, {"schema": {"type": "array"}}, {"messages": (Message("user", ("one", Image(b"x"))),)}],
)
def test_whatever_decides_the_reply_is_part_of_the_key(protocol_server, tmp_path, change):
    server = protocol_server()
    base = {"id": "a", "messages": (Message("user", ("one", Image(b"y"))),)}
    ask(server, [Request(**base)], tmp_path / "c.sqlite")
    ask(server, [Request(**{**base, **change})], tmp_path / "c.sqlite")
    ask(server, [Request(**base)], tmp_path / "c.sqlite")
    assert server.stats()["calls"] == 2


def test_thirty_percent_faulty_replies_end_in_the_same_answers(protocol_server, tmp_path):
    sound, _ = ask(protocol_server(), questions(150), tmp_path / "sound.sqlite")
    server = protocol_server("--rate", 0.3, "--seed", 4)
    faulty, totals = ask(server, questions(150), tmp_path / "faulty.sqlite", timeout_s=1.0)
    assert {i: (r.ok, r.value) for i, r in faulty.items()} == {i: (r.ok, r.value) for i, r in sound.items()}
    stats = server.stats()
    assert set(stats["faults"]) == {"none", "429", "429_after", "500", "503", "hang", "cut", "half_json", "half_reply",
                                    "prose", "wrong_types", "unknown_joints", "empty", "refusal"}  # fmt: skip
    # Tokens are those of the replies that arrived, however often a question was tried.
    assert totals.input_tokens == 100 * stats["answered"]
    assert totals.stored_input_tokens == totals.input_tokens
    _, again = ask(server, questions(150), tmp_path / "faulty.sqlite")
    assert again.calls == 0 and again.stored_input_tokens == totals.stored_input_tokens


def test_nonsense_is_repaired_once_and_then_fails_with_its_raw_reply(protocol_server, tmp_path):
    server = protocol_server("--text", "no idea")
    replies, _ = ask(server, questions(1), tmp_path / "c.sqlite", tries=1)
    reply = replies["0"]
    assert (reply.ok, reply.reason, reply.text) == (False, "no_object", "no idea")
    assert server.stats()["calls"] == 2
    ask(server, questions(1), tmp_path / "c.sqlite", tries=1)
    assert server.stats()["calls"] == 2
    ask(server, questions(1), tmp_path / "c.sqlite", tries=1, retry_unreadable=True)
    assert server.stats()["calls"] == 4


def test_a_server_without_schemas_is_asked_without(protocol_server):
    server = protocol_server("--no-schema")
    replies, totals = ask(server, questions(5), concurrency=1)
    assert all(reply.ok for reply in replies.values())
    assert totals.calls == 6


def test_a_refused_request_fails_alone(protocol_server):
    server = protocol_server("--no-schema")
    replies, totals = ask(server, questions(2), structured="schema")
    assert {reply.reason for reply in replies.values()} == {"refused_request"} and totals.calls == 2


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, "", "--llm-key-variable"),
        (403, "", "may not use this model"),
        (404, "", "--llm-url"),
        (429, "insufficient_quota", "no credit"),
    ],
)
def test_what_holds_for_all_questions_stops_the_run(protocol_server, status, code, words):
    server = protocol_server("--status", status, "--code", code)
    with pytest.raises(StopRun) as caught:
        ask(server, questions(500), concurrency=4)
    assert words in str(caught.value)
    assert server.stats()["calls"] <= 8


def test_nobody_at_the_address_stops_the_run_quickly():
    start = time.monotonic()
    with pytest.raises(StopRun, match="cannot be reached"):
        list(complete_many(questions(50), ClientOptions(url="http://127.0.0.1:9/v1", attempts=2, concurrency=4)))
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http://user:word@host/v1", "http://host/v1?key=1"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(UserError):
        list(complete_many(questions(1), ClientOptions(url=url)))


def test_the_server_slows_the_client_down(protocol_server):
    server = protocol_server("--latency", 0.05, "--limit", 4)
    replies, _ = ask(server, questions(60), concurrency=16)
    assert all(reply.ok for reply in replies.values())


def test_budgets_stop_cleanly_and_a_higher_one_goes_on(protocol_server, tmp_path):
    server = protocol_server()
    with pytest.raises(StopRun, match="--max-calls 10 reached"):
        ask(server, questions(30), tmp_path / "c.sqlite", max_calls=10)
    assert server.stats()["calls"] == 10
    replies, totals = ask(server, questions(30), tmp_path / "c.sqlite")
    assert totals.calls == 20 and len(replies) == 30
    with pytest.raises(StopRun, match="--max-cost"):
        ask(server, questions(1000, alias=False, schema=False), max_cost=0.05, price_in=10, price_out=40)
    spent = (server.stats()["calls"] - 30) * (100 * 10 + 10 * 40) / 1e6
    assert 0 < spent <= 0.05
    with pytest.raises(UserError, match="needs prices"):
        ask(server, questions(1), max_cost=1.0)


def test_a_planted_key_is_nowhere_to_be_found(protocol_server, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("QEVD_TEST_KEY", "sk-planted-0123456789")
    server = protocol_server()
    ask(server, questions(3), tmp_path / "c.sqlite", key_variable="QEVD_TEST_KEY")
    assert "Bearer sk-planted-0123456789" in server.stats()["authorization"]
    refusing = protocol_server("--status", 400)
    replies, _ = ask(refusing, questions(1, schema=False), tmp_path / "c.sqlite", key_variable="QEVD_TEST_KEY")
    # That server repeats the whole header in its error.
    assert "Bearer [key]" in replies["0"].detail
    with pytest.raises(StopRun) as caught:
        ask(protocol_server("--status", 401), questions(1), key_variable="QEVD_TEST_KEY")
    assert "planted" not in str(caught.value)
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"planted" not in files and "planted" not in "".join(capfd.readouterr())


def test_memory_does_not_grow_with_the_number_of_questions(protocol_server):
    """The questions are taken as they are needed, never more than the window ahead of the replies."""
    server = protocol_server()
    taken = []

    def counted():
        for request in questions(400, alias=False):
            taken.append(request.id)
            yield request

    replies = complete_many(counted(), ClientOptions(url=server.url, concurrency=8, timeout_s=5))
    for count, _ in enumerate(replies, 1):
        assert len(taken) <= count + 4 * 8 + 8
        if count == 3:
            time.sleep(0.5)


KILLED = """
import sys
from question_maker import questions
from qevd_bio.language.client import complete_many
from qevd_bio.language.options import ClientOptions
from pathlib import Path
for _ in complete_many(questions(60), ClientOptions(url=sys.argv[1], cache=Path(sys.argv[2]), concurrency=4)):
    pass
"""


def test_after_sigkill_nothing_answered_is_sent_again(protocol_server, tmp_path):
    """The server stops answering after 25 calls, so that every reply it gave has arrived when the process dies."""
    cache = tmp_path / "c.sqlite"
    server = protocol_server("--hold-after", 25)
    here = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([here, *sys.path]), "NO_PROXY": "127.0.0.1"}
    process = subprocess.Popen([sys.executable, "-c", KILLED, server.url, str(cache)], env=environment)
    deadline = time.monotonic() + 60
    while (before := server.stats())["held"] < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    answered = before["answered"]
    assert 20 <= answered <= 25 and before["calls"] == answered + 4
    kept = Cache(cache)
    assert sum(1 for _ in kept.rows()) == answered
    endpoint = ClientOptions(url=server.url, cache=cache, concurrency=4, attempts=1, timeout_s=0.3)
    replies = list(complete_many(questions(60), endpoint))
    assert sum(reply.ok for reply in replies) == answered
    stats = server.stats()
    assert stats["calls"] == before["calls"] + 60 - answered and stats["received_after_answer"] == 0


def test_the_cache_can_be_read_exported_and_pruned(protocol_server, tmp_path):
    server = protocol_server()
    ask(server, questions(4), tmp_path / "c.sqlite", stage="annotate")
    ask(server, (Request("x", (Message("user", ("other",)),)),), tmp_path / "c.sqlite", stage="intent")
    cache = Cache(tmp_path / "c.sqlite")
    assert [(row["stage"], row["replies"], row["input_tokens"]) for row in cache.summary()] == [
        ("annotate", 4, 400),
        ("intent", 1, 100),
    ]
    row = next(iter(cache.rows()))
    assert row["request"]["messages"][1]["parts"][0].startswith("question")
    assert json.loads(row["text"])["value"] >= 0
    assert cache.prune(stage="annotate", model=None, before_unix=None) == 4
    assert cache.answer("alias-0") is None
    assert cache.prune(stage=None, model=None, before_unix=None) == 1


def test_a_file_that_is_no_cache_is_refused(tmp_path):
    path = tmp_path / "c.sqlite"
    path.write_text("this is not a database, and long enough to be looked at as one " * 20)
    with pytest.raises(UserError, match="cannot be used as a cache"):
        Cache(path)
