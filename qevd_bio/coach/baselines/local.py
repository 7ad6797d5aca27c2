"""The language model of a turn-based baseline run in this process, in the place of a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qevd_bio.language.request import Image, Reply, Request
from qevd_bio.learning.text_model import TextModel
from qevd_bio.store.errors import UserError


def local_replies(model: TextModel, asked: Iterable[Request]) -> Iterator[Reply]:
    """A reply to each request, of texts alone; without words it counts as an empty one."""
    for request in asked:
        sampling = request.sampling
        text = model.say(question_of(request), sampling.max_tokens, sampling.temperature, sampling.seed)
        yield Reply(request.id, True, text, model=model.place.name, calls=1)


def question_of(request: Request) -> str:
    """A request's words. UserError for one that holds pictures."""
    messages = request.built().messages
    assert not callable(messages)
    parts = [part for message in messages for part in message.parts]
    if any(isinstance(part, Image) for part in parts):
        raise UserError("a language model of --llm-local sees no pictures", expected="--llm-url with a server")
    return "\n".join(part for part in parts if isinstance(part, str))
