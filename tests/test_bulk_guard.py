"""Update a task only if it is as the run found it, and take a job back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from attrs import evolve

from gong_tasks_async import (
    DailyQuotaError,
    GongTasksClient,
    LocalQuota,
    Outcome,
    QuotaLimits,
    RetryPolicy,
    RowState,
    ServerError,
    Skipped,
    TaskUpdate,
    Unchanged,
    Unlimited,
    Updated,
    open_journal,
    retry_failed,
)
from gong_tasks_async.simulator import Engine, Fault, Request, Response, SecondLimit
from tests.conftest import Connect

pytestmark = pytest.mark.virtual


def company(users: int = 2, each: int = 5) -> Engine:
    engine = Engine(users=users, tasks_per_user=each, second_limit=SecondLimit.NONE)
    for task in engine.tasks.values():
        task["status"] = "OPEN"
    return engine


def dismiss_all(engine: Engine, priority: str | None = None) -> list[TaskUpdate]:
    return [
        TaskUpdate(number, str(task["userId"]), status="DISMISSED", priority=priority)
        for number, task in engine.tasks.items()
    ]


def statuses(engine: Engine) -> list[str]:
    return [task["status"] for task in engine.tasks.values()]


def edit(engine: Engine, numbers: Iterable[int], **changes: object) -> None:
    """What a person does in Gong's own page."""
    for number in numbers:
        engine.tasks[number] |= {"updated": "2030-01-01T00:00:00Z"} | changes


def calls(engine: Engine, method: str) -> int:
    return sum(entry.method == method for entry in engine.ledger.entries)


@pytest.fixture
def engine() -> Engine:
    return company()


@pytest.fixture
async def gong(engine: Engine, connect: Connect) -> GongTasksClient:
    return await connect(engine, quota=Unlimited(), retry=RetryPolicy(attempts=1))


async def stopped_half_way(gong: GongTasksClient, engine: Engine, path: Path) -> None:
    """A guarded job of which some rows are pending."""
    engine.fault_rates = {}
    done: list[Outcome] = []

    def on_outcome(outcome: Outcome) -> None:
        done.append(outcome)
        if len(done) == 4:
            engine.fault_rates = {Fault.UNAVAILABLE: 1.0}

    await gong.update_many(
        dismiss_all(engine), journal=path, guard=True, workers=1, stop_after=1, on_outcome=on_outcome
    )
    engine.fault_rates = {}
    assert len(done) == 4


async def test_each_owner_is_listed_once_and_what_has_its_values_is_not_sent(
    engine: Engine, gong: GongTasksClient
) -> None:
    first = next(iter(engine.tasks))
    engine.tasks[first]["status"] = "DISMISSED"
    report = await gong.update_many(dismiss_all(engine), guard=True)
    assert (report.updated, report.unchanged, report.skipped, report.unguarded) == (9, 1, 0, 0)
    assert (calls(engine, "POST"), calls(engine, "PATCH")) == (2, 9)
    assert (report.calls, report.listings) == (11, 2)


async def test_a_plan_that_was_shown_is_what_runs_and_no_owner_is_listed_again(
    engine: Engine, gong: GongTasksClient
) -> None:
    plan = await gong.plan_updates(dismiss_all(engine), guard=True)
    assert calls(engine, "POST") == 2
    sample = plan.sample[0]
    assert sample.before.status == "OPEN"
    assert sample.update in plan.updates
    report = await gong.update_many(plan, guard=True)
    assert (report.updated, calls(engine, "POST")) == (10, 2)
    assert set(statuses(engine)) == {"DISMISSED"}


