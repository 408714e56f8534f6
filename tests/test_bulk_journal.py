from __future__ import annotations

import asyncio
import csv
import io
import os
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from gong_tasks_async import (
    BulkReport,
    DailyQuotaError,
    Failed,
    JournalError,
    LocalQuota,
    Outcome,
    QuotaLimits,
    RetryPolicy,
    TaskUpdate,
    Unchanged,
    Unlimited,
    Updated,
)
from gong_tasks_async.bulk import PlanConflictError, RowState, open_journal, write_journal_csv
from gong_tasks_async.bulk.journal import Journal
from gong_tasks_async.bulk.recorder import Recorder
from gong_tasks_async.simulator import Engine, SecondLimit
from tests.conftest import Connect
from tests.fakes import ScriptedTransport, answer, lost, task_answer
from tests.test_bulk import by_task, network_of, scripted, updates

pytestmark = pytest.mark.virtual


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "job.gong"


def paths_sent(network: ScriptedTransport) -> list[str]:
    return [request.path for _, request in network.sent]


async def test_every_row_is_on_disk_before_it_is_told(path: Path) -> None:
    printed: list[tuple[Outcome, RowState]] = []

    def on_outcome(outcome: Outcome) -> None:
        with open_journal(path) as journal:
            states = {row.update.task_id: row.state for row in journal.rows()}
        printed.append((outcome, states[outcome.update.task_id]))

    async with scripted(by_task({3: 404}), seconds=0.1) as gong:
        report = await gong.update_many(updates(12), journal=path, on_outcome=on_outcome)
    assert (report.updated, report.failed, report.pending, report.job) == (11, 1, 0, "job")
    assert {state for outcome, state in printed if isinstance(outcome, Updated)} == {RowState.UPDATED}
    assert {state for outcome, state in printed if isinstance(outcome, Failed)} == {RowState.FAILED}
    with open_journal(path) as journal:
        [failed] = journal.rows(RowState.FAILED)
    assert (failed.update.task_id, failed.status, failed.error_kind, failed.attempts) == (
        3,
        404,
        "TaskNotFoundError",
        1,
    )
    assert failed.request_id == "r"


async def test_run_again_with_the_same_journal_settled_rows_cost_no_call(path: Path) -> None:
    async with scripted(by_task(dict.fromkeys(range(11, 21), 503)), seconds=0.1) as gong:
        first = await gong.update_many(updates(20), journal=path, stop_after=100)
    async with scripted(task_answer) as gong:
        second = await gong.update_many(updates(20), journal=path)
        third = await gong.resume_many(path)
    assert (first.updated, first.pending) == (10, 10)
    assert (second.updated, second.pending, second.calls) == (10, 0, 10)
    assert (third.updated, third.pending, third.calls) == (0, 0, 0)
    assert (first.by_user["1"].updated, first.by_user["1"].pending, third.by_user) == (10, 10, {})
    assert sorted(paths_sent(network_of(gong))) == sorted(f"/v2/tasks/{number}" for number in range(11, 21))


async def test_a_generator_and_an_async_one_are_journaled_too(path: Path) -> None:
    async def rows() -> Any:
        for update in updates(30):
            yield update

    async with scripted(task_answer) as gong:
        assert (await gong.update_many(iter(updates(30)), journal=path)).updated == 30
        assert (await gong.update_many(rows(), journal=path)).calls == 0


async def test_another_job_s_journal_is_refused_before_anything_is_sent(path: Path) -> None:
    async with scripted(task_answer) as gong:
        await gong.update_many(updates(5), journal=path)
        before = path.read_bytes()  # noqa: ASYNC240 - a small file
        sent = len(network_of(gong).sent)
        with pytest.raises(JournalError):
            await gong.update_many(updates(6), journal=path)
        assert (len(network_of(gong).sent), path.read_bytes()) == (sent, before)  # noqa: ASYNC240 - as above


async def test_a_journal_in_use_is_refused(path: Path) -> None:
    async with scripted(task_answer, seconds=5.0) as gong:
        running = asyncio.create_task(gong.update_many(updates(5), journal=path))
        await asyncio.sleep(1.0)
        with pytest.raises(JournalError):
            await gong.resume_many(path)
        assert (await running).updated == 5


async def test_contradictions_are_refused_in_a_list_and_in_a_journal(path: Path) -> None:
    rows = [TaskUpdate(1, "1", status="DONE"), TaskUpdate(1, "1", status="OPEN")]
    async with scripted(task_answer) as gong:
        with pytest.raises(PlanConflictError):
            await gong.update_many(rows)
        with pytest.raises(JournalError):
            await gong.update_many(iter(rows), journal=path)
        assert network_of(gong).sent == []


class WatchedJournal(Journal):
    closed: Event

    def close(self) -> None:
        super().close()
        self.closed.set()


