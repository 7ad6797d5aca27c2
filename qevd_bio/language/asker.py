"""Answering one question: from the cache, from the same question under way, or over the wire; repaired, asked again."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from qevd_bio.language.budget import Budget, Totals
from qevd_bio.language.cache import Answer, Cache, Stored
from qevd_bio.language.completion import Malformed, read_document
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.reading import Unreadable
from qevd_bio.language.request import Message, Messages, Reply, Request, request_key
from qevd_bio.language.wire import Wire
from qevd_bio.store.errors import ItemError, StopRun

# A reply with nothing in it to mend is asked for again instead of being repaired.
_NOTHING_TO_REPAIR = frozenset({"empty", "refusal", "cut_off"})
# Paid, kept, and of a form this version could not read: a later version may.
_PAID_UNREAD = "malformed_response"
_RESENDS = 4
_MOST_GENERATIONS = 50
_REPAIR = (
    "That reply could not be read ({problem}). Answer the same question again with exactly one JSON object"
    " of the form asked for, and nothing else."
)


@dataclass
class _Tally:
    """What one question used: cache entries, tokens, calls of this run."""

    keys: list[str] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    calls: int = 0

    def add(self, stored: Stored, fresh: bool) -> None:
        self.keys.append(stored.key)
        self.input_tokens += stored.input_tokens
        self.output_tokens += stored.output_tokens
        self.seconds += stored.seconds
        self.calls += fresh


class Asker:
    """Answers questions from the cache or over the wire; lives in one event loop."""

    def __init__(self, options: ClientOptions, totals: Totals) -> None:
        self._options = options
        self._budget = Budget(options, totals)
        self._cache = Cache(options.cache)
        self._wire = Wire(options, self._budget, self._cache.keep_unread)
        self._under_way: dict[str, asyncio.Future[Stored]] = {}
        self._builders = ThreadPoolExecutor(2, thread_name_prefix="build")

    @property
    def stop(self) -> StopRun | None:
        """The condition that ends the run, once one was met."""
        return self._wire.stop

    @stop.setter
    def stop(self, value: StopRun) -> None:
        self._wire.stop = value

    async def close(self) -> None:
        """Close the connection to the server and the cache."""
        self._builders.shutdown(wait=False, cancel_futures=True)
        await self._wire.close()
        self._cache.close()

    async def ask(self, request: Request) -> Reply:
        """The reply to one request; failures of this question alone become a Reply that is not ok."""
        totals = self._budget.totals
        totals.questions += 1
        reply = self._settled(request)
        if reply is None:
            tally = _Tally()
            try:
                reply = await self._answer(request, tally)
            except ItemError as error:
                reply = self._note(request, self._failed(request, tally, error.reason, error.detail, ""), tally)
        totals.cached += reply.cached and reply.ok
        totals.failed += not reply.ok
        totals.stored_input_tokens += reply.input_tokens
        totals.stored_output_tokens += reply.output_tokens
        return reply

    def _settled(self, request: Request) -> Reply | None:
        """The answer kept under the request's alias, without building its messages."""
        answer = self._cache.answer(request.alias) if request.alias else None
        if answer is None or (not answer.ok and self._options.retry_unreadable):
            return None
        tally = _Tally()
        last: Stored | None = None
        if not answer.ok and answer.reason == _PAID_UNREAD:
            return None
        if not answer.ok and not answer.key:
            return self._failed(request, tally, answer.reason, answer.detail, "")
        for key in answer.keys:
            last = self._cache.get(key)
            if last is None:
                return None
            tally.add(last, fresh=False)
        if last is None or last.model != self._options.model or last.endpoint != self._wire.endpoint:
            return None
        if not answer.ok:
            return self._failed(request, tally, answer.reason, answer.detail, last.text, last)
        try:
            return self._good(request, tally, last, answer.repaired)
        except Unreadable:
            return None

    async def _answer(self, request: Request, tally: _Tally) -> Reply:
        built = await asyncio.get_running_loop().run_in_executor(self._builders, request.built)
        messages: Messages = () if callable(built.messages) else built.messages
        tries, resends = self._options.tries, _RESENDS
        stored, problem = None, Unreadable("no_reply")
        for generation in range(_MOST_GENERATIONS):
            stored, fresh = await self._reply(built, messages, generation, tally)
            try:
                return self._note(request, self._good(request, tally, stored, False), tally)
            except Unreadable as error:
                problem = error
            if problem.reason in _NOTHING_TO_REPAIR:
                resends -= fresh or not self._options.retry_unreadable
            else:
                again = (
                    *messages,
                    Message("assistant", (stored.text,)),
                    Message("user", (_REPAIR.format(problem=problem),)),
                )
                stored, fresh = await self._reply(built, again, generation, tally)
                try:
                    return self._note(request, self._good(request, tally, stored, True), tally)
                except Unreadable as error:
                    problem = error
                tries -= fresh or not self._options.retry_unreadable
            if tries <= 0 or resends <= 0:
                break
        text = "" if stored is None else stored.text
        return self._note(request, self._failed(request, tally, problem.reason, problem.detail, text, stored), tally)

    async def _reply(self, request: Request, messages: Messages, generation: int, tally: _Tally) -> tuple[Stored, bool]:
        """One reply, from the cache, from the same question under way or from the server; and whether it is new."""
        key = request_key(self._wire.endpoint, self._options.model, replace(request, messages=messages), generation)
        stored = self._cache.get(key) or self._late(request, messages, key)
        fresh = False
        if stored is None and key in self._under_way:
            stored = await asyncio.shield(self._under_way[key])
        elif stored is None:
            fresh = True
            future = self._under_way[key] = asyncio.get_running_loop().create_future()
            try:
                stored = await self._wire.send(request, messages, key)
                self._cache.put(stored)
                future.set_result(stored)
            except BaseException as error:  # also Ctrl-C: whoever waits for this reply would wait for ever
                future.set_exception(ItemError("interrupted") if isinstance(error, asyncio.CancelledError) else error)
                # Nobody else may be waiting for it; asking for the exception keeps asyncio from reporting it.
                future.exception()
                raise
            finally:
                del self._under_way[key]
        tally.add(stored, fresh)
        return stored, fresh

    def _late(self, request: Request, messages: Messages, key: str) -> Stored | None:
        """A paid reply that an earlier run could not read and this one can; None where there is none."""
        body = self._cache.unread(key)
        if body is None:
            return None
        try:
            stored = self._wire.stored(read_document(body), request, messages, key, 0.0)
        except Malformed as error:
            if self._options.retry_unreadable:
                return None
            raise ItemError(_PAID_UNREAD, str(error)) from error
        self._cache.put(stored)
        return stored

    def _good(self, request: Request, tally: _Tally, stored: Stored, repaired: bool) -> Reply:
        if stored.refusal:
            raise Unreadable("refusal", stored.text[:200])
        if not stored.text.strip():
            raise Unreadable("empty")
        try:
            value = None if request.read is None else request.read(stored.text)
        except Unreadable as error:
            if stored.finish == "length":
                raise Unreadable("cut_off", f"the reply reached its limit of tokens ({error})") from error
            raise
        return self._reply_of(request, tally, stored, ok=True, value=value, repaired=repaired)

    def _failed(
        self, request: Request, tally: _Tally, reason: str, detail: str, text: str, stored: Stored | None = None
    ) -> Reply:
        reply = self._reply_of(request, tally, stored, ok=False, reason=reason, detail=detail)
        return replace(reply, text=text)

    def _reply_of(self, request: Request, tally: _Tally, stored: Stored | None, **more: object) -> Reply:
        base = Reply(
            id=request.id,
            ok=False,
            text="" if stored is None else stored.text,
            model="" if stored is None else stored.server_model or stored.model,
            key="" if stored is None else stored.key,
            prompt_hash=request.prompt_hash,
            input_tokens=tally.input_tokens,
            output_tokens=tally.output_tokens,
            seconds=tally.seconds,
            calls=tally.calls,
        )
        return replace(base, **more)  # type: ignore[arg-type]

    def _note(self, request: Request, reply: Reply, tally: _Tally) -> Reply:
        if request.alias:
            keys = tuple(tally.keys)
            self._cache.settle(
                Answer(request.alias, reply.key, reply.ok, reply.reason, reply.detail, reply.repaired, keys)
            )
        return reply