async def test_what_was_changed_before_the_job_is_resumed_is_skipped_and_not_overwritten(
    engine: Engine, gong: GongTasksClient, tmp_path: Path
) -> None:
    path = tmp_path / "job"
    await stopped_half_way(gong, engine, path)
    reopened, done_by_hand, moved = [
        number for number, task in engine.tasks.items() if task["status"] == "OPEN"
    ][1:4]
    edit(engine, [reopened])
    edit(engine, [done_by_hand], status="DISMISSED")
    edit(engine, [moved], dueDate="2031-01-01T00:00:00Z")
    outcomes: list[Outcome] = []
    report = await gong.resume_many(path, on_outcome=outcomes.append)
    assert {outcome.update.task_id for outcome in outcomes if isinstance(outcome, Skipped)} == {
        reopened,
        moved,
    }
    assert {outcome.update.task_id for outcome in outcomes if isinstance(outcome, Unchanged)} == {
        done_by_hand
    }
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, Skipped)} == {"changed since"}
    assert (report.skipped, report.unchanged, report.updated) == (2, 1, 3)
    assert (engine.tasks[reopened]["status"], engine.tasks[moved]["status"]) == ("OPEN", "OPEN")
    with open_journal(path) as journal:
        assert journal.counts().skipped == 2
        assert [row.reason for row in journal.rows(RowState.SKIPPED)] == ["changed since"] * 2


async def test_a_job_resumed_with_skip_unchanged_looks_before_it_sends(
    engine: Engine, gong: GongTasksClient, tmp_path: Path
) -> None:
    path = tmp_path / "job"
    engine.fault_rates = {Fault.UNAVAILABLE: 1.0}
    await gong.update_many(dismiss_all(engine), journal=path)
    engine.fault_rates = {}
    edit(engine, engine.tasks, status="DISMISSED")
    report = await gong.update_many(dismiss_all(engine), journal=path, skip_unchanged=True)
    assert (report.unchanged, report.updated, report.complete) == (10, 0, True)
    assert {entry.status for entry in engine.ledger.entries if entry.method == "PATCH"} == {503}


async def test_rows_whose_look_is_older_than_an_hour_are_looked_at_again(connect: Connect) -> None:
    engine = company(users=1, each=40)
    gong = await connect(
        engine, quota=Unlimited(), latency=(120.0, 120.0), retry=RetryPolicy(attempt_timeout=600)
    )
    running = asyncio.create_task(gong.update_many(dismiss_all(engine), guard=True, workers=1))
    await asyncio.sleep(1_000)
    edit(engine, list(engine.tasks)[-1:])
    report = await running
    assert (report.updated, report.skipped) == (39, 1)
    assert calls(engine, "POST") == 2


@pytest.mark.parametrize(("guard", "unguarded"), [(True, 1), (False, 0)])
async def test_a_task_that_no_listing_finds_is_sent_and_counted(
    guard: bool, unguarded: int, engine: Engine, gong: GongTasksClient, tmp_path: Path
) -> None:
    updates = [*dismiss_all(engine), TaskUpdate(1, engine.user_ids[0], status="DONE")]
    report = await gong.update_many(updates, journal=tmp_path / "job", guard=guard)
    assert (report.updated, report.failed, report.unguarded) == (10, 1, unguarded)
    with open_journal(tmp_path / "job") as journal:
        assert journal.report().unguarded == unguarded


async def test_where_an_owner_cannot_be_listed_nothing_of_it_is_sent(
    engine: Engine, gong: GongTasksClient, tmp_path: Path
) -> None:
    path = tmp_path / "job"
    await stopped_half_way(gong, engine, path)
    before = calls(engine, "PATCH")
    engine.inject_fault(Fault.SERVER_ERROR, 99)
    report = await gong.resume_many(path)
    assert isinstance(report.stopped_because, ServerError)
    assert (report.pending, calls(engine, "PATCH")) == (6, before)


class Picky(Engine):
    """A Gong that refuses to list what it may: all but open tasks, as its reference also says, or one user's."""

    open_only = False
    refused = ""

    def answer(self, request: Request, now: float) -> Response:
        if request.method == "POST":
            wanted = json.loads(request.body)["filter"]
            if wanted["userId"] == self.refused or (self.open_only and wanted["status"] != ["OPEN"]):
                request = evolve(request, body=b'{"filter": {}}')  # answered 400
        return super().answer(request, now)


@pytest.fixture
def picky() -> Picky:
    engine = Picky(users=5, tasks_per_user=2, second_limit=SecondLimit.NONE)
    for task in engine.tasks.values():
        task["status"] = "OPEN"
    return engine


