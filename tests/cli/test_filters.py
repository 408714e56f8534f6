"""The options that filter tasks, the same for every command: each leaves exactly the tasks that it names."""

from __future__ import annotations

import shlex
from datetime import UTC, date, datetime
from typing import Any

import click
import pytest

from gong_tasks_async.cli.input.dates import read_date
from gong_tasks_async.cli.input.filters import NAMES, TaskQuery, filter_options
from gong_tasks_async.models import Account, Flow, Priority, Task, TaskStatus, TaskType
from tests.cli.company import Company

TASK = Task(
    id=7,
    user_id="1",
    status=TaskStatus.OPEN,
    type=TaskType.FLOW,
    due_date=datetime(2026, 3, 2, 17, tzinfo=UTC),
    title="Call: Größe klären",
    account=Account(crm_id="001X", name="Acme"),
    flow=Flow(id=42, name="Renewals"),
    priority=Priority(id=1, name="high", weight=1),
)
BARE = Task(id=8, user_id="1")


def query(*arguments: str) -> TaskQuery:
    caught: list[TaskQuery] = []

    @click.command()
    @filter_options
    def command(query: TaskQuery) -> None:
        caught.append(query)

    command.main(list(arguments), standalone_mode=False)
    return caught[0]


class TestConditions:
    @pytest.mark.parametrize(
        ("line", "meant"),
        [
            ("--flow renewals", True), ("--flow 42", True), ("--flow Renewal", False),
            ("--account ACME", True), ("--account 001X", True), ("--account 001x", False),
            ("--title größe", True), ("--title kla\u0308ren", True), ("--title call*", True), ("--title gro*", False),
            ("--priority HIGH", True), ("--priority low", False),
            ("--due 2026-03-02 --zone UTC", True), ("--due 2026-03-01 --zone UTC", False),
            ("--due 2026-03-03 --zone Pacific/Kiritimati", True),
            ("--due-before 2026-03-03 --zone UTC", True), ("--due-before 2026-03-02 --zone UTC", False),
            ("--due-before 2026-03-02T17:00Z", False), ("--due-before 2026-03-02T17:01Z", True),
            ("--due-after 2026-03-01 --zone UTC", True), ("--due-after 2026-03-02 --zone UTC", False),
            ("--due-after 2026-03-02T16:59Z", True),
            ("--due-before 03.03.2026 --date-format %d.%m.%Y --zone UTC", True),
            ("--flow renewals --priority low", False),
        ],
    )  # fmt: skip
    def test_of_each_option(self, line: str, meant: bool) -> None:
        condition = query(*line.split()).condition()
        assert condition(TASK) is meant
        assert not condition(BARE)

    def test_without_options_every_task_is_meant(self) -> None:
        plain = query()
        assert plain.condition()(TASK)
        assert plain.condition()(BARE)
        assert not plain.filters_tasks

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--status", "DONE"), ("--type", "FLOW"), ("--due", "today"), ("--due-before", "today"), ("--due-after", "today"),
            ("--priority", "x"), ("--flow", "x"), ("--account", "x"), ("--title", "x"), ("--workspace", "1"),
        ],
    )  # fmt: skip
    def test_each_option_but_those_of_dates_filters(self, arguments: tuple[str, str]) -> None:
        assert query(*arguments).filters_tasks
        assert len(NAMES) == 12  # those ten, --zone, --date-format

    def test_a_listing_filters_what_gong_can(self) -> None:
        filters = query("--status", "done", "--type", "manual", "--workspace", "9").filters(["1", "2"])
        assert [each.user_id for each in filters] == ["1", "2"]
        first = filters[0]
        assert (first.workspace_id, tuple(first.statuses), tuple(first.types)) == (
            "9",
            (TaskStatus.DONE,),
            (TaskType.MANUAL,),
        )

    def test_statuses_and_types_can_be_given_more_than_once(self) -> None:
        given = query("--status", "done", "--status", "OPEN", "--type", "manual", "--type", "flow")
        assert given.statuses == (TaskStatus.DONE, TaskStatus.OPEN)
        assert given.types == (TaskType.MANUAL, TaskType.FLOW)


