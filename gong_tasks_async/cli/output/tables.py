"""Tables for people, as wide as their terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from gong_tasks_async.cli.output.console import note, stdout_console
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.visible import visible_line

if TYPE_CHECKING:
    from rich.table import Table

T = TypeVar("T")

GAP = 2
"""Blanks between two columns."""


def draw_facts(facts: Mapping[str, str]) -> None:
    """Write some facts, each after its name; in a narrow terminal they take several lines."""
    from rich.table import Table  # noqa: PLC0415 - 65 ms that help and completion need not spend
    from rich.text import Text  # noqa: PLC0415 - as above

    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, words in facts.items():
        grid.add_row(name, Text(visible_line(words)))
    stdout_console().print(grid)


def draw_table(layout: Layout[T], rows: Sequence[T]) -> None:
    """Draw rows for a person; columns for which the terminal is too narrow are left out, with a note."""
    screen = stdout_console()
    cells = [[visible_line(column.cell(row) or "") for column in layout.table] for row in rows]
    widths = fitted(layout.table, cells, screen.width)
    screen.print(_table(layout.table, cells, widths))
    if left_out := [column.title for column, width in zip(layout.table, widths, strict=True) if not width]:
        note(f"Too narrow for: {', '.join(left_out)}. --output csv or jsonl has everything.")


def fitted(columns: Sequence[Column[Any]], cells: Sequence[Sequence[str]], room: int) -> list[int]:
    """The width of each column; 0 for those that do not fit.

    The first is always shown. What is less important leaves room for what is more.
    """
    from rich.cells import cell_len  # noqa: PLC0415 - as above

    widest = [
        max(map(cell_len, texts)) for texts in zip([column.title for column in columns], *cells, strict=True)
    ]
    widths = [min(column.least or most, most) for column, most in zip(columns, widest, strict=True)]
    room = max(0, room - widths[0])
    for place in range(1, len(columns)):
        if GAP + widths[place] > room:
            widths[place] = 0
        else:
            room -= GAP + widths[place]
    for place, width in enumerate(widths):
        more = min(widest[place] - width, room) if width else 0
        widths[place], room = width + more, room - more
    return widths


def _table(columns: Sequence[Column[Any]], cells: Sequence[Sequence[str]], widths: Sequence[int]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    titled = any(column.title for column in columns)
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=titled)
    for column, width in zip(columns, widths, strict=True):
        if width:
            table.add_column(column.title, width=width, no_wrap=True, overflow="ellipsis")
    for row in cells:
        # Text, since rich would take square brackets in plain strings for markup.
        table.add_row(*(Text(text) for text, width in zip(row, widths, strict=True) if width))
    return table