async def test_where_gong_lists_open_tasks_alone_the_look_lists_those_and_counts_the_others(
    picky: Picky, connect: Connect
) -> None:
    picky.open_only = True
    gong = await connect(picky, quota=Unlimited(), latency=(0.1, 0.1))
    closed = next(iter(picky.tasks))
    picky.tasks[closed]["status"] = "DONE"
    plan = await gong.plan_updates(dismiss_all(picky), guard=True)
    assert plan.look is not None
    assert plan.look.owners == set(picky.user_ids)  # all are asked at the same time, and each is refused once
    assert plan.looked.keys() == picky.tasks.keys() - {closed}
    report = await gong.update_many(plan, guard=True, workers=1)
    assert (report.updated, report.unguarded) == (10, 1)


async def test_one_user_who_cannot_be_listed_does_not_hide_the_closed_tasks_of_others(
    picky: Picky, connect: Connect
) -> None:
    gong = await connect(picky, quota=Unlimited())
    for task in picky.tasks.values():
        task["status"] = "DISMISSED"
    picky.refused = picky.user_ids[0]
    plan = await gong.plan_updates(dismiss_all(picky), skip_unchanged=True)
    assert {update.user_id for update in plan.updates} == {picky.refused}
    assert len(plan.unchanged) == 8


# Undo


async def test_a_job_is_taken_back_where_nobody_changed_anything_since(
    engine: Engine, gong: GongTasksClient, tmp_path: Path
) -> None:
    before = {number: dict(task) for number, task in engine.tasks.items()}
    path = tmp_path / "job"
    await gong.update_many(dismiss_all(engine, "HIGH"), journal=path, guard=True)
    edited, *others = engine.tasks
    edit(engine, [edited], status="DONE")
    plan = await gong.plan_undo(path)
    report = await gong.update_many(plan, journal=tmp_path / "undo", guard=True)
    assert (report.failed, report.pending, report.skipped) == (0, 0, 0)
    assert engine.tasks[edited]["status"] == "DONE"
    for number in others:
        now, then = engine.tasks[number], before[number]
        assert now["status"] == then["status"]
        if then.get("priority"):
            assert now["priority"]["name"].casefold() == then["priority"]["name"].casefold()
    lost = {(each.task_id, each.reason) for each in plan.lost}
    assert (edited, "changed since the job") in lost
    empty = [number for number in others if not before[number].get("priority")]
    assert empty
    assert {number for number, reason in lost if "priority was empty" in reason} == set(empty)


async def test_without_a_look_there_is_no_state_before_to_go_back_to(
    engine: Engine, gong: GongTasksClient, tmp_path: Path
) -> None:
    await gong.update_many(dismiss_all(engine), journal=tmp_path / "job")
    plan = await gong.plan_undo(tmp_path / "job")
    assert (plan.calls, len(plan.lost)) == (0, 10)
    assert "did not list" in plan.lost[0].reason
    assert "10 values that cannot be restored" in str(plan)


# Retry


async def test_failed_rows_are_tried_again_in_the_same_job_all_or_by_reason(
    engine: Engine, gong: GongTasksClient, tmp_path: Path
) -> None:
    path, missing = tmp_path / "job", TaskUpdate(1, engine.user_ids[0], status="DONE")
    await gong.update_many([missing, *dismiss_all(engine)], journal=path)
    assert retry_failed(path, {"BadRequestError"}) == 0
    assert retry_failed(path, {"TaskNotFoundError"}) == 1
    engine.tasks[1] = next(iter(engine.tasks.values())) | {"id": 1, "userId": int(engine.user_ids[0])}
    report = await gong.resume_many(path)
    assert (report.updated, report.complete) == (1, True)
    with open_journal(path) as journal:
        assert journal.counts().updated == 11
        assert len(journal.runs()) == 2


# The journal's own memory


