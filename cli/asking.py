"""Options of commands that ask a language model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.annotation.options import AskOptions
from qevd_bio.language.options import ClientOptions, Structured
from qevd_bio.store.errors import UserError

if TYPE_CHECKING:
    from qevd_bio.annotation.asking import Asking
    from qevd_bio.language.budget import Totals

MODEL, MONEY = "The model", "Cost"
C, A = ClientOptions(), AskOptions()

Model = Annotated[str, typer.Option("--model", help="The model's name at the endpoint.", rich_help_panel=MODEL)]
LlmUrl = Annotated[
    str | None,
    typer.Option(
        "--llm-url",
        envvar="QEVD_BIO_LLM_URL",
        help="OpenAI-compatible endpoint (vLLM, TGI, llama.cpp, OpenAI), usually ending in /v1.",
        rich_help_panel=MODEL,
    ),
]
KeyVariable = Annotated[
    str,
    typer.Option(
        "--llm-key-variable", help="Environment variable that holds the endpoint's key.", rich_help_panel=MODEL
    ),
]
CacheFile = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        help="SQLite file that keeps every reply.",
        show_default="WORKSPACE/annotations/replies.sqlite",
        rich_help_panel=MODEL,
    ),
]
StructuredOutput = Annotated[
    Structured,
    typer.Option(
        "--structured", help="Send a JSON schema: auto (while the server takes it), schema, text (never).",
        rich_help_panel=MODEL,
    ),
]  # fmt: skip
Temperature = Annotated[
    float, typer.Option("--temperature", min=0, max=2, help="0: always the likeliest words.", rich_help_panel=MODEL)
]
TopP = Annotated[
    float, typer.Option("--top-p", min=0, max=1, help="Share of likely words drawn from.", rich_help_panel=MODEL)
]
MaxTokens = Annotated[int, typer.Option("--max-tokens", min=1, help="Longest reply.", rich_help_panel=MODEL)]
Seed = Annotated[int | None, typer.Option("--seed", help="Sent to the server.", rich_help_panel=MODEL)]
Concurrency = Annotated[
    int, typer.Option("--concurrency", min=1, help="Most calls side by side.", rich_help_panel=MODEL)
]
TimeoutS = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds for one call.", rich_help_panel=MODEL)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be sent; send nothing.", rich_help_panel=MONEY)]
MaxCalls = Annotated[int | None, typer.Option("--max-calls", min=0, help="Stop cleanly there.", rich_help_panel=MONEY)]
MaxCost = Annotated[
    float | None, typer.Option("--max-cost", min=0, help="Stop before this many dollars.", rich_help_panel=MONEY)
]
PriceIn = Annotated[
    float | None, typer.Option("--price-in", min=0, help="Dollars a million input tokens.", rich_help_panel=MONEY)
]
PriceOut = Annotated[
    float | None, typer.Option("--price-out", min=0, help="Dollars a million output tokens.", rich_help_panel=MONEY)
]
Batch = Annotated[
    float | None,
    typer.Option(
        "--batch",
        min=0,
        metavar="HOURS",
        help="Use the provider's batch interface and wait at most so long; run again to collect later.",
        rich_help_panel=MONEY,
    ),
]


def asking(
    url: str | None,
    model: str,
    *,
    key_variable: str,
    cache: Path | None,
    structured: Structured,
    temperature: float,
    top_p: float,
    max_tokens: int,
    seed: int | None,
    concurrency: int,
    timeout: float,
    max_calls: int | None,
    max_cost: float | None,
    price_in: float | None,
    price_out: float | None,
    batch: float | None,
) -> Asking:
    """The options as the stages take them."""
    from qevd_bio.annotation.asking import Asking

    if url is None:
        raise UserError(
            "no endpoint named",
            expected="--llm-url http://HOST:PORT/v1, or the variable QEVD_BIO_LLM_URL",
            fix="or --method rules, which asks no model",
        )
    client = ClientOptions(
        url=url,
        model=model,
        key_variable=key_variable,
        cache=None if cache is None else cache.expanduser(),
        structured=structured,
        concurrency=concurrency,
        timeout_s=timeout,
        max_calls=max_calls,
        max_cost=max_cost,
        price_in=price_in,
        price_out=price_out,
    )
    wait = None if batch is None else batch * 3600
    return Asking(client, AskOptions(temperature, top_p, max_tokens, seed), wait, typer.echo)


def show_totals(totals: Totals | None, questions: Asking | None) -> None:
    """One line on what was asked and what it cost."""
    if totals is not None and questions is not None:
        typer.echo(totals.describe(questions.client))
