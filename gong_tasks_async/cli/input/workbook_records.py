"""Rows of a workbook: its first sheet, whose first row names the columns."""

from __future__ import annotations

from collections.abc import Iterable

from gong_tasks_async.cli.input.csv_records import count_mismatch, refuse_data
from gong_tasks_async.cli.input.problems import Problem
from gong_tasks_async.cli.input.records import Found, Record, Table
from gong_tasks_async.cli.output.workbook import SheetRow, read_workbook

SIGNATURE = b"PK\x03\x04"
"""How a workbook begins, as all zip files do."""


def read_xlsx(data: bytes) -> Table:
    """Read a sheet whose first row that is not blank names the columns.

    Raises:
        ValueError: it is no workbook, or empty.
    """
    rows = (
        (f"row {number}", row)
        for number, row in enumerate(read_workbook(data), 1)
        if any(cell.strip() for cell in row.cells)
    )
    place, header = next(rows, ("", None))
    if header is None:
        raise ValueError("it is empty")
    names = tuple(name.strip() for name in _without_blank_end(header.cells))
    refuse_data(list(names))
    return Table(_records(rows, names), Record(place, names, names))


def _records(rows: Iterable[tuple[str, SheetRow]], names: tuple[str, ...]) -> Found:
    for place, row in rows:
        cells = _without_blank_end(row.cells)
        if len(cells) > len(names):
            yield Problem(place, count_mismatch(len(cells), len(names)))
        else:
            blanks = [""] * (len(names) - len(cells))
            yield Record(place, names, (*cells, *blanks), hidden=row.hidden)


def _without_blank_end(row: list[str]) -> list[str]:
    """A row without the blank cells that formatting leaves at its end."""
    filled = max((number for number, cell in enumerate(row, 1) if cell.strip()), default=0)
    return row[:filled]
