"""Workbooks of spreadsheets (.xlsx), read and written: the only module that uses openpyxl, of the extra ``excel``."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, time
from typing import IO, Any, Final, NamedTuple, NoReturn, TypeVar

from attrs import frozen

from gong_tasks_async.bulk.dates import LOCAL_ZONE
from gong_tasks_async.cli.output.formats import NEEDS_OPENPYXL
from gong_tasks_async.cli.output.layout import Layout
from gong_tasks_async.models.date_times import parse_date_time

T = TypeVar("T")

MAX_UNPACKED: Final = 512 * 2**20
"""Bytes of a workbook's parts: a sheet of a million rows has some 200 MB, and a bomb of 1 MB has gigabytes."""
BLOCK: Final = 2**20
"""Bytes of a sheet that are looked at together."""
EXACT_DIGITS: Final = 15
"""What a spreadsheet keeps of a number; https://support.microsoft.com/office/excel-specifications-and-limits."""
LONGEST_TEXT: Final = 32_767
"""Characters of a cell, from the same page."""
MOST_ROWS: Final = 1_048_576
"""Rows of a sheet, from there too."""
WIDTHS: Final = (12, 44)
"""Least and most characters of a column."""
FIRST_YEAR: Final = 1901
"""Spreadsheets count days from 1900, whose leap day they get wrong."""
LAST_YEAR: Final = 9998
"""Some back ends write a moment of 9999 for "never", which is beyond the calendar in zones east of theirs."""

ROW_TAG: Final = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
ROW_NUMBER: Final = re.compile(rb"\sr=[\"'](\d{1,9})[\"']")
HIDDEN: Final = re.compile(rb"\shidden=[\"'](?:1|true)[\"']")

TEXT_FORMAT: Final = "@"
DATE_FORMAT: Final = "yyyy-mm-dd hh:mm"


class MissingExcelError(ValueError):
    """The extra that reads and writes workbooks is not installed."""

    def __init__(self) -> None:
        super().__init__(NEEDS_OPENPYXL)


@frozen
class Sheet:
    """One sheet of a workbook."""

    name: str
    titles: Sequence[str]
    rows: Iterable[Sequence[str | None]]
    dates: Collection[str] = ()
    """Titles of the columns that hold ISO date-times: written as dates that sort, by this machine's clock."""

    @classmethod
    def of(cls, name: str, layout: Layout[T], rows: Iterable[T]) -> Sheet:
        """The rows of a layout, in its CSV's columns."""
        columns = layout.csv
        return cls(
            name,
            [column.title for column in columns],
            ([column.cell(row) for column in columns] for row in rows),
            {column.title for column in columns if column.is_date},
        )


