"""Groups of options that several commands share, written once as dataclasses and spread over each command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """`command` with an option for each field of the flag classes that it takes, as Typer wants them."""
    parameters: list[inspect.Parameter] = []
    groups: dict[str, Any] = {}
    for own in inspect.signature(command, eval_str=True).parameters.values():
        if not is_dataclass(own.annotation):
            parameters.append(own.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        groups[own.name] = own.annotation
        hints = get_type_hints(own.annotation, include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
            )
            for field in fields(own.annotation)
        ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    vars(run).pop("__wrapped__")
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
