"""Problems of an input, all at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from attrs import frozen

SHOWN = 20
"""Problems shown on the screen; people fix the first few and try again."""


@frozen
class Problem:
    """One problem and its place."""

    place: str
    """Such as ``line 7``; empty for the whole input."""
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if self.place else self.reason


class BadInputError(click.ClickException):
    """The input cannot be used, and nothing was sent; ends the command with 2."""

    exit_code = 2

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(_lines(source, problems)))
        self.source = source
        self.problems = tuple(problems)


def _lines(source: str, problems: Sequence[Problem]) -> Iterable[str]:
    many = f"{len(problems):,} problems" if len(problems) > 1 else "1 problem"
    yield f"{source}: {many}; nothing was sent"
    yield from (f"  {problem}" for problem in problems[:SHOWN])
    if len(problems) > SHOWN:
        yield f"  and {len(problems) - SHOWN:,} more; --problems FILE writes them all"


def write_problems(problems: Iterable[Problem], path: Path) -> None:
    """Write all of them, one a line.

    Raises:
        OSError: the file cannot be written.
    """
    path.write_text("".join(f"{problem}\n" for problem in problems), encoding="utf-8")
