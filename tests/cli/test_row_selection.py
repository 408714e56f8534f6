"""Which rows and columns are written, asked of the selection itself: nothing is lost, invented or out of order."""

from __future__ import annotations

import click
import pytest
from attrs import frozen
from click.testing import CliRunner

from gong_tasks_async.cli.input.row_selection import RowSelection, selection_options
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.tables import GAP, fitted


@frozen
class Pet:
    name: str
    age: str | None = None


COLUMNS = [Column[Pet]("petName", lambda pet: pet.name), Column[Pet]("age", lambda pet: pet.age)]
LAYOUT = Layout[Pet](
    what="pets", to_json=lambda pet: {"whole": pet.name}, csv=[*COLUMNS, Column("dueDate", lambda _: "")], table=COLUMNS[:1]
)  # fmt: skip


def ages(sort: str, *given: str | None, limit: int | None = None) -> list[str | None]:
    return [pet.age for pet in RowSelection(sort, limit).rows(LAYOUT, [Pet("x", age) for age in given])]


class TestRows:
    def test_numbers_are_sorted_by_their_value_and_come_before_words(self) -> None:
        mixed = ("beta", "10", "0", "Alpha", "9", "007")
        assert ages("age", *mixed) == ["0", "007", "9", "10", "Alpha", "beta"]
        assert ages("-age", *mixed) == ["beta", "Alpha", "10", "9", "007", "0"]

    @pytest.mark.parametrize("sort", ["age", "-age"])
    def test_rows_without_a_value_are_kept_and_come_last(self, sort: str) -> None:
        assert ages(sort, None, "3", "", "3") == ["3", "3", None, ""]

    def test_equal_rows_keep_their_order(self) -> None:
        pets = [Pet("b", "3"), Pet("a", "3"), Pet("c", "1"), Pet("B", "3")]
        assert [pet.name for pet in RowSelection("age").rows(LAYOUT, pets)] == ["c", "b", "a", "B"]
        assert [pet.name for pet in RowSelection("-age").rows(LAYOUT, pets)] == ["b", "a", "B", "c"]
        assert [pet.name for pet in RowSelection().rows(LAYOUT, pets)] == ["b", "a", "c", "B"]

    @pytest.mark.parametrize(("limit", "kept"), [(1, 1), (2, 2), (3, 3), (4, 3), (None, 3)])
    def test_the_limit_is_of_the_sorted_rows(self, limit: int | None, kept: int) -> None:
        assert ages("age", "3", "1", "2", limit=limit) == ["1", "2", "3"][:kept]

    def test_only_what_needs_all_rows_waits_for_them(self) -> None:
        waits = [RowSelection(sort="age"), RowSelection(count=True)]
        assert [each.waits_for_all for each in waits] == [True, True]
        assert not RowSelection(limit=3, fields=("age",)).waits_for_all


class TestColumns:
    def test_each_format_has_the_fields_asked_for_in_their_order_and_with_their_values(self) -> None:
        chosen = RowSelection(fields=("age", "petName")).layout(LAYOUT)
        assert chosen.what == "pets"
        for columns in (chosen.csv, chosen.table):
            assert [(column.title, column.cell(Pet("Rex", "3"))) for column in columns] == [
                ("age", "3"),
                ("petName", "Rex"),
            ]
        assert list(chosen.to_json(Pet("Rex", "3")).items()) == [("age", "3"), ("petName", "Rex")]

    @pytest.mark.parametrize("age", [None, ""])
    def test_what_has_no_value_is_null_in_json(self, age: str | None) -> None:
        assert RowSelection(fields=("age",)).layout(LAYOUT).to_json(Pet("Rex", age)) == {"age": None}

    def test_none_asked_for_leaves_the_layout_as_it_is(self) -> None:
        assert RowSelection(sort="age", limit=1).layout(LAYOUT) is LAYOUT

    @pytest.mark.parametrize(("room", "width"), [(7, 0), (8, 8), (9, 9), (40, 20)])
    def test_in_a_table_a_field_is_cut_to_eight_characters_before_it_is_left_out(
        self, room: int, width: int
    ) -> None:
        table = RowSelection(fields=("age", "petName")).layout(LAYOUT).table
        assert fitted(table, [["3", "x" * 20]], len("age") + GAP + room) == [3, width]


class TestOptions:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("", RowSelection()),
            ("--sort AGE --limit 1 --count", RowSelection("age", 1, (), count=True)),
            ("--sort -petname", RowSelection("-petName")),
            ("--sort due", RowSelection("dueDate")),
            ("--fields due,,PETNAME, --fields age", RowSelection(fields=("age",))),
            ("--fields due,,PETNAME,dueDate", RowSelection(fields=("dueDate", "petName"))),
        ],
    )
    def test_fields_are_named_in_any_case_and_once(self, line: str, expected: RowSelection) -> None:
        assert (_selection(line), _errors(line)) == (expected, "")

    @pytest.mark.parametrize(
        ("line", "error"),
        [
            ("--sort petNmae", "there is no field 'petNmae'; did you mean petName?"),
            ("--fields age,colour", "there is no field 'colour'; there are petName, age, dueDate"),
            ("--limit 0", "0 is not in the range"),
        ],
    )
    def test_what_is_wrong_is_refused_with_the_fields_there_are(self, line: str, error: str) -> None:
        assert error in " ".join(_errors(line).split())

    def test_the_command_s_own_options_reach_it(self) -> None:
        found: list[tuple[str, RowSelection]] = []

        @click.command()
        @click.option("--own")
        @selection_options(LAYOUT)
        def pets(own: str, selection: RowSelection) -> None:
            found.append((own, selection))

        CliRunner().invoke(pets, ["--own", "x", "--limit", "2"])
        assert found == [("x", RowSelection(limit=2))]


def _run(line: str, found: list[RowSelection]) -> str:
    @click.command()
    @selection_options(LAYOUT)
    def pets(selection: RowSelection) -> None:
        found.append(selection)

    return CliRunner().invoke(pets, line.split()).output


def _selection(line: str) -> RowSelection:
    found = list[RowSelection]()
    _run(line, found)
    return found[0]


def _errors(line: str) -> str:
    return _run(line, [])
