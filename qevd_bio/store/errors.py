"""The two errors that the rest of the package raises on purpose."""

from __future__ import annotations

from pathlib import Path


class QevdBioError(Exception):
    """Base of every error that this package raises on purpose."""


class UserError(QevdBioError):
    """A mistake the user can mend: what is wrong, where, what was expected, what to do next.

    The command line prints it without a traceback and exits with code 2.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: str | Path | None = None,
        expected: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(problem, where, expected, fix)
        self.problem = problem
        self.where = None if where is None else str(where)
        self.expected = expected
        self.fix = fix

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.problem}" if self.where else self.problem]
        if self.expected:
            lines.append(f"expected: {self.expected}")
        if self.fix:
            lines.append(f"next: {self.fix}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default reduction between processes.
        return _rebuild, (type(self), self.problem, self.where, self.expected, self.fix)


class StopRun(UserError):
    """A condition met in one item that holds for all others too (disk full, key refused): the run stops."""


def _rebuild(
    kind: type[UserError], problem: str, where: str | None, expected: str | None, fix: str | None
) -> UserError:
    return kind(problem, where=where, expected=expected, fix=fix)


class ItemError(QevdBioError):
    """One work item cannot be done; the run continues and the item becomes a failure row.

    `reason` is a short snake_case name that can be counted; `detail` says the rest in words.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason
