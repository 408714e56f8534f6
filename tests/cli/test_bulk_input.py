"""What people give to `gong-tasks bulk`: tables of every make are read, and read back as they were written."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from gong_tasks_async.bulk.dates import Clock
from gong_tasks_async.cli.input.cells import NO_VALUES, are_rounded
from gong_tasks_async.cli.input.columns import SPELLINGS, Column, column_of
from gong_tasks_async.cli.input.filters import TaskQuery
from gong_tasks_async.cli.input.rows import ParsedRow
from gong_tasks_async.models import TaskStatus, TaskUpdate
from gong_tasks_async.models.checks import INT64_MAX
from tests.cli.bulk_tables import DIGITS, HEAD, read, updates


class TestEveryMakeOfTable:
    WANTED = TaskUpdate(DIGITS, "2", TaskStatus.DONE)

    @pytest.mark.parametrize(
        "text",
        [
            f"taskId,userId,status\n{DIGITS},2,DONE\n",
            f"task_id;user_id;status\r\n{DIGITS};2;done\r\n",
            f"Task ID\tUser\tSTATUS\n{DIGITS}\t 2 \tDone",
            f"\n\nID , Owner,Status\r\r{DIGITS},2,DONE\r",
            f'sep=;\n"TASK-ID";"user";"status"\n"{DIGITS}";"2";"DONE"\n',
            f'status,taskId,userId,title,flow\nDONE,\'{DIGITS},="2","Call, please",x\n',
            f"taskId,userId,status,state,attempts,requestId,error,settledAt\n{DIGITS},2,DONE,failed,1,r,no,x\n",
            f'{{"taskId": {DIGITS}, "userId": 2, "status": "DONE", "dueDate": null}}',
            f'\n{{"id": "{DIGITS}", "user": "2", "status": "done", "actions": ["CALL"]}}\r\n\n',
            f'[{{"task_id": {DIGITS}, "user_id": "2", "status": "DONE", "due_date": ""}}]',
        ],
    )
    def test_is_read_the_same(self, text: str) -> None:
        assert updates(text) == [self.WANTED]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
    def test_is_read_in_every_marked_encoding(self, encoding: str) -> None:
        text = "taskId,userId,priority\n1,2,größer\n"
        assert updates(text.encode(encoding)) == [TaskUpdate(1, "2", priority="größer")]

    @pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le"])
    def test_is_read_in_an_encoding_that_is_named(self, encoding: str) -> None:
        text = "taskId,userId,priority\n1,2,größer\n"
        assert updates(text.encode(encoding), encoding=encoding) == [TaskUpdate(1, "2", priority="größer")]

    def test_unknown_columns_are_left_unread_where_that_is_said(self) -> None:
        assert updates("taskId,userId,status,colour\n1,2,DONE,red\n", skip_unknown=True)

    def test_a_zone_is_for_dates_that_have_none(self) -> None:
        text = "taskId,userId,due\n1,2,2026-07-01\n2,2,2026-07-01T08:00\n3,2,2026-07-01T08:00Z\n"
        due = [
            update.due_date and update.due_date.isoformat()
            for update in updates(text, query=TaskQuery(clock=Clock.now_in(ZoneInfo("Europe/Berlin"))))
        ]
        assert due == ["2026-07-01T12:00:00+02:00", "2026-07-01T08:00:00+02:00", "2026-07-01T08:00:00+00:00"]

    def test_the_command_line_may_say_what_is_to_change(self) -> None:
        parsed_input = read("taskId,userId,status,dueDate\n1,2,OPEN,whenever\n", status=TaskStatus.DONE)
        assert parsed_input.problems == ()
        assert parsed_input.rows[0].update("2") == TaskUpdate(1, "2", TaskStatus.DONE)
        assert parsed_input.unread == (Column.STATUS, Column.DUE_DATE)

    def test_ids_alone_are_enough_then(self) -> None:
        due = datetime(2026, 7, 1, tzinfo=UTC)
        assert updates("id,user\n1,2\n", due=due) == [TaskUpdate(1, "2", due_date=due)]

    def test_a_few_round_ids_are_chance(self) -> None:
        assert not are_rounded(["1000000000000000", "9067931441193850000"])
        assert not are_rounded(["9067931441193850000", "9067931441193860000", str(DIGITS)])
        assert are_rounded(["9067931441193850000", "9067931441193860000", "17"])

    def test_ids_that_were_doubles_are_no_chance(self) -> None:
        rounded = [f"{number}00" for number in range(90679314411938584, 90679314411938588)]
        assert are_rounded(rounded)
        assert not are_rounded(rounded[:3])
        assert not are_rounded([*rounded, str(DIGITS)])

    def test_blank_fields_at_the_end_of_a_row_are_no_fields(self) -> None:
        assert updates(f"{HEAD}1,2,DONE,,\n") == updates(f"{HEAD}1,2,DONE\n")


class TestOtherExports:
    def test_unknown_columns_are_left_unread_and_named(self) -> None:
        parsed_input = read("taskId,userId,status,colour,,snoozedUntil\n1,2,DONE,red,,x\n")
        assert (parsed_input.problems, parsed_input.unknown) == ((), ("colour", "snoozedUntil"))

    @pytest.mark.parametrize("indent", [None, 2])
    def test_json_may_stand_over_several_lines(self, indent: int | None) -> None:
        rows = [{"taskId": str(number), "userId": "2", "status": "DONE"} for number in (1, 2)]
        text = "\n".join(json.dumps(row, indent=indent) for row in rows)
        assert [update.task_id for update in updates(text)] == [1, 2]
        assert updates(text.replace("\n{", "{")) == updates(text)  # no line break between them
        assert [row.place for row in read(text).rows] == ["line 1", "line 6" if indent else "line 2"]

    def test_after_broken_json_the_next_object_is_read(self) -> None:
        parsed_input = read(
            '{"taskId": 1,\n "userId": "2" "status": "DONE"}\n{"taskId": 3, "userId": "2", "status": "DONE"}'
        )
        assert [row.task_id for row in parsed_input.rows] == [3]
        (problem,) = parsed_input.problems
        assert problem.place == "line 1"
        assert "1 line below" in problem.reason

    def test_a_priority_is_read_as_gong_answers_it(self) -> None:
        row = {"id": 1, "userId": "2", "priority": {"id": 7, "name": "high", "weight": 1}}
        (update,) = updates(json.dumps(row))
        assert (update.priority or "").casefold() == "high"


LISTED = "OPEN|2026-03-02T17:00:00+01:00|high"


class TestEditedListings:
    HEAD = "taskId,userId,status,dueDate,priority,asListed\n"

    @pytest.mark.parametrize(
        ("cells", "change"),
        [
            ("OPEN,2026-03-02T17:00:00+01:00,high", None),
            ("open,2026-03-02T16:00:00Z,HIGH", None),
            (",,", None),
            ("DONE,2026-03-02T17:00:00+01:00,high", {"status": TaskStatus.DONE}),
            ("OPEN,2026-03-03T17:00:00+01:00,high", {"due_date": datetime(2026, 3, 3, 16, tzinfo=UTC)}),
            ("OPEN,2026-03-02T17:00:00+01:00,LOW", {"priority": "LOW"}),
        ],
    )
    def test_only_edited_cells_are_changes(self, cells: str, change: dict[str, Any] | None) -> None:
        parsed_input = read(f"{self.HEAD}1,2,{cells},{LISTED}\n")
        found = [row.update("2") for row in parsed_input.rows]
        assert found == ([] if change is None else [TaskUpdate(1, "2", **change)])
        assert parsed_input.unedited == (change is None)

    @pytest.mark.parametrize("listed", ["", "OPEN", "a|b"])
    def test_without_what_was_listed_every_cell_is_a_change(self, listed: str) -> None:
        assert updates(f"{self.HEAD}1,2,OPEN,,,{listed}\n") == [TaskUpdate(1, "2", TaskStatus.OPEN)]

    def test_a_change_of_all_rows_takes_unedited_ones_too(self) -> None:
        row = f"{self.HEAD}1,2,OPEN,2026-03-02T17:00:00+01:00,high,{LISTED}\n"
        assert updates(row, status=TaskStatus.DONE) == [TaskUpdate(1, "2", TaskStatus.DONE)]


due_dates = st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)).flatmap(  # noqa: DTZ001 - a zone comes next
    lambda moment: st.integers(-14 * 60, 14 * 60).map(
        lambda minutes: moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    )
)
words = st.text(
    st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="<#"), min_size=1
).filter(lambda text: text.strip() == text and text.isprintable() and text.casefold() not in NO_VALUES)
wanted = st.builds(
    TaskUpdate,
    st.integers(1, INT64_MAX),
    st.integers(0, 10**20 - 1).map(str),
    st.sampled_from(TaskStatus),
    st.none() | due_dates,
    st.none() | words,
)
tables = st.lists(wanted, min_size=1, max_size=5).filter(
    lambda rows: (
        not are_rounded([str(row.task_id) for row in rows]) and not are_rounded([row.user_id for row in rows])
    )
)
spellings = st.fixed_dictionaries(
    {
        column: st.sampled_from([name for name, found in SPELLINGS.items() if found is column])
        for column in Column
        if column is not Column.AS_LISTED
    }
).map(lambda names: [names[column] for column in Column if column in names])


def cells(update: TaskUpdate) -> list[str]:
    due = update.due_date.isoformat() if update.due_date else ""
    return [str(update.task_id), update.user_id, str(update.status), due, update.priority or ""]


def read_or_reasons(data: bytes) -> tuple[tuple[ParsedRow, ...], list[str]]:
    try:
        parsed_input = read(data)
    except ValueError as error:
        return (), [str(error)]
    return parsed_input.rows, [problem.reason for problem in parsed_input.problems]


class TestWhatIsWrittenIsReadBack:
    @given(
        tables, spellings, st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]),
        st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    )  # fmt: skip
    def test_csv(
        self,
        rows: list[TaskUpdate],
        names: list[str],
        delimiter: str,
        ending: str,
        encoding: str,
        quoting: Any,
    ) -> None:
        file = io.StringIO(newline="")
        writer = csv.writer(file, delimiter=delimiter, lineterminator=ending, quoting=quoting)
        writer.writerow(names)
        writer.writerows(map(cells, rows))
        assert updates(file.getvalue().encode(encoding)) == rows

    @given(tables, spellings, st.booleans(), st.booleans(), st.booleans())
    def test_json(
        self, rows: list[TaskUpdate], names: list[str], as_array: bool, ascii_only: bool, numbers: bool
    ) -> None:
        items = [dict(zip(names, cells(row), strict=True)) for row in rows]
        for item, row in zip(items, rows, strict=True):
            item.update({names[0]: row.task_id} if numbers else {})  # type: ignore[dict-item]  # either spelling is allowed
        if as_array:
            text = json.dumps(items, ensure_ascii=ascii_only, indent=1)
        else:
            text = "\n".join(json.dumps(item, ensure_ascii=ascii_only) for item in items)
        assert updates(text) == rows

    @given(st.binary() | st.text().map(str.encode) | st.text().map(lambda text: f"{HEAD}{text}".encode()))
    def test_anything_else_is_refused_in_words(self, data: bytes) -> None:
        parsed_input, reasons = read_or_reasons(data)
        assert all(reasons)
        assert reasons or parsed_input

    @given(st.sampled_from(list(SPELLINGS)), st.sampled_from([str.upper, str.title, str.lower]))
    def test_names_are_known_in_every_case(self, name: str, spelled: Any) -> None:
        assert column_of(f" {spelled(name)} ") is SPELLINGS[name]
