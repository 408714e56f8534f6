"""What is shown of a row, in each form of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from attrs import frozen

if TYPE_CHECKING:
    from gong_tasks_async.models import JsonValue

T = TypeVar("T")


@frozen
class Column(Generic[T]):
    """One column of a table, or of a CSV file."""

    title: str
    """In CSV, a name in Gong's spelling where Gong has the word."""
    cell: Callable[[T], str | None]
    least: int = 0
    """In a table, the least width at which it is still readable; 0 where nothing of it may be cut."""
    is_date: bool = False
    """Whether its cells are ISO date-times, which spreadsheets get as dates by this machine's clock."""


@frozen(kw_only=True)
class Layout(Generic[T]):
    """How rows of one kind are written."""

    what: str
    """What the rows are, such as ``tasks``."""
    to_json: Callable[[T], Mapping[str, JsonValue]]
    csv: Sequence[Column[T]]
    table: Sequence[Column[T]]
    """In the order of their importance: the last are left out first where the terminal is narrow."""