async def test_the_journal_s_report_is_of_all_runs(connect: Connect, tmp_path: Path) -> None:
    engine = company()
    path, clock = tmp_path / "job", asyncio.get_running_loop().time
    limits = QuotaLimits(per_day=7, interactive_reserve=0, per_second=50)
    gong = await connect(engine, quota=LocalQuota(limits, wall_clock=lambda: 1_790_000_000.0 + clock()))
    first = await gong.update_many(dismiss_all(engine), journal=path, guard=True, origin={"line": "close"})
    assert isinstance(first.stopped_because, DailyQuotaError)
    with open_journal(path) as journal:
        report = journal.report()
        assert isinstance(report.stopped_because, DailyQuotaError)
        assert report.resume_after == first.resume_after
        assert (report.calls, report.listings, report.pending) == (first.calls, 2, first.pending)
        assert (journal.facts["line"], journal.company) == ("close", "http://localhost")
    await asyncio.sleep(86_400)
    second = await gong.resume_many(path, wait_for_day=True)
    with open_journal(path) as journal:
        report = journal.report()
    assert (report.calls, report.runs, report.complete) == (first.calls + second.calls, 2, True)
    assert report.changes == ("status DISMISSED (10)",)


async def test_a_row_with_several_lives_in_vain_is_given_up_with_its_error(
    engine: Engine, gong: GongTasksClient, tmp_path: Path
) -> None:
    path, poison = tmp_path / "job", next(iter(engine.tasks))
    rows = [update for update in dismiss_all(engine) if update.task_id == poison]
    others = [update for update in dismiss_all(engine) if update.task_id != poison]
    engine.inject_fault(Fault.SERVER_ERROR, 1)
    first = await gong.update_many([*rows, *others], journal=path, workers=1)
    assert (first.updated, first.pending) == (9, 1)
    assert [(row.update.task_id, row.error_kind) for row in first.pending_rows] == [(poison, "ServerError")]
    for _ in range(3):
        engine.inject_fault(Fault.SERVER_ERROR, 1)
        assert (await gong.resume_many(path)).pending == 1
    engine.inject_fault(Fault.SERVER_ERROR, 1)
    last = await gong.resume_many(path)
    assert (last.failed, last.pending, last.complete) == (1, 0, True)
    with open_journal(path) as journal:
        [row] = journal.rows(RowState.FAILED)
    assert (row.status, row.error_kind) == (500, "ServerError")


async def test_what_is_not_engage_s_fault_gives_no_row_up(
    engine: Engine, gong: GongTasksClient, tmp_path: Path
) -> None:
    path = tmp_path / "job"
    engine.fault_rates = {Fault.SERVER_ERROR: 1.0}
    for _ in range(7):
        await gong.update_many(dismiss_all(engine), journal=path)
    engine.fault_rates = {}
    report = await gong.resume_many(path)
    assert (report.updated, report.failed) == (10, 0)


async def test_an_outcome_of_a_row_sent_before_a_kill_is_found_by_the_next_look(
    engine: Engine, gong: GongTasksClient, tmp_path: Path
) -> None:
    """Gong made the change and the run died before it was recorded: the job has made it, so undo restores it."""
    path = tmp_path / "job"
    plan = await gong.plan_updates(dismiss_all(engine), guard=True)
    engine.inject_fault(Fault.RESET_AFTER, 10)
    await gong.update_many(plan, journal=path, guard=True, stop_after=99)
    assert set(statuses(engine)) == {"DISMISSED"}
    outcomes: list[Outcome] = []
    await gong.resume_many(path, on_outcome=outcomes.append)
    assert [type(outcome) for outcome in outcomes] == [Updated] * 10
    await gong.update_many(await gong.plan_undo(path), journal=tmp_path / "undo")
    assert set(statuses(engine)) == {"OPEN"}


async def test_a_wait_for_the_day_ends_soon_after_a_suspended_machine_wakes(connect: Connect) -> None:
    engine, loop, ahead = company(users=1, each=12), asyncio.get_running_loop(), [0.0]
    limits = QuotaLimits(per_day=4, interactive_reserve=0)
    quota = LocalQuota(limits, wall_clock=lambda: 1_790_000_000.0 + loop.time() + ahead[0])
    gong = await connect(engine, quota=quota)
    running = asyncio.create_task(gong.update_many(dismiss_all(engine)[:6], wait_for_day=True))
    await asyncio.sleep(600)
    assert calls(engine, "PATCH") == 4
    ahead[0] = 25 * 3_600.0  # the loop's clock has stood still
    report = await asyncio.wait_for(running, 65)
    assert (report.updated, report.calls) == (6, 6)
