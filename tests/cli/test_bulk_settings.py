"""What a command line says reaches the library: each option of a run, from each command that sends updates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from attrs import define, field

from gong_tasks_async import BulkReport, GongTasksClient
from gong_tasks_async.cli.bulk import job_run, run_progress
from gong_tasks_async.cli.bulk.run_progress import CallMeter
from tests.cli.company import Company, journals

OPTIONS = ("--workers", "3", "--wait-for-day", "--accept-refusals", "--outage-timeout", "7")
SETTINGS = {"workers": 3, "wait_for_day": True, "accept_refusals": True, "outage_timeout": 7.0}
DEFAULTS = {"workers": 8, "wait_for_day": False, "accept_refusals": False, "outage_timeout": 300.0}


@define
class Calls:
    """What the client was asked for, instead of doing it."""

    made: list[dict[str, Any]] = field(factory=list)
    sleeps: list[bool] = field(factory=list)

    @property
    def settings(self) -> dict[str, Any]:
        (call,) = self.made
        return {name: call[name] for name in SETTINGS}


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Calls]:
    """Takes the place of the client's bulk methods, once what they are to be called for is there."""

    def begun() -> Calls:
        calls = Calls()

        async def recorded(_: GongTasksClient, what: object, **settings: Any) -> BulkReport:
            calls.made.append({"what": what, **settings})
            return BulkReport(updated=1)

        def meter(*, sleeps: bool = False) -> CallMeter:
            calls.sleeps.append(sleeps)
            return CallMeter(sleeps=sleeps)

        monkeypatch.setattr(GongTasksClient, "update_many", recorded)
        monkeypatch.setattr(GongTasksClient, "resume_many", recorded)
        monkeypatch.setattr(job_run, "CallMeter", meter)
        monkeypatch.setattr(run_progress, "CallMeter", meter)
        return calls

    return begun


def unfinished(company: Company) -> None:
    company.configure(access_key="WRONG")
    assert company.invoke("bulk", "run", company.rows(5), "--yes", "--no-guard", "--name", "j").exit_code == 3
    company.configure()


def run_arguments(company: Company) -> tuple[str, ...]:
    return ("run", company.rows(5), "--no-journal")


def resume_arguments(company: Company) -> tuple[str, ...]:
    unfinished(company)
    return ("resume", "j")


def retry_arguments(company: Company) -> tuple[str, ...]:
    path = company.write("a.csv", "id,user,status\n1,5,DONE\n")
    assert company.invoke("bulk", "run", path, "--yes", "--name", "j").exit_code == 1
    return ("retry", "j")


def undo_arguments(company: Company) -> tuple[str, ...]:
    assert company.invoke("bulk", "run", company.rows(5), "--yes", "--guard", "--name", "j").exit_code == 0
    return ("undo", "j")


PREPARED = [run_arguments, resume_arguments, retry_arguments, undo_arguments]


@pytest.mark.parametrize("prepared", PREPARED)
@pytest.mark.parametrize(("options", "settings"), [(OPTIONS, SETTINGS), ((), DEFAULTS)])
def test_each_option_of_a_run_reaches_the_client(
    prepared: Callable[[Company], tuple[str, ...]],
    options: tuple[str, ...],
    settings: dict[str, Any],
    company: Company,
    listen: Callable[[], Calls],
) -> None:
    arguments = prepared(company)
    calls = listen()
    company.invoke("bulk", *arguments, "--yes", *options)
    assert calls.settings == settings
    assert calls.sleeps == [settings["wait_for_day"]]


@pytest.mark.parametrize(
    ("options", "guard"),
    [(("--guard",), True), (("--no-guard",), False), ((), False), (("--guard", "--again"), False)],
)
def test_the_guard_of_a_new_job(
    options: tuple[str, ...], guard: bool, company: Company, listen: Callable[[], Calls]
) -> None:
    calls = listen()
    company.invoke("bulk", "run", company.rows(1), "--yes", "--name", "j", *options)
    (call,) = calls.made
    assert (call["guard"], call["journal"].stem) == (guard, "j")
    assert (call["what"].calls, call["origin"]["file"]) == (1, "close")
    assert call["origin"]["line"]


@pytest.mark.parametrize(("options", "guard"), [((), True), (("--no-guard",), False), (("--again",), False)])
def test_the_guard_of_a_selection_which_is_listed_anyway(
    options: tuple[str, ...], guard: bool, company: Company, listen: Callable[[], Calls]
) -> None:
    calls = listen()
    company.invoke("bulk", "run", "--all-users", "--set-status", "DONE", "--yes", *options)
    assert calls.made[0]["guard"] is guard


@pytest.mark.parametrize(("options", "sent"), [(("--skip-unchanged",), 2), ((), 3)])
def test_unchanged_tasks_are_skipped_where_that_is_asked_for(
    options: tuple[str, ...], sent: int, company: Company, listen: Callable[[], Calls]
) -> None:
    calls = listen()
    path = company.rows(3)
    next(iter(company.engine.tasks.values()))["status"] = "DONE"
    company.invoke("bulk", "run", path, "--yes", "--no-guard", *options)
    assert calls.made[0]["what"].calls == sent


@pytest.mark.parametrize(("options", "guard"), [(("--guard",), True), (("--no-guard",), False), ((), None)])
def test_the_guard_of_a_resumed_job(
    options: tuple[str, ...], guard: bool | None, company: Company, listen: Callable[[], Calls]
) -> None:
    arguments = resume_arguments(company)
    calls = listen()
    company.invoke("bulk", *arguments, *options)
    (call,) = calls.made
    assert (call["what"], call["guard"], call["skip_unchanged"]) == (journals(company)[0], guard, False)


def test_a_retry_looks_first(company: Company, listen: Callable[[], Calls]) -> None:
    arguments = retry_arguments(company)
    calls = listen()
    company.invoke("bulk", *arguments, "--yes")
    assert calls.made[0]["skip_unchanged"] is True


def test_an_undo_is_guarded(company: Company, listen: Callable[[], Calls]) -> None:
    arguments = undo_arguments(company)
    calls = listen()
    company.invoke("bulk", *arguments, "--yes")
    assert calls.made[0]["guard"] is True


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        (("--set-priority", "LOW"), {"priority": "LOW"}),
        (("--set-status", "DONE"), {"status": "DONE"}),
        (("--move-due", "+12h"), {"moved": timedelta(hours=12)}),
        (("--move-due", "-1w"), {"moved": timedelta(days=-7)}),
    ],
)
def test_each_change_of_a_selection_reaches_the_client(
    options: tuple[str, ...], changes: dict[str, Any], company: Company, listen: Callable[[], Calls]
) -> None:
    calls = listen()
    company.invoke("bulk", "run", "--all-users", "--yes", *options)
    plan = calls.made[0]["what"]
    assert plan.calls > 5
    for update in plan.updates:
        before = plan.looked[update.task_id]
        found = {
            "priority": update.priority,
            "status": update.status,
            "moved": update.due_date and update.due_date - before.due_date,
        }
        assert {name: value for name, value in found.items() if value is not None} == changes
