"""Rows of CSV: commas, semicolons or tabs, of any spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from gong_tasks_async.cli.input.columns import column_of
from gong_tasks_async.cli.input.problems import Problem
from gong_tasks_async.cli.input.records import Found, Record, Table

DELIMITERS: Final = ",;\t"
EXCEL_HINT: Final = re.compile(r"""\s*"?sep=(.)"?\s*(?:\r\n?|\n)""", re.IGNORECASE)
"""Excel's line that names the delimiter; not a row."""
LONE_RETURN: Final = re.compile(r"\r(?!\n)")


def read_csv(text: str) -> Table:
    """Read a table whose first line names the columns.

    Raises:
        ValueError: it has none.
    """
    lines = _Lines(text)
    header = next(lines, None)
    if header is None:
        raise ValueError("it is empty")
    if isinstance(header, Problem):
        return Table((header,))
    refuse_data(header[1])
    names = tuple(name.strip() for name in header[1])
    return Table(_records(lines, names), Record(header[0], names, names), text.count("\n"))


class _Lines(Iterator["tuple[str, list[str]] | Problem"]):
    """The lines that are not blank, with their places; an unreadable one ends them."""

    def __init__(self, text: str) -> None:
        hint = EXCEL_HINT.match(text)
        self._skipped = 1 if hint else 0
        body = text[hint.end() :] if hint else text
        delimiter = hint[1] if hint else _delimiter(body)
        self._rows = csv.reader(_lines_of(body), delimiter=delimiter, strict=True)
        self._ended = False

    def __next__(self) -> tuple[str, list[str]] | Problem:
        while not self._ended:
            place = f"line {self._rows.line_num + self._skipped + 1}"
            try:
                fields = next(self._rows)
            except csv.Error as error:
                self._ended = True
                return Problem(place, _explained(str(error)))
            if any(field.strip() for field in fields):
                return place, fields
        raise StopIteration


def _lines_of(text: str) -> Iterator[str]:
    """The lines of a text with their ends, without a copy of the whole: a StringIO holds four bytes a character."""
    if LONE_RETURN.search(text):  # as programs for old Macs end lines
        yield from io.StringIO(text, newline="")
        return
    start = 0
    while end := text.find("\n", start) + 1:
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _explained(error: str) -> str:
    """The csv module's message, as advice."""
    if "unexpected end of data" in error or "field larger" in error:
        return "a quote is opened and never closed: close it, or write a quote inside a field twice"
    if "expected after" in error:
        return "text stands after a closing quote: write a quote inside a field twice"
    return f"cannot be read as CSV ({error})"


def _delimiter(text: str) -> str:
    """The delimiter that yields most known columns in the first line that is not blank."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(DELIMITERS, key=lambda delimiter: (_known(first, delimiter), first.count(delimiter)))


def _known(line: str, delimiter: str) -> int:
    return sum(column_of(name.strip(' "')) is not None for name in line.split(delimiter))


def refuse_data(names: list[str]) -> None:
    """Refuse a first line that holds data.

    Raises:
        ValueError: it does.
    """
    if not any(map(column_of, names)) and re.fullmatch(r"\s*[0-9.,+Ee]+\s*", names[0]):
        raise ValueError(
            f"its first line has data ({names[0].strip()!r}) and not the columns' names: "
            "put a line such as taskId,userId,status above it"
        )


def _records(lines: _Lines, names: tuple[str, ...]) -> Found:
    for line in lines:
        if isinstance(line, Problem):
            yield line
            continue
        place, fields = line
        while (
            len(fields) > len(names) and not fields[-1].strip()
        ):  # as spreadsheets leave at the end of a row
            fields.pop()
        if len(fields) == len(names):
            yield Record(place, names, tuple(fields))
        else:
            yield Problem(place, count_mismatch(len(fields), len(names)))


def count_mismatch(found: int, wanted: int) -> str:
    """What is wrong with a row of another number of fields."""
    fields = "1 field" if found == 1 else f"{found} fields"
    advice = "put a field that holds the delimiter in quotes" if found > wanted else "keep the empty ones"
    return f"has {fields} where the first line names {wanted}: {advice}"
