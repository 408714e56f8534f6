"""What is written: for programs exactly, for people as wide as their terminal."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from rich.cells import cell_len

from gong_tasks_async import Task
from gong_tasks_async.bulk.render.formulas import escape_formula
from gong_tasks_async.cli.output.formats import Output, OutputFormat
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.listing import (
    PRECISE,
    Listing,
    json_line,
    with_ids_as_text,
)
from gong_tasks_async.cli.output.screen import Screen
from gong_tasks_async.cli.output.tables import GAP, fitted
from gong_tasks_async.cli.output.task_rows import TASKS, OwnedTask

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.sampled_from(["id", "userId", "name", "x"]), parts),
    max_leaves=6,
)


class TestJson:
    def test_ids_are_text_and_other_numbers_are_not(self) -> None:
        value: dict[str, Any] = {
            "id": 7,
            "flow": {"id": 9067931441193858457, "step": {"stepNumber": 3}},
            "crmId": "x",
            "big": 2**60,
        }
        assert json.loads(json_line(value)) == {
            "id": "7",
            "flow": {"id": "9067931441193858457", "step": {"stepNumber": 3}},
            "crmId": "x",
            "big": str(2**60),
        }

    @given(st.dictionaries(st.sampled_from(["id", "é", "\n"]), JSON))
    @settings(max_examples=50)
    def test_one_line_that_no_program_reads_wrongly(self, value: dict[str, Any]) -> None:
        line = json_line(value)
        # As JavaScript reads numbers: https://262.ecma-international.org/#sec-ecmascript-language-types-number-type
        read = json.loads(line, parse_int=lambda digits: int(float(digits)))
        assert "\n" not in line
        assert read == json.loads(json.dumps(with_ids_as_text(value)))
        assert all(abs(number) <= PRECISE for number in numbers_in(read))


def numbers_in(value: Any) -> list[int]:
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return [number for part in parts for number in numbers_in(part)]
    return [value] if isinstance(value, int) else []


class TestCsv:
    @pytest.mark.parametrize(
        ("text", "cell"),
        [
            *((text, f"'{text}") for text in ("=1+1", "+cmd", "-2+3", "@SUM(A1)", "\uff1d1", "\uff20x")),
            ("\t=1", "'\t'=1"),
            ("\rx", "'\rx"),
            ("Ann;=cmd|'/C calc'!A0;x", "Ann;'=cmd|'/C calc'!A0;x"),
            ("a|+1+1", "a|'+1+1"),
            ("a\t@x", "a\t'@x"),
            ("a\n=x", "a\n'=x"),
            ("5;-3;-x", "5;-3;'-x"),
            ('Ann;"=cmd"', 'Ann;\'"=cmd"'),
            ('a\n""=x', 'a\n\'""=x'),
        ],
    )
    def test_no_cell_is_a_formula(self, text: str, cell: str) -> None:
        assert escape_formula(text) == cell

    @given(st.text(alphabet="=+-@a1;|\t\n\uff1d "))
    def test_nor_is_a_part_of_one_behind_any_separator(self, text: str) -> None:
        for part in re.split(r"[;|\t\r\n]", escape_formula(text)):
            assert not part.startswith(tuple("=+-@\uff1d")) or re.fullmatch(r"[+-]?[0-9]+", part)

    @given(
        st.text(alphabet='=+-@a1,;|\t\n" '), st.sampled_from(",;\t"), st.sampled_from(",;|\t"), st.booleans()
    )
    def test_no_reader_with_another_separator_finds_a_formula(
        self, text: str, own: str, read: str, first: bool
    ) -> None:
        file = io.StringIO(newline="")
        cells = ["x", "1"] if first else ["1", "x"]
        writer = csv.writer(file, delimiter=own, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow([escape_formula(text, own) if cell == "x" else cell for cell in cells])
        found = csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=read)
        for cell in (cell for row in found for cell in row):
            number = re.match(r"""[+-]?[0-9]+("|$)""", cell)
            assert not cell.startswith(tuple("=+-@")) or number, (file.getvalue(), cell)

    @pytest.mark.parametrize("text", ["-1", "+49", "x=1", "", "7408596319731897791", "Ann,=x"])
    def test_other_cells_are_as_they_are(self, text: str) -> None:
        assert escape_formula(text) == text

    def test_line_breaks_and_quotes_come_back_whole(self, capsys: pytest.CaptureFixture[str]) -> None:
        task = Task(id=7, user_id="77", title='say "hi",\nthen =call')
        with Listing(TASKS, Output(OutputFormat.CSV)) as listing:
            listing.add([OwnedTask(task)])
        (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
        assert (row["taskId"], row["userId"], row["title"]) == ("7", "77", task.title)


class TestTables:
    def test_a_reader_that_has_left_is_the_command_s_to_judge(self) -> None:
        class Left(io.StringIO):
            def flush(self) -> None:
                raise BrokenPipeError

        with pytest.raises(BrokenPipeError):
            Screen(file=Left()).print("Task")

    @given(
        st.lists(
            st.tuples(st.lists(st.text(max_size=30), min_size=2, max_size=2), st.integers(0, 12)),
            min_size=1,
            max_size=7,
        ),
        st.integers(1, 120),
    )
    def test_a_table_is_never_wider_than_its_terminal(
        self, spelled: list[tuple[list[str], int]], room: int
    ) -> None:
        columns = [Column[str](title, str, least) for (title, _), least in spelled]
        widths = fitted(columns, [[cell for (_, cell), _ in spelled]], room)
        shown = [width for width in widths if width]
        first = widths[0]
        assert sum(shown) + GAP * (len(shown) - 1) <= max(room, first)
        for ((title, cell), least), width in zip(spelled, widths, strict=True):
            widest = max(cell_len(title), cell_len(cell))
            assert width == 0 or min(least or widest, widest) <= width <= widest

    def test_what_went_wrong_leaves_what_was_found(self, capsys: pytest.CaptureFixture[str]) -> None:
        layout = Layout[str](what="words", to_json=lambda _: {}, csv=(), table=[Column("Word", str)])

        def interrupted() -> None:
            with Listing(layout, Output(OutputFormat.TABLE)) as listing:
                listing.add(["first"])
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert capsys.readouterr().out.split() == ["Word", "first"]