def write_workbook(file: IO[bytes], sheets: Sequence[Sheet], *, opened: int = 0) -> None:
    """Write sheets whose cells are text, so that no id loses a digit and nothing is run as a formula.

    Args:
        file: where it is written, once all rows are there.
        sheets: the first one is what :func:`read_workbook` reads.
        opened: number of the sheet that a spreadsheet shows first.

    Raises:
        MissingExcelError: openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExcelError from None

    book, packed = Workbook(write_only=True), io.BytesIO()
    try:
        for sheet in sheets:
            _write_sheet(book.create_sheet(sheet.name), sheet)
        book.active = opened
        # Into memory: a file that fails midway would leave a zip file that complains when it is collected.
        book.save(packed)
    except BaseException:
        for written in book.worksheets:
            with suppress(Exception):  # as would a sheet
                written.close()
        raise
    file.write(packed.getbuffer())


def _write_sheet(target: Any, sheet: Sheet) -> None:
    target.freeze_panes = "A2"
    for number, title in enumerate(sheet.titles):
        target.column_dimensions[_letter(number)].width = min(max(WIDTHS[0], len(title) + 8), WIDTHS[1])
    target.append([_text_cell(target, title) for title in sheet.titles])
    for number, row in enumerate(sheet.rows, 2):
        if number > MOST_ROWS:
            raise ValueError(
                f"a sheet holds {MOST_ROWS:,} rows, and these are more: write them as csv or jsonl"
            )
        pairs = zip(sheet.titles, row, strict=True)
        target.append([_cell(target, text, is_date=title in sheet.dates) for title, text in pairs])


def _letter(number: int) -> str:
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - an extra

    letter: str = get_column_letter(number + 1)
    return letter


def _cell(sheet: Any, text: str | None, *, is_date: bool) -> Any:
    moment = parse_date_time(text) if is_date and text else None
    if moment is None or moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return _text_cell(sheet, text or "")
    return _date_cell(sheet, moment)


def _date_cell(sheet: Any, moment: datetime) -> Any:
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - an extra

    cell = WriteOnlyCell(sheet, value=moment.astimezone(LOCAL_ZONE).replace(tzinfo=None, fold=0))
    cell.number_format = DATE_FORMAT
    return cell


def _text_cell(sheet: Any, text: str) -> Any:
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - an extra
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415 - an extra

    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", text)[:LONGEST_TEXT])
    cell.data_type = "s"  # whatever the text looks like
    cell.number_format = TEXT_FORMAT
    return cell


class SheetRow(NamedTuple):
    """A row as it is read."""

    cells: list[str]
    hidden: bool
    """Whether a filter, a group or a person hides it."""


def read_workbook(data: bytes) -> Iterator[SheetRow]:
    """The texts of the cells of a workbook's first sheet, row by row as they are taken.

    Raises:
        MissingExcelError: openpyxl is not installed.
        ValueError: it is not a workbook that can be read.
    """
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExcelError from None

    _check_size(data)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = next((sheet for sheet in book.worksheets if sheet.sheet_state == "visible"), None)
        if sheet is None:
            _refuse("it has no sheet")
        sheet.reset_dimensions()  # what other programs write there is often wrong
        if _has_formulas(data):
            written = load_workbook(io.BytesIO(data), read_only=True)[sheet.title]
            written.reset_dimensions()
            rows = _solved(sheet, written)
        else:
            rows = _rows(sheet)
        hidden = _hidden_rows(data, sheet)
        for number, cells in enumerate(rows, 1):
            yield SheetRow(cells, number in hidden)
    except ValueError:
        raise
    except Exception as error:  # noqa: BLE001 - openpyxl raises what XML, zip and its own code raise
        _refuse(f"{type(error).__name__}: {error}")


def _check_size(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            names = parts.namelist()
            size = sum(part.file_size for part in parts.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        _refuse(str(error))
    if "[Content_Types].xml" not in names:
        _refuse("it is another kind of zip file")
    if size > MAX_UNPACKED:
        _refuse(f"unpacked it would take {size / 2**20:,.0f} MB")


def _refuse(reason: str) -> NoReturn:
    raise ValueError(f"it is not a readable workbook ({reason}): save the sheet as 'CSV UTF-8' instead")


def _rows(sheet: Any) -> Iterator[list[str]]:
    for row in sheet.iter_rows():
        yield [_text(cell.value, cell.number_format or "") for cell in row]


def _has_formulas(data: bytes) -> bool:
    """Whether any sheet may have a formula: then it is read twice, its results and its formulas."""
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        names = [name for name in parts.namelist() if name.startswith("xl/worksheets/")]
        return any(_holds(part, b"<f") for name in names for part in [parts.open(name)])


def _holds(part: IO[bytes], mark: bytes) -> bool:
    before = b""
    while piece := part.read(BLOCK):
        if mark in before + piece:
            return True
        before = piece[-len(mark) :]
    return False


def _hidden_rows(data: bytes, sheet: Any) -> frozenset[int]:
    """The numbers of the rows that are hidden; openpyxl drops them where it reads row by row."""
    with zipfile.ZipFile(io.BytesIO(data)) as parts, parts.open(sheet._worksheet_path) as part:  # noqa: SLF001 - it has no other
        return frozenset(_hidden_in(part))


def _hidden_in(part: IO[bytes]) -> Iterator[int]:
    number, rest = 0, b""
    while piece := part.read(BLOCK):
        text = rest + piece
        whole = max(0, text.rfind(b"<"))
        text, rest = text[:whole], text[whole:]  # a tag may go on in the next piece
        for row in ROW_TAG.finditer(text):
            given = ROW_NUMBER.search(row[1])
            number = int(given[1]) if given else number + 1
            if HIDDEN.search(row[1]):
                yield number


def _solved(sheet: Any, written: Any) -> Iterator[list[str]]:
    """The rows, with the formulas that have no result: programs that are no spreadsheet save them so.

    Where such a cell is read it is refused, and the text says why; in another column it does not matter.
    """
    for results, formulas in zip(sheet.iter_rows(), written.iter_rows(), strict=False):
        yield [_result(cell, formula) for cell, formula in zip(results, formulas, strict=False)]


def _result(cell: Any, formula: Any) -> str:
    if (
        formula.data_type == "f" and cell.value is None and cell.data_type == "n"
    ):  # an empty text is of type "str"
        return f"{formula.value} (saved without its result: open the workbook in a spreadsheet, and save it there)"
    return _text(cell.value, cell.number_format or "")


def _text(value: object, number_format: str) -> str:
    """The text of a cell. A number that a spreadsheet has rounded is shown as rounded, so that it is refused as an id."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | float():
            return _number(value)
        case datetime():
            day_only = value.time() == time() and "h" not in number_format.lower()
            return value.date().isoformat() if day_only else value.replace(microsecond=0).isoformat()
        case _:
            return str(value)


def _number(value: float) -> str:
    if abs(value) >= 10**EXACT_DIGITS:
        return f"{value:.14E}"
    return str(int(value)) if value == int(value) else repr(value)
