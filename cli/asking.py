"""Options of commands that ask a language model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.annotation.options import AskOptions
from qevd_bio.language.options import ClientOptions, Structured
from qevd_bio.store.errors import UserError
from qevd_bio.store.terminal import say

from .common import LlmUrl
from .ending import note

if TYPE_CHECKING:
    from qevd_bio.annotation.asking import Asking
    from qevd_bio.language.budget import Totals

MODEL, MONEY = "The model", "Cost"
C, A = ClientOptions(), AskOptions()


@dataclass(frozen=True)
class AskFlags:
    """The endpoint, how it is asked and what that may cost; `model` has no default of its own."""

    llm_url: LlmUrl = None
    key_variable: Annotated[
        str,
        typer.Option(
            "--llm-key-variable", help="Environment variable that holds the endpoint's key.", rich_help_panel=MODEL
        ),
    ] = C.key_variable
    cache: Annotated[
        Path | None,
        typer.Option(
            help="SQLite file that keeps every reply.",
            show_default="WORKSPACE/annotations/replies.sqlite",
            rich_help_panel=MODEL,
        ),
    ] = None
    structured: Annotated[
        Structured,
        typer.Option(
            help="Send a JSON schema: auto (while the server takes it), schema, text (never).", rich_help_panel=MODEL
        ),
    ] = C.structured
    temperature: Annotated[
        float, typer.Option(min=0, max=2, help="0: always the likeliest words.", rich_help_panel=MODEL)
    ] = A.temperature
    top_p: Annotated[
        float, typer.Option(min=0, max=1, help="Share of likely words drawn from.", rich_help_panel=MODEL)
    ] = A.top_p
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest reply.", rich_help_panel=MODEL)] = A.max_tokens
    seed: Annotated[int | None, typer.Option(help="Sent to the server.", rich_help_panel=MODEL)] = None
    concurrency: Annotated[int, typer.Option(min=1, help="Most calls side by side.", rich_help_panel=MODEL)] = (
        C.concurrency
    )
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one call.", rich_help_panel=MODEL)] = C.timeout_s
    max_calls: Annotated[int | None, typer.Option(min=0, help="Stop cleanly there.", rich_help_panel=MONEY)] = None
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Stop before this many dollars.", rich_help_panel=MONEY)
    ] = None
    price_in: Annotated[
        float | None, typer.Option(min=0, help="Dollars a million input tokens.", rich_help_panel=MONEY)
    ] = None
    price_out: Annotated[
        float | None, typer.Option(min=0, help="Dollars a million output tokens.", rich_help_panel=MONEY)
    ] = None
    batch: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="HOURS",
            help="Use the provider's batch interface and wait at most so long; run again to collect later.",
            rich_help_panel=MONEY,
        ),
    ] = None

    def of(self, model: str) -> Asking:
        """The options as the stages take them. UserError where no endpoint is named."""
        from qevd_bio.annotation.asking import Asking

        if self.llm_url is None:
            raise UserError(
                "no endpoint named",
                expected="--llm-url http://HOST:PORT/v1, or the variable QEVD_BIO_LLM_URL",
                fix="or --method rules, which asks no model",
            )
        client = ClientOptions(
            url=self.llm_url,
            model=model,
            key_variable=self.key_variable,
            cache=None if self.cache is None else self.cache.expanduser(),
            structured=self.structured,
            concurrency=self.concurrency,
            timeout_s=self.timeout,
            max_calls=self.max_calls,
            max_cost=self.max_cost,
            price_in=self.price_in,
            price_out=self.price_out,
        )
        wait = None if self.batch is None else self.batch * 3600
        options = AskOptions(self.temperature, self.top_p, self.max_tokens, self.seed)
        return Asking(client, options, wait, note)

    def unless(self, rules: bool, model: str, dry_run: bool, instead: str = "--method vlm --dry-run") -> Asking | None:
        """None where the rules do it without a model, which then cannot be tried out either (UserError)."""
        if not rules:
            return self.of(model)
        if dry_run:
            raise UserError("--dry-run is about calls to a model; the rules make none", fix=instead)
        return None


Model = Annotated[str, typer.Option("--model", help="The model's name at the endpoint.", rich_help_panel=MODEL)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be sent; send nothing.", rich_help_panel=MONEY)]


def show_totals(totals: Totals | None, questions: Asking | None) -> None:
    """One line on what was asked and what it cost."""
    if totals is not None and questions is not None:
        say(totals.describe(questions.client))
