"""Rows refused for one reason with no success between: the run's fault, until it is known to be theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from gong_tasks_async import (
    Failed,
    JournalError,
    Outcome,
    RefusedAlikeError,
    RowState,
    TaskNotFoundError,
    TaskUpdate,
    Updated,
    open_journal,
)
from gong_tasks_async.bulk.breaker import Breaker
from gong_tasks_async.errors import AccessDeniedError, BadRequestError
from tests.fakes import answer, task_answer
from tests.test_bulk import by_task, network_of, scripted, updates

pytestmark = pytest.mark.virtual


def refused(
    task_id: int, message: str = "no task 7", kind: Any = TaskNotFoundError, status: int = 404
) -> Failed:
    error = kind(method="PATCH", url="https://x", attempts=1, status=status, errors=(message,))
    return Failed(TaskUpdate(task_id, "1", status="DONE"), error)


def test_numbers_in_a_message_make_no_other_reason() -> None:
    breaker = Breaker(3)
    assert [breaker.refused(refused(number, f"no task {number}")) for number in (1, 22, 333)] == [[], [], []]
    assert breaker.is_open


def test_another_reason_or_a_success_clears_the_suspects() -> None:
    breaker = Breaker(25)
    breaker.refused(refused(1))
    assert [failed.update.task_id for failed in breaker.refused(refused(2, "bad", BadRequestError, 400))] == [
        1
    ]
    assert [failed.update.task_id for failed in breaker.succeeded()] == [2]
    assert breaker.suspects == []


@pytest.mark.parametrize("first", [400, 404])
def test_any_other_status_or_message_is_another_reason(first: int) -> None:
    second = 804 - first
    breaker = Breaker(25)
    for number, (status, message) in enumerate(
        [(first, "a"), (second, "a"), (second, "b"), (second, "a")], 1
    ):
        cleared = breaker.refused(refused(number, message, BadRequestError, status))
        assert [failed.update.task_id for failed in cleared] == [number - 1][: number - 1]


@pytest.mark.parametrize("limit", [1, 3, 4])
def test_it_opens_at_the_limit_and_never_without_a_suspect(limit: int) -> None:
    breaker = Breaker(limit)
    assert not breaker.is_open
    states = []
    for number in range(limit):
        breaker.refused(refused(number + 1))
        states.append(breaker.is_open)
    assert states == [False] * (limit - 1) + [True]
    assert len(breaker.succeeded()) == limit
    assert not breaker.is_open


def test_a_lower_limit_holds_for_denied_access_too() -> None:
    breaker = Breaker(2)
    states = []
    for number in (1, 2):
        breaker.refused(refused(number, "no", AccessDeniedError, 403))
        states.append(breaker.is_open)
    assert states == [False, True]


def test_access_denied_stops_at_the_third_before_a_success_and_is_the_rows_after_one() -> None:
    denied = [refused(number, "no", AccessDeniedError, 403) for number in (1, 2, 3)]
    before, after = Breaker(25), Breaker(25)
    after.succeeded()
    for each in denied:
        before.refused(each)
        after.refused(each)
    assert (before.is_open, after.is_open) == (True, False)


@given(st.lists(st.sampled_from(["ok", "gone", "bad"]), max_size=60), st.integers(1, 5))
def test_each_refusal_is_cleared_once_or_still_a_suspect(answers: list[str], limit: int) -> None:
    breaker, cleared, given_ = Breaker(limit), [], []
    for number, what in enumerate(answers, 1):
        if what == "ok":
            cleared += breaker.succeeded()
        else:
            given_.append(number)
            cleared += breaker.refused(refused(number, what))
    assert [failed.update.task_id for failed in cleared + breaker.suspects] == given_


async def test_a_run_stops_at_the_limit_and_its_rows_stay_pending(tmp_path: Path) -> None:
    outcomes: list[Outcome] = []
    async with scripted(answer(404), seconds=0.1) as gong:
        report = await gong.update_many(updates(300), journal=tmp_path / "job", on_outcome=outcomes.append)
    assert isinstance(report.stopped_because, RefusedAlikeError)
    assert (report.stopped_because.count, report.stopped_because.status) == (25, 404)
    assert "user_id of these rows the owner" in str(report)
    assert (report.failed, report.pending, outcomes) == (0, 300, [])
    assert report.calls <= 32
    with open_journal(tmp_path / "job") as journal:
        assert (journal.counts().pending, journal.counts().failed) == (300, 0)
        assert isinstance(journal.report().stopped_because, RefusedAlikeError)
        assert len(journal.report().pending_rows) == report.calls


async def test_resuming_begins_with_rows_that_were_no_suspects(tmp_path: Path) -> None:
    """25 deleted tasks at the head of a file block nothing."""
    gone = by_task(dict.fromkeys(range(1, 26), 404))
    async with scripted(gone) as gong:
        first = await gong.update_many(updates(40), journal=tmp_path / "job", workers=1)
        assert (first.pending, isinstance(first.stopped_because, RefusedAlikeError)) == (40, True)
        second = await gong.resume_many(tmp_path / "job", workers=1)
        assert second.updated == 15
        last = await gong.resume_many(tmp_path / "job", workers=1, accept_refusals=True)
        assert (last.failed, last.complete) == (25, True)


async def test_fewer_than_the_limit_fail_at_the_end_of_the_run() -> None:
    outcomes: list[Outcome] = []
    async with scripted(by_task(dict.fromkeys(range(20, 31), 404))) as gong:
        report = await gong.update_many(updates(30), workers=1, on_outcome=outcomes.append)
    assert (report.updated, report.failed, report.complete) == (19, 11, True)
    assert [type(outcome) for outcome in outcomes] == [Updated] * 19 + [Failed] * 11
    assert outcomes[-1].status == 404 if isinstance(outcomes[-1], Failed) else False
    [group] = report.failures_by_reason
    assert (group.label, group.count) == ("404 task not found", 11)


async def test_the_limit_is_a_setting_and_all_refusals_can_be_accepted() -> None:
    async with scripted(answer(400)) as gong:
        assert (await gong.update_many(updates(9), workers=1, stop_after_refusals=3)).calls == 3
        assert (await gong.update_many(updates(99), accept_refusals=True)).failed == 99
        with pytest.raises(ValueError, match="stop_after_refusals must be at least 1"):
            await gong.update_many([], stop_after_refusals=0)


async def test_a_run_for_another_company_s_journal_makes_no_call(tmp_path: Path) -> None:
    async with scripted(answer(503)) as gong:
        network_of(gong).base_url = "https://us-1.api.gong.io"
        await gong.update_many(updates(9), journal=tmp_path / "job")
    async with scripted(task_answer) as gong:
        network_of(gong).base_url = "https://us-2.api.gong.io"
        with pytest.raises(JournalError, match=r"company at https://us-1\.api\.gong\.io"):
            await gong.resume_many(tmp_path / "job")
        assert network_of(gong).sent == []
    with open_journal(tmp_path / "job") as journal:
        assert journal.counts().pending == 9
        assert all(row.state is RowState.PENDING for row in journal.rows())