class TestUnknownFlow:
    @pytest.mark.parametrize(("flows", "more"), [(12, ""), (13, ", and 1 more"), (40, ", and 28 more")])
    def test_names_twelve_flows_and_counts_the_others(self, flows: int, more: str) -> None:
        names = [f"Flow {number:02}" for number in range(flows)]
        tasks = [Task(id=n + 1, user_id="1", flow=Flow(id=n, name=name)) for n, name in enumerate(names)]
        hint = query("--flow", "zzz").hint(tasks)
        assert hint == f"No task is of a flow 'zzz'. The flows are: {', '.join(names[:12])}{more}."

    def test_names_the_three_nearest_before_the_others(self) -> None:
        names = ["Alpha", "Renewal a", "Renewal b", "Renewal c", "Renewal d"]
        tasks = [Task(id=n, user_id="1", flow=Flow(id=n, name=name)) for n, name in enumerate(names, 1)]
        hint = query("--flow", "Renewal x").hint(tasks)
        assert hint is not None
        shown = hint.partition("are: ")[2].removesuffix(".").split(", ")
        assert sorted(shown) == names
        assert shown[3] == "Alpha"
        assert shown[4] in names

    def test_names_the_flows_that_there_are_the_nearest_first(self) -> None:
        tasks = [
            Task(id=n, user_id="1", flow=Flow(id=n, name=name))
            for n, name in enumerate(["B", "A", "Renewals"], 1)
        ]
        hint = query("--flow", "Renewal").hint(tasks)
        assert hint == "No task is of a flow 'Renewal'. The flows are: Renewals, A, B."

    def test_is_silent_where_a_task_has_it_or_none_was_asked_for(self) -> None:
        assert query("--flow", "Renewals").hint([TASK]) is None
        assert query().hint([BARE]) is None

    def test_says_so_where_no_task_has_any(self) -> None:
        assert query("--flow", "x").hint([BARE]) == "No task is of a flow 'x', nor of any other."

    def test_is_a_note_of_a_selection(self, company: Company) -> None:
        result = company.invoke(
            "bulk", "run", "--all-users", "--flow", "none", "--set-status", "DONE", "--yes"
        )
        assert (result.exit_code, company.changes) == (0, [])
        assert "The flows are: " in result.stderr


class TestUsers:
    @pytest.fixture
    def named(self, company: Company) -> Company:
        one, two = company.engine.people[:2]
        one.update(firstName="Ána", lastName="Sousa", active=True, emailAddress="ana@example.com")
        two.update(
            firstName="Ana Maria", lastName="Sousa Lima", active=True, emailAddress="maria@example.com"
        )
        return company

    @pytest.mark.parametrize("name", ["ána sousa", "A\u0301na  Sousa", "ana@example.com"])
    def test_are_meant_by_name_or_address(self, name: str, named: Company) -> None:
        line: tuple[Any, ...] = ("bulk", "run", "--user", name, "--set-status", "DISMISSED", "--yes")
        assert named.invoke(*line).exit_code == 0
        assert "OPEN" not in named.statuses(10)
        assert "OPEN" in named.statuses(20)[10:]

    def test_a_part_of_a_name_is_enough_where_one_user_has_it(self, named: Company) -> None:
        line = ("bulk", "plan", "--set-status", "DONE", "--user")
        assert named.invoke(*line, "maria").exit_code == 0
        several = named.invoke(*line, "sousa")
        assert (several.exit_code, "2 users are called 'sousa'" in several.stderr) == (2, True)
        assert "maria@example.com" in several.stderr
        none = named.invoke(*line, "nobody", "--user", "x@y.z")
        assert (
            none.exit_code,
            "no user has the address x@y.z; no user is called 'nobody'" in none.stderr,
        ) == (2, True)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("01.12.2026", "--date-format %d.%m.%Y"),
        ("1.12.26", "--date-format %d.%m.%y"),
        ("13/01/2026", "--date-format %d/%m/%Y"),
        ("01/13/2026", "--date-format %m/%d/%Y"),
        ("12/01/2026", "--date-format %d/%m/%Y or --date-format %m/%d/%Y"),
        ("01.12.2026 17:30", "--date-format '%d.%m.%Y %H:%M'"),
        ("01.12.2026 17:30:15", "--date-format '%d.%m.%Y %H:%M:%S'"),
    ],
)
def test_a_date_of_another_country_is_answered_with_the_option_that_reads_it(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match="is no date") as caught:
        read_date(text)
    assert str(caught.value).endswith(f"; for dates such as {text} add {advice}")
    if " or " not in advice:
        assert isinstance(read_date(text, shlex.split(advice)[1]), date | datetime)
