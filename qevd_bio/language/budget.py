"""What questions cost: counted as they are answered, bounded before they are sent, estimated in a dry run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from qevd_bio.language.cache import Cache
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.request import Image, Messages, Request, request_key
from qevd_bio.store.errors import StopRun, UserError

# Upper guesses for estimates and reservations only; what is reported as used comes from the server.
_CHARACTERS_A_TOKEN = 3.0
_TOKENS_AN_IMAGE = 1200
_TOKENS_A_TURN = 8


@dataclass
class Totals:
    """Counts of one run; `input_tokens` and `output_tokens` are the server's own, for calls of this run."""

    questions: int = 0
    cached: int = 0
    failed: int = 0
    calls: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    calls_without_usage: int = 0
    stored_input_tokens: int = 0
    stored_output_tokens: int = 0

    def describe(self, options: ClientOptions) -> str:
        """One line for people; an unknown price is called unknown."""
        cost = cost_of(self.input_tokens, self.output_tokens, options)
        price = "cost unknown (no --price-in/--price-out)" if cost is None else f"cost ${cost:.4f}"
        return (
            f"{self.questions} questions, {self.cached} answered from the cache, {self.failed} failed;"
            f" {self.calls} calls sent ({self.retries} of them again);"
            f" tokens of this run {self.input_tokens} in, {self.output_tokens} out, {price};"
            f" tokens of all answers {self.stored_input_tokens} in, {self.stored_output_tokens} out"
        )


def cost_of(input_tokens: float, output_tokens: float, options: ClientOptions) -> float | None:
    """US dollars, or None where a price is unknown."""
    if options.price_in is None or options.price_out is None:
        return None
    return (input_tokens * options.price_in + output_tokens * options.price_out) / 1e6


def input_estimate(messages: Messages) -> int:
    """Tokens of a question, guessed on the high side from its letters and images."""
    letters = sum(len(part) for message in messages for part in message.parts if isinstance(part, str))
    images = sum(isinstance(part, Image) for message in messages for part in message.parts)
    return int(letters / _CHARACTERS_A_TOKEN) + images * _TOKENS_AN_IMAGE + _TOKENS_A_TURN * len(messages)


@dataclass
class Budget:
    """Stops before a limit is passed: each call under way holds the most that it may cost."""

    options: ClientOptions
    totals: Totals = field(default_factory=Totals)
    _held: float = 0.0
    _spent: float = 0.0

    def __post_init__(self) -> None:
        if self.options.max_cost is not None and cost_of(1, 1, self.options) is None:
            raise UserError(
                "--max-cost needs prices", expected="--price-in and --price-out, US dollars a million tokens"
            )

    def hold(self, messages: Messages, max_tokens: int) -> float:
        """Reserve one call; raises StopRun where it might pass a limit. Returns what is held."""
        options = self.options
        if options.max_calls is not None and self.totals.calls >= options.max_calls:
            raise StopRun(
                f"--max-calls {options.max_calls} reached", fix="the same command with a higher limit continues"
            )
        most = cost_of(input_estimate(messages), max_tokens, options) or 0.0
        if options.max_cost is not None and self._spent + self._held + most > options.max_cost:
            raise StopRun(
                f"--max-cost {options.max_cost} would be passed (${self._spent:.4f} spent)",
                fix="the same command with a higher limit continues",
            )
        self._held += most
        self.totals.calls += 1
        return most

    def settle(self, held: float, input_tokens: int | None, output_tokens: int | None) -> None:
        """Give back what was held and count what was used (None: the server did not say, or the call failed)."""
        self._held -= held
        if input_tokens is None or output_tokens is None:
            return
        self.totals.input_tokens += input_tokens
        self.totals.output_tokens += output_tokens
        self._spent += cost_of(input_tokens, output_tokens, self.options) or 0.0


@dataclass(frozen=True)
class CallPlan:
    """What a run would send: the result of a dry run."""

    questions: int
    cached: int
    calls: int
    input_tokens: int
    output_tokens: tuple[int, int]
    cost: tuple[float, float] | None

    def describe(self) -> str:
        """One line for the terminal: questions, calls, tokens and, where prices are given, the cost in dollars."""
        price = "cost unknown (no --price-in/--price-out)"
        if self.cost is not None:
            price = f"cost ${self.cost[0]:.4f} to ${self.cost[1]:.4f}"
        return (
            f"dry run: {self.questions} questions, {self.cached} in the cache, {self.calls} calls to send;"
            f" about {self.input_tokens} input tokens,"
            f" {self.output_tokens[0]} to {self.output_tokens[1]} output tokens, {price}"
        )


def plan(requests: Iterable[Request], options: ClientOptions) -> CallPlan:
    """Count what `complete_many` would send for `requests`, sending nothing. Repairs and retries come on top."""
    endpoint = options.url.rstrip("/")
    cache = Cache(options.cache if options.cache is not None and options.cache.exists() else None)
    questions = cached = calls = tokens_in = most_out = 0
    seen: set[str] = set()
    try:
        for request in requests:
            questions += 1
            answer = cache.answer(request.alias) if request.alias else None
            if answer is not None and (answer.ok or not options.retry_unreadable):
                cached += 1
                continue
            built = request.built()
            key = request_key(endpoint, options.model, built)
            if key in seen or cache.get(key) is not None:
                cached += 1
                continue
            seen.add(key)
            calls += 1
            tokens_in += input_estimate(built.messages if not callable(built.messages) else ())
            most_out += request.sampling.max_tokens
    finally:
        cache.close()
    low, high = cost_of(tokens_in, calls, options), cost_of(tokens_in, most_out, options)
    cost = None if low is None or high is None else (low, high)
    return CallPlan(questions, cached, calls, tokens_in, (calls, most_out), cost)
