"""How rows are written: a table for a person; JSON, CSV or a workbook for a program."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

import click

from gong_tasks_async.bulk.render.formulas import escape_formula
from gong_tasks_async.cli.output.console import emit, is_terminal, may_reach_screen, note
from gong_tasks_async.cli.output.layout import Layout
from gong_tasks_async.cli.output.tables import draw_table
from gong_tasks_async.cli.output.visible import visible, visible_json

if TYPE_CHECKING:
    from gong_tasks_async.models import JsonValue

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

PRECISE: Final = 2**53
"""Beyond it, jq and JavaScript lose the last digits: https://www.rfc-editor.org/rfc/rfc8259#section-6"""


class OutputFormat(StrEnum):
    """What a listing looks like."""

    TABLE = "table"
    JSON = "json"
    """One array."""
    JSONL = "jsonl"
    """One object a line."""
    CSV = "csv"
    XLSX = "xlsx"


WRITTEN_AT_ONCE: Final = (OutputFormat.JSONL, OutputFormat.CSV)
"""Formats whose rows are written as they come; the others wait for the last."""


def output_option(function: F) -> F:
    """Give a command ``--output``, and pass it ``output`` as a keyword: an :class:`OutputFormat`."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice([form.value for form in OutputFormat]),
        callback=_chosen,
        help="By default a table on a terminal, and jsonl, one JSON object a line, in a pipe.",
    )(function)


def _chosen(_context: click.Context, _parameter: click.Parameter, value: str | None) -> OutputFormat:
    if value == OutputFormat.XLSX and is_terminal():
        raise click.BadParameter("a workbook cannot be shown here: write it to a file, as with > tasks.xlsx")
    if value:
        return OutputFormat(value)
    return OutputFormat.TABLE if is_terminal() else OutputFormat.JSONL


def report_output_option(function: F) -> F:
    """Give a command whose result is one report ``--output``; pass it ``json``: None where the screen decides."""
    hidden = click.option(
        "--json", "json", is_flag=True, flag_value="json", default=None, hidden=True, callback=_is_json
    )
    return hidden(
        click.option(
            "-o",
            "--output",
            "json",
            type=click.Choice(["table", "json"]),
            callback=_is_json,
            help="By default a table on a terminal, and json in a pipe.",
        )(function)
    )


def _is_json(_context: click.Context, _parameter: click.Parameter, value: str | None) -> bool | None:
    return None if value is None else value == OutputFormat.JSON


class Listing(Generic[T]):
    """Writes rows to standard output: at once as JSON lines or CSV, else when the ``with`` block ends."""

    def __init__(self, layout: Layout[T], output: OutputFormat) -> None:
        self._layout = layout
        self._output = output
        self._kept: list[T] = []
        self._on_terminal = is_terminal()
        # Quotes mark all text, ids included, as in the reports of bulk runs.
        self._csv = csv.writer(sys.stdout, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        self._has_header = output is not OutputFormat.CSV

    @property
    def shares_screen(self) -> bool:
        """Whether rows may appear on the terminal while they come, so that a bar would stand between them."""
        return self._output in WRITTEN_AT_ONCE and may_reach_screen()

    def add(self, rows: Iterable[T]) -> None:
        """Write some rows; the reader of a pipe gets them now."""
        if self._output not in WRITTEN_AT_ONCE:
            self._kept.extend(rows)
            return
        for row in rows:
            self._write_header()
            self._write(row)
        sys.stdout.flush()

    def _write_header(self) -> None:
        if not self._has_header:
            self._has_header = True
            self._csv.writerow([column.title for column in self._layout.csv])

    def discard(self) -> None:
        """Write nothing at the end, since something else was written."""
        self._kept.clear()
        self._output = OutputFormat.JSONL
        self._has_header = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what was kept. After an error only a table is drawn, of what was found: other formats would look whole."""
        if self._output is OutputFormat.TABLE:
            self._draw(failed=kind is not None)
        elif kind is None and self._output is OutputFormat.JSON:
            emit(json_text([self._layout.to_json(row) for row in self._kept]))
        elif kind is None and self._output is OutputFormat.XLSX:
            self._write_workbook()
        elif kind is None and self._output is OutputFormat.CSV:
            self._write_header()

    def _draw(self, *, failed: bool) -> None:
        if self._kept:
            draw_table(self._layout, self._kept)
        elif not failed:
            note(f"No {self._layout.what}.")

    def _write_workbook(self) -> None:
        from gong_tasks_async.cli.output.workbook import write_workbook  # noqa: PLC0415 - few need it

        columns = self._layout.csv
        rows = ([column.cell(row) for column in columns] for row in self._kept)
        write_workbook(sys.stdout.buffer, [column.title for column in columns], rows)

    def _write(self, row: T) -> None:
        if self._output is OutputFormat.CSV:
            self._csv.writerow([self._cell(column.cell(row)) for column in self._layout.csv])
        else:
            sys.stdout.write(f"{json_line(self._layout.to_json(row))}\n")

    def _cell(self, text: str | None) -> str:
        """A cell as it is for a program; on a terminal nothing of it is obeyed."""
        cell = escape_formula(text)
        return visible(cell) if self._on_terminal else cell


def json_line(value: Mapping[str, JsonValue]) -> str:
    """One JSON object without line breaks, its ids as text."""
    return json_text(value)


def json_text(value: Any) -> str:
    """JSON in one line, ids as text, control characters escaped."""
    return visible_json(json.dumps(with_ids_as_text(value), ensure_ascii=False, separators=(",", ":")))


def with_ids_as_text(value: Any, key: str = "") -> Any:
    """JSON values in which ids, and whole numbers that many programs cannot hold, are text."""
    if isinstance(value, Mapping):
        return {name: with_ids_as_text(part, name) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [with_ids_as_text(part, key) for part in value]
    if isinstance(value, int) and not isinstance(value, bool):
        is_id = key == "id" or key.endswith("Id")
        return str(value) if is_id or abs(value) > PRECISE else value
    return value
