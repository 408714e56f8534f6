"""A listing as a workbook, edited there, and given back to `gong-tasks bulk`."""

from __future__ import annotations

import gc
import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from gong_tasks_async.cli.output import workbook
from gong_tasks_async.cli.output.task_rows import TASKS, OwnedTask
from gong_tasks_async.cli.output.workbook import MissingExcelError, Sheet, read_workbook, write_workbook
from gong_tasks_async.models import Priority, Task, TaskStatus, TaskUpdate
from tests.cli.bulk_tables import DIGITS, read, updates

DUE = datetime(2026, 3, 2, 23, 30, 15, 123_000, tzinfo=UTC)
TASK = Task(
    id=DIGITS,
    user_id="9067931441193858",
    status=TaskStatus.OPEN,
    title="=HYPERLINK(1)\x07",
    due_date=DUE,
    priority=Priority(id=1, name="high", weight=1),
)


def written(*tasks: Task) -> bytes:
    file = io.BytesIO()
    write_workbook(file, [Sheet.of("Tasks", TASKS, map(OwnedTask, tasks))])
    return file.getvalue()


def edited(data: bytes, edit: Callable[[Any, dict[str, int]], None]) -> bytes:
    """As a person does in a spreadsheet: ``edit`` gets the sheet, and the columns by their titles."""
    book = load_workbook(io.BytesIO(data))
    sheet: Any = book.worksheets[0]
    edit(sheet, {str(cell.value): cell.column or 0 for cell in sheet[1]})
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def sheet(*rows: list[object]) -> bytes:
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


class TestRoundTrip:
    def test_unedited_rows_change_nothing(self) -> None:
        parsed = read(written(TASK, TASK))
        assert (parsed.rows, parsed.problems, parsed.unedited) == ((), (), 2)

    def test_an_edited_status_is_the_only_change(self) -> None:
        def dismiss(sheet: Any, columns: dict[str, int]) -> None:
            sheet.cell(2, columns["status"]).value = "dismissed"

        assert updates(edited(written(TASK), dismiss)) == [
            TaskUpdate(DIGITS, TASK.user_id, TaskStatus.DISMISSED)
        ]

    def test_an_edited_date_is_one_of_this_machines_clock(self) -> None:
        def move(sheet: Any, columns: dict[str, int]) -> None:
            cell = sheet.cell(2, columns["dueDate"])
            assert isinstance(cell.value, datetime)
            cell.value = datetime(2026, 4, 1, 9)  # noqa: DTZ001 - as a spreadsheet has it

        (update,) = updates(edited(written(TASK), move))
        assert update.due_date == datetime(2026, 4, 1, 9).astimezone()
        assert update.status is update.priority is None

    def test_ids_are_text_and_nothing_is_a_formula(self) -> None:
        book = load_workbook(io.BytesIO(written(TASK)))
        cells = {title.value: cell for title, cell in zip(*book.worksheets[0].iter_rows(), strict=True)}
        assert (cells["taskId"].value, cells["taskId"].number_format) == (str(DIGITS), "@")
        assert (cells["title"].value, cells["title"].data_type) == ("=HYPERLINK(1)", "s")

    @pytest.mark.parametrize("year", [1, 1900, 9999])
    def test_dates_that_no_spreadsheet_knows_are_text(self, year: int) -> None:
        due = datetime(year, 6, 1, 12, tzinfo=UTC)
        assert read(written(Task(id=1, user_id="2", status=TaskStatus.OPEN, due_date=due))).unedited == 1


