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
        self.problems: tuple[Problem, ...] = tuple(problems)


def _lines(source: str, problems: Sequence[Problem]) -> Iterable[str]:
    many = f"{len(problems):,} problems" if len(problems) > 1 else "1 problem"
    yield f"{source}: {many}; nothing was sent"
    kinds = _alike(problems)
    yield from (f"  {_line(alike)}" for alike in kinds[:SHOWN])
    if hidden := sum(map(len, kinds[SHOWN:])):
        yield f"  and {hidden:,} more; --problems FILE writes them all"


def _alike(problems: Iterable[Problem]) -> list[list[Problem]]:
    """Those with the same reason together: a date format that every row has must not hide the one other problem."""
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.reason, []).append(problem)
    return list(kinds.values())


def _line(alike: Sequence[Problem]) -> str:
    others = len(alike) - 1
    rows = "row" if others == 1 else "rows"
    return f"{alike[0]} (and {others:,} more {rows} like it)" if others else str(alike[0])


def write_problems(problems: Iterable[Problem], path: Path) -> None:
    """Write all of them, one a line.

    Raises:
        OSError: the file cannot be written.
    """
    path.write_text("".join(f"{problem}\n" for problem in problems), encoding="utf-8")
