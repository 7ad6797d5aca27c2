"""Prompts, pace, errors sorted, plans, batches."""

import asyncio
import email.utils
import time

import pytest

from qevd_bio.language.batch import run_batch
from qevd_bio.language.budget import plan
from qevd_bio.language.cache import Cache
from qevd_bio.language.client import complete_many
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.pace import Pace
from qevd_bio.language.prompts import load_prompt
from qevd_bio.language.request import Message, Request
from qevd_bio.language.sorting import retry_after
from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import prompts_path
from tests.language.question_maker import questions

PROMPTS = ("salient_joints.md", "joint_roles.md", "feedback_intent.md")


@pytest.mark.parametrize("name", PROMPTS)
def test_shipped_prompts_are_whole(name):
    prompt = load_prompt(prompts_path(name))
    values = {variable: f"<{variable}>" for variable in prompt.variables}
    text = " ".join(str(part) for message in prompt.fill(values) for part in message.parts)
    assert all(value in text for value in values.values()) and "{{" not in text
    assert prompt.filled_hash(values) != prompt.filled_hash({**values, prompt.variables[0]: "other"})


def test_a_prompt_is_filled_in_one_pass(tmp_path):
    path = tmp_path / "p.md"
    path.write_text("name: p\nversion: 1\nvariables: a, b\n--- user\n{{a}} and {{b}}\n")
    (message,) = load_prompt(path).fill({"a": "{{b}}", "b": "x"})
    assert message.parts == ("{{b}} and x",)
    with pytest.raises(ValueError, match="takes"):
        load_prompt(path).fill({"a": "1"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "no name, version, variables"),
        ("name: p\nversion: 1\nvariables: a\n", "no turns"),
        ("name: p\nvariables: a\n--- user\n{{a}}", "no version"),
        ("name: p\nversion: 1\nvariables: a\n--- user\n{{b}}", "a, b"),
    ],
)
def test_a_file_that_is_no_prompt_says_why(tmp_path, text, words):
    path = tmp_path / "p.md"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        load_prompt(path)


def test_retry_after_in_all_its_forms():
    assert retry_after({"Retry-After": "3"}) == 3
    assert retry_after({"retry-after-ms": "250"}) == 0.25
    date = email.utils.formatdate(time.time() + 20, usegmt=True)
    assert retry_after({"retry-after": date}) == pytest.approx(20, abs=2)
    for odd in ("soon", "-1", "1e300", ""):
        assert retry_after({"retry-after": odd}) is None
    assert retry_after({}) is None


def test_pace_halves_once_a_burst_recovers_slowly_and_bounds_every_wait():
    async def scene():
        pace = Pace(64, max_wait_s=0.2)
        for _ in range(10):
            pace.slow_down(3600)
        assert pace.limit == 32
        start = time.monotonic()
        async with pace.turn():
            pass
        assert 0.1 < time.monotonic() - start < 2
        for _ in range(100):
            pace.went_well()
        assert 34 < pace.limit < 36
        assert max(pace.backoff_s(attempt) for attempt in range(60)) <= 0.2

    asyncio.run(scene())


def test_a_dry_run_counts_and_sends_nothing(protocol_server, tmp_path):
    server = protocol_server()
    options = ClientOptions(url=server.url, cache=tmp_path / "c.sqlite", price_in=1.0, price_out=2.0)
    list(complete_many(questions(5), options))
    planned = plan(questions(12), options)
    assert (planned.questions, planned.cached, planned.calls) == (12, 5, 7)
    assert planned.output_tokens == (7, 7 * 1024)
    assert planned.cost == pytest.approx(
        ((planned.input_tokens + 2 * 7) / 1e6, (planned.input_tokens + 2 * 7 * 1024) / 1e6)
    )
    assert "cost unknown" in plan(questions(1), ClientOptions(url=server.url)).describe()
    assert server.stats()["calls"] == 5


def test_a_batch_is_submitted_once_collected_later_and_read_from_the_cache(protocol_server, tmp_path):
    server = protocol_server("--batch-polls", 2)
    options = ClientOptions(url=server.url, cache=tmp_path / "c.sqlite", stage="s")
    said = []
    first = run_batch(lambda: questions(6), options, wait_s=0.0, say=said.append)
    assert (first.submitted, first.collected, first.running) == (6, 0, 1)
    second = run_batch(lambda: questions(6), options, wait_s=20, poll_s=0.05, say=said.append)
    assert (second.submitted, second.collected, second.failed, second.running) == (0, 6, 0, 0)
    assert server.stats()["batches"] == 1
    replies = complete_many(questions(6), options)
    assert all(reply.ok for reply in replies) and replies.totals.calls == 0


def test_a_batch_cut_off_before_its_id_was_kept_is_found_by_its_mark(protocol_server, tmp_path):
    server = protocol_server("--batch-polls", 2)
    options = ClientOptions(url=server.url, cache=tmp_path / "c.sqlite", stage="s")
    run_batch(lambda: questions(3), options, wait_s=0.0, say=str)
    cache = Cache(options.cache)
    ((mark, identity, _, keys),) = cache.batches(server.url, options.model, "s")
    cache.note_batch(mark, None, server.url, options.model, "s", "submitting", keys)
    cache.close()
    result = run_batch(lambda: questions(3), options, wait_s=10, poll_s=0.05, say=str)
    assert identity == "batch-0" and server.stats()["batches"] == 1 and result.collected == 3


def test_messages_of_one_text_stay_plain():
    from qevd_bio.language.request import Image, wire_messages

    plain, mixed = wire_messages([Message("user", ("a",)), Message("user", (Image(b"j"), "b"))])
    assert plain == {"role": "user", "content": "a"}
    assert mixed["content"][0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert Request("i", (Message("user", ("a",)),)).built().id == "i"