class TestOtherWorkbooks:
    def test_dates_numbers_and_blank_cells_of_a_sheet(self) -> None:
        data = sheet(
            [],
            ["Task ID", "Owner", "Due", "Status", "Notes", None],
            [17, 234599484848423, datetime(2026, 3, 2), "done", "x", None],  # noqa: DTZ001 - a day, as a spreadsheet has it
            [None, None, None, None, None, None],
            ["18", "234599484848423", None, "DONE"],
        )
        parsed = read(data)
        assert [(row.place, row.task_id) for row in parsed.rows] == [("row 3", 17), ("row 5", 18)]
        assert parsed.unknown == ("Notes",)
        due = parsed.rows[0].change.due_date
        assert due is not None
        assert (due.date().isoformat(), due.hour) in {("2026-03-02", 12), ("2026-03-02", 0)}

    @pytest.mark.parametrize("block", [workbook.BLOCK, 7])
    def test_rows_that_a_filter_hides_are_counted(self, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(workbook, "BLOCK", block)
        rows: list[list[object]] = [[str(task), "2", "DONE"] for task in range(1, 9)]
        data = sheet(["taskId", "userId", "status"], *rows)

        def filter_rows(sheet: Any, _: object) -> None:
            sheet.auto_filter.ref = "A1:C9"
            for row in (3, 4, 8, 20):
                sheet.row_dimensions[row].hidden = True
            sheet.row_dimensions[5].outlineLevel = 1
            sheet.column_dimensions["B"].hidden = True

        assert read(data).hidden == 0
        parsed = read(edited(data, filter_rows))
        assert (len(parsed.rows), parsed.hidden) == (8, 3)

    @pytest.mark.parametrize(
        "row",
        ['<row hidden="true">', "<x:row spans='1:3' hidden='1' r='2'>", '<row r="2" hidden="1" ht="0">'],
    )
    def test_hidden_rows_are_counted_however_a_program_writes_them(self, row: str) -> None:
        part = f'<sheetData><row r="1" hidden="false"><c/></row>{row}<c/></row><rowBreaks hidden="1"/></sheetData>'
        assert list(workbook._hidden_in(io.BytesIO(part.encode()))) == [2]

    def test_an_id_that_was_kept_as_a_number_has_lost_its_last_digits(self) -> None:
        (problem,) = read(sheet(["taskId", "userId", "status"], [DIGITS, "2", "DONE"])).problems
        assert "was shortened by a spreadsheet" in problem.reason

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"PK\x03\x04rest", "not a readable workbook"),
            (b"PK\x03\x04" + bytes(100_000), "not a readable workbook"),
            (sheet(), "it is empty"),
            (sheet(["taskId", "userId", "status"]), "has no rows below its header"),
            (sheet([DIGITS, "2", "DONE"]), "its first line has data"),
        ],
    )
    def test_what_is_no_table_is_refused(self, data: bytes, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            read(data)

    def test_another_zip_file_and_a_bomb_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as parts:
            parts.writestr("a.txt", "a")
        with pytest.raises(ValueError, match="another kind of zip file"):
            read(file.getvalue())
        monkeypatch.setattr(workbook, "MAX_UNPACKED", 100)
        with pytest.raises(ValueError, match="unpacked it would take"):
            read(written(TASK))

    def test_a_formula_without_its_result_is_named(self) -> None:
        formula = '=IF(1=1,"DONE","OPEN")'
        (problem,) = read(sheet(["taskId", "userId", "status"], ["17", "2", formula])).problems
        assert f"{formula} (saved without its result: open the workbook" in problem.reason
        rows = read(sheet(["taskId", "userId", "status", "note"], ["17", "2", "DONE", formula])).rows
        assert [row.task_id for row in rows] == [17]

    def test_a_formula_whose_result_is_an_empty_text_is_blank(self) -> None:
        data = sheet(["taskId", "userId", "status", "priority"], ["17", "2", "DONE", "=A1"])
        file = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as parts, zipfile.ZipFile(file, "w") as solved:
            for name in parts.namelist():
                part = parts.read(name)
                if name.endswith("sheet1.xml"):
                    assert b'<c r="D2"><f>A1</f><v' in part
                    part = part.replace(b'<c r="D2">', b'<c r="D2" t="str">')
                solved.writestr(name, part)
        (row,) = read(file.getvalue()).rows
        assert row.change.priority is None

    def test_more_rows_than_a_sheet_holds_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(workbook, "MOST_ROWS", 2)
        written(TASK)
        with pytest.raises(ValueError, match=r"a sheet holds 2 rows.*as csv or jsonl"):
            written(TASK, TASK)

    @pytest.mark.parametrize("fails", [0, 1])
    def test_a_disk_that_is_full_leaves_nothing_that_complains_later(self, fails: int) -> None:
        def rows() -> Iterator[list[str]]:
            yield ["1"]
            if not fails:
                raise OSError(28, "No space left on device")

        class Full(io.BytesIO):
            def write(self, _: Any, /) -> int:
                raise OSError(28, "No space left on device")

        with pytest.raises(OSError, match="No space left"):
            write_workbook(Full(), [Sheet("A", ["a"], rows()), Sheet("B", ["b"], [["2"]])])
        gc.collect()  # an exception of a finalizer fails a test

    def test_every_truncation_is_refused(self) -> None:
        data = written(TASK)
        for end in range(10, len(data), 97):
            with pytest.raises(ValueError, match="not a readable workbook"):
                list(read_workbook(data[:end]))

    def test_without_the_extra_it_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
        with pytest.raises(MissingExcelError, match=r"gong_tasks_async\[excel\]"):
            read(written_before)


written_before = written(TASK)