class SlowlyOpened:
    """A journal on a busy machine: a cancelled run has time to end before it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.locked, self.resume, self.closed = Event(), Event(), Event()

    def open(self) -> Journal:
        self.journal = journal = WatchedJournal.create_or_open(self.path, updates(3))
        journal.closed = self.closed
        self.locked.set()
        assert self.resume.wait(120)
        return journal


async def cancelled_while_it_opens(slow: SlowlyOpened) -> asyncio.Task[Recorder]:
    opening = asyncio.create_task(Recorder.open(slow.open))
    assert await asyncio.to_thread(slow.locked.wait, 120)
    opening.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    return opening


async def test_cancelled_while_it_opens_its_journal_a_run_leaves_it_free_for_the_next(path: Path) -> None:
    slow = SlowlyOpened(path)
    opening = await cancelled_while_it_opens(slow)
    assert not opening.done()
    slow.resume.set()
    await asyncio.wait([opening])
    assert opening.cancelled()
    with Journal.create_or_open(path, None) as journal:  # its lock is free
        assert journal.counts().pending == 3


async def test_a_journal_that_is_long_in_opening_is_not_waited_for_and_closed_in_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gong_tasks_async.bulk.recorder.CLOSE_WITHIN", 0.0)
    slow = SlowlyOpened(path)
    opening = await cancelled_while_it_opens(slow)
    assert opening.cancelled()
    slow.resume.set()
    assert await asyncio.to_thread(slow.closed.wait, 120)


async def test_cancelled_requests_under_way_come_to_their_end_and_are_recorded(path: Path) -> None:
    async with scripted(task_answer, seconds=2.0) as gong:
        running = asyncio.create_task(gong.update_many(updates(50), journal=path))
        await asyncio.sleep(3.0)
        cancelled_at = asyncio.get_running_loop().time()
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        assert asyncio.get_running_loop().time() - cancelled_at <= 1.05
        with open_journal(path) as journal:
            assert journal.counts().updated == len(network_of(gong).sent) == 16
        report = await gong.resume_many(path)
    assert (report.updated, report.pending) == (34, 0)


async def test_cancelled_while_waiting_for_a_turn_returns_at_once_although_there_is_grace(path: Path) -> None:
    quota = LocalQuota(QuotaLimits(per_second=0.1))
    async with scripted(task_answer, quota=quota) as gong:
        running = asyncio.create_task(gong.update_many(updates(50), journal=path, grace=100))
        await asyncio.sleep(25.0)
        cancelled_at = asyncio.get_running_loop().time()
        running.cancel()
        await asyncio.wait([running])
        assert asyncio.get_running_loop().time() - cancelled_at < 0.05
        with open_journal(path) as journal:
            assert journal.counts().updated == len(network_of(gong).sent)


async def test_a_request_that_outlasts_the_grace_is_cut(path: Path) -> None:
    async with scripted(task_answer, seconds=1000.0) as gong:
        running = asyncio.create_task(gong.update_many(updates(5), journal=path, grace=3.0))
        await asyncio.sleep(1.0)
        running.cancel()
        await asyncio.wait([running])
        assert asyncio.get_running_loop().time() == pytest.approx(4.0, abs=0.1)
        with open_journal(path) as journal:
            assert journal.counts().pending == 5


async def test_a_disk_that_fails_stops_the_run_and_what_was_recorded_stands(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle, count = Journal.settle, 0

    def failing(self: Journal, rows: Any) -> None:
        nonlocal count
        count += len(rows)
        if count > 10:
            raise JournalError(path=str(path), reason="the disk is full")
        settle(self, rows)

    monkeypatch.setattr(Journal, "settle", failing)
    async with scripted(task_answer, seconds=0.1) as gong:
        with pytest.raises(JournalError, match="the disk is full"):
            await gong.update_many(updates(100), journal=path)
        monkeypatch.setattr(Journal, "settle", settle)
        with open_journal(path) as journal:
            recorded = journal.counts().updated
        report = await gong.resume_many(path)
    assert 0 < recorded <= 10
    assert report.updated == 100 - recorded


async def test_what_is_as_wanted_already_costs_a_call_for_each_owner_and_none_for_its_rows(
    connect: Connect, path: Path
) -> None:
    engine = Engine(users=3, tasks_per_user=30, second_limit=SecondLimit.NONE)
    gong = await connect(engine, quota=Unlimited())
    rows = [TaskUpdate(number, str(task["userId"]), status="DONE") for number, task in engine.tasks.items()]
    done = sum(task["status"] == "DONE" for task in engine.tasks.values())
    printed: list[Outcome] = []
    dry = await gong.update_many(rows, skip_unchanged=True, dry_run=True)
    assert (dry.unchanged, dry.pending, dry.calls, engine.ledger.calls) == (done, 90 - done, 3, 3)
    report = await gong.update_many(rows, skip_unchanged=True, journal=path, on_outcome=printed.append)
    assert (report.updated, report.unchanged, report.pending) == (90 - done, done, 0)
    assert sum(isinstance(outcome, Unchanged) for outcome in printed) == done
    assert sum(counts.updated + counts.unchanged for counts in report.by_user.values()) == 90
    again = await gong.update_many(rows, skip_unchanged=True, journal=path)
    assert again.calls == 0


async def test_a_plan_tells_what_would_happen_and_how_long_it_takes() -> None:
    async with scripted(task_answer, quota=LocalQuota()) as gong:
        plan = await gong.plan_updates([*updates(100), *updates(10)])
        assert network_of(gong).sent == []
    assert (plan.rows, plan.duplicates, plan.calls, plan.users) == (110, 10, 100, 1)
    assert plan.estimate is not None
    assert plan.estimate.seconds == pytest.approx(99 * QuotaLimits().spacing, rel=0.01)


async def test_a_stream_holds_the_run_back_while_nobody_takes_outcomes(path: Path) -> None:
    async with scripted(task_answer, seconds=0.1) as gong:
        async with gong.stream_updates(updates(200), journal=path, workers=4) as outcomes:
            first = await anext(outcomes)
            await asyncio.sleep(100.0)
            assert len(network_of(gong).sent) <= 1 + 2 * 4 + 1
            rest = [outcome async for outcome in outcomes]
        assert len({outcome.update.task_id for outcome in [first, *rest]}) == 200
        assert outcomes.report.updated == 200
        assert [outcome async for outcome in outcomes] == []


async def test_a_stream_left_early_ends_the_run_and_records_what_was_under_way(path: Path) -> None:
    before = asyncio.all_tasks()
    async with scripted(task_answer, seconds=0.1) as gong:
        async with gong.stream_updates(updates(200), journal=path) as outcomes:
            await anext(outcomes)
            with pytest.raises(RuntimeError, match="not ended"):
                _ = outcomes.report
        assert outcomes.report.updated == len(network_of(gong).sent)
        assert outcomes.report.pending == 200 - outcomes.report.updated
        with open_journal(path) as journal:
            assert journal.counts().updated == len(network_of(gong).sent)
    assert asyncio.all_tasks() == before


async def test_a_stream_raises_what_its_run_raised() -> None:
    rows = [*updates(1), TaskUpdate(1, "1", status="OPEN")]
    async with scripted(task_answer) as gong:
        with pytest.raises(PlanConflictError):
            async with gong.stream_updates(rows) as outcomes:
                await anext(outcomes)
        with pytest.raises(PlanConflictError):  # also where none was asked for an outcome
            async with gong.stream_updates(rows):
                await asyncio.sleep(0)


async def test_rows_of_two_hundred_people_over_two_and_more_days(connect: Connect, path: Path) -> None:
    """A fifth of ten thousand rows by default; GONG_FULL_RUN=1 makes it all of them."""
    each, per_day = (50, 4_000) if os.environ.get("GONG_FULL_RUN") else (10, 800)
    engine = Engine(users=200, tasks_per_user=each, per_day=per_day, day_seconds=86_400.0)
    loop = asyncio.get_running_loop()
    limits = QuotaLimits(per_day=per_day, interactive_reserve=100)
    gong = await connect(engine, quota=LocalQuota(limits, wall_clock=lambda: 1_790_000_000.0 + loop.time()))
    rows = [
        TaskUpdate(number, str(task["userId"]), status="DISMISSED") for number, task in engine.tasks.items()
    ]
    first = await gong.update_many(rows, journal=path)
    assert isinstance(first.stopped_because, DailyQuotaError)
    assert (first.updated, first.pending) == (per_day - 100, len(rows) - per_day + 100)
    rest = await gong.resume_many(path, wait_for_day=True)
    assert (rest.updated, rest.pending) == (first.pending, 0)
    assert rest.elapsed > 86_400
    assert (engine.ledger.calls, engine.ledger.refused) == (len(rows), 0)
    assert {task["status"] for task in engine.tasks.values()} == {"DISMISSED"}


async def test_a_row_without_an_answer_stays_pending_and_is_sent_again(path: Path) -> None:
    flaky = ScriptedTransport(task_answer, lost(), task_answer)
    client = scripted()
    client.transport = flaky
    async with client as gong:
        report = await gong.update_many(updates(5), journal=path, workers=1)
        assert (report.updated, report.pending) == (4, 1)
        assert (await gong.resume_many(path)).updated == 1


async def test_attempts_are_recorded(path: Path) -> None:
    client = scripted(retry=RetryPolicy(backoff=0.01))
    client.transport = ScriptedTransport(answer(503), lost(), task_answer)
    async with client as gong:
        report: BulkReport = await gong.update_many(updates(1), journal=path)
    with open_journal(path) as journal:
        [row] = journal.rows()
    assert (row.attempts, report.calls) == (3, 3)


async def test_the_rows_of_a_journal_can_be_had_as_csv(path: Path) -> None:
    async with scripted(by_task({2: 404})) as gong:
        await gong.update_many(updates(3), journal=path)
    file = io.StringIO(newline="")
    with open_journal(path) as journal:
        assert write_journal_csv(journal.rows(), file) == 3
    rows = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    assert [(row["taskId"], row["state"], row["attempts"]) for row in rows] == [
        ("1", "updated", "1"),
        ("2", "failed", "1"),
        ("3", "updated", "1"),
    ]
    assert "404" in rows[1]["error"]
