"""How rows are written: a table for a person; JSON, CSV or a workbook for a program."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TextIO, TypeVar

from gong_tasks_async.bulk.render.formulas import escape_formula
from gong_tasks_async.cli.output.console import may_reach_screen, note
from gong_tasks_async.cli.output.data_file import binary, data_file
from gong_tasks_async.cli.output.excel_csv import BYTE_ORDER_MARK, excel_cell
from gong_tasks_async.cli.output.formats import WRITTEN_AT_ONCE, Output, OutputFormat
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.tables import draw_table
from gong_tasks_async.cli.output.visible import visible, visible_json
from gong_tasks_async.errors.kinds import is_list, is_mapping, is_tuple

if TYPE_CHECKING:
    from gong_tasks_async.models import JsonValue

T = TypeVar("T")

PRECISE: Final = 2**53
"""Beyond it, jq and JavaScript lose the last digits: https://www.rfc-editor.org/rfc/rfc8259#section-6"""


class Listing(Generic[T]):
    """Writes rows: at once as JSON lines or CSV, else when the ``with`` block ends.

    Args:
        layout: what is written of a row.
        output: where to, and how.
        single: there is one row; as JSON it is an object, not an array.
        quiet: a file that was written is not noted, since the command has its own note.
    """

    def __init__(
        self, layout: Layout[T], output: Output, *, single: bool = False, quiet: bool = False
    ) -> None:
        self._layout = layout
        self._output = output
        self._single = single
        self._quiet = quiet
        self._kept: list[T] = []
        self._discarded = False
        self._held = ExitStack()
        self._file: TextIO = sys.stdout
        self._has_header = False

    @property
    def shares_screen(self) -> bool:
        """Whether rows may appear on the terminal while they come, so that a bar would stand between them."""
        return self._output.form in WRITTEN_AT_ONCE and self._output.file is None and may_reach_screen()

    def add(self, rows: Iterable[T]) -> None:
        """Write some rows; the reader of a pipe gets them now."""
        if self._output.form not in WRITTEN_AT_ONCE:
            self._kept.extend(rows)
            return
        for row in rows:
            self._write_header()
            self._write(row)
        self._file.flush()

    def discard(self) -> None:
        """Write nothing at the end, since something else was written."""
        self._discarded = True

    def __enter__(self) -> Self:
        self._file = self._held.enter_context(data_file(self._output, quiet=self._quiet))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what was kept. After an error only a table is drawn, of what was found: other formats would look whole."""
        with self._held.pop_all() as held:
            if kind is not None:
                held.__exit__(kind, error, trace)
            if not self._discarded:
                self._finish(failed=kind is not None)

    def _finish(self, *, failed: bool) -> None:
        if self._output.is_table:
            self._draw(failed=failed)
        elif failed:
            return
        elif self._output.form is OutputFormat.JSON:
            found = [self._layout.to_json(row) for row in self._kept]
            text = json_text(found[0] if self._single and found else found)
            self._file.write(f"{visible(text) if self._output.on_terminal else text}\n")
        elif self._output.form is OutputFormat.XLSX:
            self._write_workbook()
        elif self._output.form is OutputFormat.CSV:
            self._write_header()
        self._file.flush()

    def _draw(self, *, failed: bool) -> None:
        if self._kept:
            draw_table(self._layout, self._kept)
        elif not failed:
            note(f"No {self._layout.what}.")

    def _write_workbook(self) -> None:
        from gong_tasks_async.cli.output.workbook import Sheet, write_workbook  # noqa: PLC0415 - few need it

        write_workbook(
            binary(self._file), [Sheet.of(self._layout.what.capitalize(), self._layout, self._kept)]
        )

    def _write_header(self) -> None:
        if not self._has_header and self._output.form is OutputFormat.CSV:
            if self._output.excel:
                self._file.write(BYTE_ORDER_MARK)
            self._csv.writerow([column.title for column in self._layout.csv])
        self._has_header = True

    @cached_property
    def _csv(self) -> Any:
        """Quotes mark all text, ids included, as in the reports of bulk runs."""
        return csv.writer(
            self._file, delimiter=self._separator, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC
        )

    @property
    def _separator(self) -> str:
        return self._output.excel or ","

    def _write(self, row: T) -> None:
        if self._output.form is OutputFormat.CSV:
            self._csv.writerow([self._cell(column, row) for column in self._layout.csv])
        else:
            self._file.write(f"{json_line(self._layout.to_json(row))}\n")

    def _cell(self, column: Column[T], row: T) -> str:
        """A cell as it is for a program; on a terminal nothing of it is obeyed."""
        cell = escape_formula(column.cell(row), self._separator)
        if self._output.excel:
            cell = excel_cell(cell, is_date=column.is_date)
        return visible(cell) if self._output.on_terminal else cell


def json_line(value: Mapping[str, JsonValue]) -> str:
    """One JSON object without line breaks, its ids as text."""
    return json_text(value)


def json_text(value: Any) -> str:
    """JSON in one line, ids as text, control characters escaped."""
    return visible_json(json.dumps(with_ids_as_text(value), ensure_ascii=False, separators=(",", ":")))


def with_ids_as_text(value: Any, key: str = "") -> Any:
    """JSON values in which ids, and whole numbers that many programs cannot hold, are text."""
    if is_mapping(value):
        return {name: with_ids_as_text(part, name) for name, part in value.items()}
    if is_list(value) or is_tuple(value):
        return [with_ids_as_text(part, key) for part in value]
    if isinstance(value, int) and not isinstance(value, bool):
        is_id = key == "id" or key.endswith("Id")
        return str(value) if is_id or abs(value) > PRECISE else value
    return value
