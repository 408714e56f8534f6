"""When a bulk run waits, when it stops, and why: the rules of its single decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from gong_tasks_async import (
    DailyQuotaError,
    LocalQuota,
    RateLimitError,
    RefusedAlikeError,
    RetryPolicy,
    TaskUpdate,
    Unlimited,
    open_journal,
)
from gong_tasks_async.bulk.applier import Applied
from gong_tasks_async.bulk.run_settings import RunSettings
from gong_tasks_async.bulk.runner import BulkRun, refused_alike
from gong_tasks_async.errors import InvalidValueError
from gong_tasks_async.http.retry import Resend
from gong_tasks_async.models import Task
from gong_tasks_async.quota import QuotaEstimate
from tests.fakes import Answer, answer, html, task_answer
from tests.test_bulk import by_task, scripted, updates
from tests.test_bulk_refusals import refused

pytestmark = pytest.mark.virtual


class Applier:
    """Raises what it was given, in turn, then makes every change; remembers how long it was asked to sleep."""

    base_url = "https://api.gong.io"
    calls = listings = rate_limited = 0

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.slept: list[float] = []

    async def ready(self) -> None: ...

    async def apply(self, update: TaskUpdate, resend: Resend | None = None) -> Applied:  # noqa: ARG002 - the protocol's
        if self.errors:
            raise self.errors.pop(0)
        return Applied(None)

    async def list_owned(self, user_id: str) -> list[Task]:
        raise NotImplementedError(user_id)

    async def estimate(self, calls: int) -> QuotaEstimate:
        raise NotImplementedError(calls)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def halt(self) -> None: ...


@pytest.mark.parametrize(
    ("frees_in", "slept"), [(None, 1.0), (0.0, 1.0), (0.4, 1.0), (30.0, 30.0), (60.0, 60.0), (7_200.0, 60.0)]
)
async def test_a_wait_for_the_day_asks_at_least_once_a_minute_and_never_in_a_tight_loop(
    frees_in: float | None, slept: float
) -> None:
    applier = Applier(DailyQuotaError(retry_after=frees_in), DailyQuotaError(retry_after=frees_in))
    run = BulkRun(updates(1), applier, RunSettings(wait_for_day=True))
    await run.run()
    assert (applier.slept, run.report().updated) == ([slept, slept], 1)


async def test_a_request_in_flight_gets_five_seconds_with_a_journal_and_none_without(tmp_path: Path) -> None:
    for journal, seconds in ((tmp_path / "job", 5.0), (None, 0.0)):
        async with scripted(task_answer, seconds=100.0) as gong:
            running = asyncio.create_task(gong.update_many(updates(5), journal=journal))
            await asyncio.sleep(1.0)
            cancelled_at = asyncio.get_running_loop().time()
            running.cancel()
            await asyncio.wait([running])
            assert asyncio.get_running_loop().time() - cancelled_at == pytest.approx(seconds, abs=0.01)


async def test_a_refusal_is_an_answer_so_it_ends_a_row_of_faults() -> None:
    statuses = {number: 503 if number % 2 else 404 for number in range(1, 21)}
    async with scripted(by_task(statuses)) as gong:
        report = await gong.update_many(updates(20), workers=1, stop_after=2)
    assert (report.failed, report.pending, report.stopped_because) == (10, 10, None)


async def test_a_run_stops_at_as_many_faults_in_a_row_as_it_was_set_to() -> None:
    async with scripted(answer(503)) as gong:
        assert (await gong.update_many(updates(20), workers=1, stop_after=3)).calls == 3
        assert (await gong.update_many(updates(2), workers=1, stop_after=3)).stopped_because is None


async def test_the_first_reason_to_stop_is_the_one_that_is_reported() -> None:
    async with scripted(by_task({1: 401, 2: 500, 3: 403}), seconds=0.1) as gong:
        report = await gong.update_many(updates(3), workers=3, stop_after=1)
    assert getattr(report.stopped_because, "status", None) == 401


async def test_a_run_that_gong_pauses_can_be_resumed_once_the_pause_is_over() -> None:
    async with scripted(answer(429, retry_after="7200"), seconds=0.1) as gong:
        report = await gong.update_many(updates(9))
    assert report.resume_after is not None
    assert abs(report.resume_after - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)


async def test_a_run_whose_day_is_spent_can_be_resumed_when_the_day_begins_anew() -> None:
    resets_at = datetime(2026, 3, 3, tzinfo=UTC)
    run = BulkRun(updates(1), Applier(DailyQuotaError(retry_after=5.0, resets_at=resets_at)), RunSettings())
    await run.run()
    assert (run.report().resume_after, run.report().pending) == (resets_at, 1)


async def test_only_engage_s_own_500_gives_up_a_row_in_the_end(tmp_path: Path) -> None:
    """Five runs of a job in which one row alone is answered so; others are updated."""
    for name, trouble, failed in (
        ("gong", answer(500), 1),
        ("proxy", html(500), 0),
        ("busy", answer(503), 0),
    ):
        pending = []
        for _ in range(5):
            async with scripted(trouble, task_answer) as gong:
                report = await gong.update_many(updates(3), journal=tmp_path / name, workers=1)
            pending.append(report.pending)
        with open_journal(tmp_path / name) as journal:
            assert (name, journal.counts().failed, pending) == (name, failed, [1, 1, 1, 1, 1 - failed])


def test_the_error_of_rows_that_were_refused_alike_has_the_facts_of_the_last() -> None:
    first, last = refused(1, "no task 1"), refused(2, "no task 2")
    last.error.request_id = "r-2"  # type: ignore[attr-defined]  # an APIError
    error = refused_alike([first, last], 7)
    assert (error.count, error.rows, error.status, error.request_id) == (2, 7, 404, "r-2")
    assert (error.label, error.message, error.method, error.url) == (
        "404 task not found",
        "no task 2",
        "PATCH",
        "https://x",
    )


def test_what_is_to_be_asked_of_rows_that_were_refused_alike_follows_from_their_status() -> None:
    advice = {
        status: RefusedAlikeError(count=1, rows=1, status=status).advice for status in (400, 403, 404, None)
    }
    assert "May these credentials change tasks" in advice[403]
    assert "Is user_id of these rows the owner" in advice[404]
    assert advice[400] == advice[None] != advice[404]


@pytest.mark.parametrize("fails", [False, True])
async def test_a_run_reports_how_long_it_took_however_it_ended(fails: bool) -> None:
    class Slow(Applier):
        async def apply(self, update: TaskUpdate, resend: Resend | None = None) -> Applied:
            await asyncio.sleep(3.0)
            return await super().apply(update, resend)

    await asyncio.sleep(1.7)
    run = BulkRun(updates(2), Slow(*[ZeroDivisionError()] * fails), RunSettings(workers=1))
    with pytest.raises(ZeroDivisionError) if fails else nullcontext():
        await run.run()
    assert run.report().elapsed == pytest.approx(3.0 if fails else 6.0, abs=0.001)
    assert run.report().updated == (0 if fails else 2)


async def test_what_is_no_update_is_refused_when_its_turn_comes_and_never_sent() -> None:
    class Lookalike(NamedTuple):
        task_id: int = 7
        user_id: str = "1"

    applier = Applier()
    with pytest.raises(InvalidValueError, match="it must be a TaskUpdate"):
        await BulkRun([*updates(1), Lookalike()], applier, RunSettings(workers=1)).run()  # type: ignore[arg-type]


@pytest.mark.parametrize("latency", [0.1, 1.0])
@pytest.mark.parametrize("quota", [LocalQuota, Unlimited])
async def test_a_gong_that_refuses_everything_costs_a_run_as_many_calls_as_one_call(
    quota: Callable[[], LocalQuota | Unlimited], latency: float
) -> None:
    """With ``Retry-After: 1``, 300 seconds of pauses; eight workers once spent 2,400 calls on them."""
    async with scripted(
        answer(429, retry_after="1"), seconds=latency, quota=quota(), retry=RetryPolicy()
    ) as gong:
        report = await gong.update_many(updates(10_000), workers=8)
        again = await gong.update_many(updates(10_000), workers=8)
    assert 290 <= report.calls <= 330
    assert again.calls <= 16
    assert type(report.stopped_because) is RateLimitError
    assert report.resume_after is not None
    assert abs(report.resume_after - datetime.now(UTC) - timedelta(minutes=5)) < timedelta(minutes=1)


async def test_pauses_with_calls_let_through_between_stop_no_run() -> None:
    busy: list[Answer] = [answer(429, retry_after="50"), task_answer] * 40
    async with scripted(*busy, task_answer, retry=RetryPolicy()) as gong:
        report = await gong.update_many(updates(60), workers=8)
    assert (report.updated, report.rate_limited, report.stopped_because) == (60, 40, None)
