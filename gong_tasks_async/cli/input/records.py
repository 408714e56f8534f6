"""An input's rows, all values still text: from CSV, JSON lines, or a JSON array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from attrs import frozen

from gong_tasks_async.cli.input.problems import Problem


@frozen
class Record:
    """One row: its place in the input, the names of its fields, and their texts."""

    place: str
    names: tuple[str, ...]
    values: tuple[str, ...]
    hidden: bool = False
    """Whether a spreadsheet does not show it."""


Found: TypeAlias = Iterator[Record | Problem]


@frozen
class Table:
    """An input, whose rows are read as they are taken."""

    found: Iterable[Record | Problem]
    header: Record | None = None
    """The line that names the columns of all rows, where there is one."""
    lines: int = 0
    """About how many rows there are."""
