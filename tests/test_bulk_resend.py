"""An update that got no verdict is looked at again before it is sent again, once a minute has passed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from gong_tasks_async import (
    GongError,
    GongTasksClient,
    LocalQuota,
    MissingScopeError,
    Plan,
    QuotaLimits,
    RetryPolicy,
    RowState,
    Task,
    TaskUpdate,
    TransportError,
    open_journal,
)
from gong_tasks_async.bulk.applier import Applier
from gong_tasks_async.bulk.guard import RESEND_WITHIN, Guard, RowLooks
from gong_tasks_async.bulk.journal_entries import PendingRow
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.transport import AiohttpTransport
from gong_tasks_async.simulator import Engine, Fault, Request, Response, SecondLimit
from tests.conftest import Connect

pytestmark = pytest.mark.virtual

PATIENT = RetryPolicy(max_wait=300, max_total_wait=3_000, backoff=0)


class Desk(Engine):
    """A company with one open task, in which something happens after the n-th PATCH."""

    def __init__(self, tasks: int = 1) -> None:
        super().__init__(users=1, tasks_per_user=tasks, second_limit=SecondLimit.NONE)
        for task in self.tasks.values():
            task["status"] = "OPEN"
        self.after: dict[int, Callable[[], None]] = {}
        self.patches = 0

    def answer(self, request: Request, now: float) -> Response:
        response = super().answer(request, now)
        if request.method == "PATCH":
            self.patches += 1
            self.after.get(self.patches, lambda: None)()
        return response

    def edit(self, **changes: object) -> Callable[[], None]:
        first = next(iter(self.tasks))
        return lambda: self.tasks[first].update({"updated": "2030-01-01T00:00:00Z"} | changes)

    @property
    def rows(self) -> list[TaskUpdate]:
        return [
            TaskUpdate(number, str(task["userId"]), status="DISMISSED") for number, task in self.tasks.items()
        ]

    @property
    def sent(self) -> list[str]:
        return [entry.method for entry in self.ledger.entries]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def connected(connect: Connect, desk: Desk) -> GongTasksClient:
    return await connect(desk, quota=LocalQuota(QuotaLimits(per_second=50)), retry=PATIENT)


def unanswered_then_paused(desk: Desk, fault: Fault, seconds: float) -> None:
    """The first PATCH gets no verdict; the second one is refused for so long."""
    desk.inject_fault(fault)
    desk.inject_fault(Fault.TOO_MANY, retry_after=str(seconds))


async def planned(gong: GongTasksClient, desk: Desk) -> Plan:
    return await gong.plan_updates(desk.rows, guard=True)


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.TRUNCATED])
async def test_what_was_made_and_then_changed_by_a_person_is_not_sent_again(
    connect: Connect, desk: Desk, fault: Fault, tmp_path: Path
) -> None:
    gong = await connected(connect, desk)
    plan = await planned(gong, desk)
    unanswered_then_paused(desk, fault, 100)
    desk.after[2] = desk.edit(status="OPEN")
    report = await gong.update_many(plan, journal=tmp_path / "job", guard=True)
    assert (report.skipped, report.updated, desk.sent) == (1, 0, ["POST", "PATCH", "PATCH", "POST"])
    assert [task["status"] for task in desk.tasks.values()] == ["OPEN"]


async def test_what_turns_out_to_be_made_is_updated_and_can_be_undone(
    connect: Connect, desk: Desk, tmp_path: Path
) -> None:
    gong = await connected(connect, desk)
    plan = await planned(gong, desk)
    unanswered_then_paused(desk, Fault.RESET_AFTER, 100)
    report = await gong.update_many(plan, journal=tmp_path / "job", guard=True)
    assert (report.updated, desk.sent) == (1, ["POST", "PATCH", "PATCH", "POST"])
    with open_journal(tmp_path / "job") as journal:
        assert [row.attempts for row in journal.rows(RowState.UPDATED)] == [2]
    undone = await gong.update_many(await gong.plan_undo(tmp_path / "job"))
    assert (undone.updated, [task["status"] for task in desk.tasks.values()]) == (1, ["OPEN"])


async def test_an_undo_leaves_what_a_person_changed_before_a_look_found_the_update(
    connect: Connect, desk: Desk, tmp_path: Path
) -> None:
    gong = await connected(connect, desk)
    plan = await planned(gong, desk)
    unanswered_then_paused(desk, Fault.RESET_AFTER, 100)
    desk.after[2] = desk.edit(dueDate="2031-01-01T00:00:00Z")
    report = await gong.update_many(plan, journal=tmp_path / "job", guard=True)
    assert (report.updated, report.skipped) == (1, 0)
    undo = await gong.plan_undo(tmp_path / "job")
    assert (undo.calls, [each.reason for each in undo.lost]) == (0, ["changed since the job"])


@pytest.mark.parametrize(
    ("fault", "looks"),
    [(Fault.RESET_BEFORE, 2), (Fault.UNAVAILABLE, 2), (Fault.PORTAL_PAGE, 2), (Fault.TOO_MANY, 1)],
)
async def test_what_was_not_made_is_sent_again_after_a_look_unless_gong_refused_it(
    connect: Connect, desk: Desk, fault: Fault, looks: int
) -> None:
    gong = await connected(connect, desk)
    plan = await planned(gong, desk)
    unanswered_then_paused(desk, fault, 100)
    report = await gong.update_many(plan, guard=True)
    assert (report.updated, desk.sent.count("POST"), report.listings) == (1, looks, looks - 1)


async def test_a_look_for_one_row_stops_another_that_waits_and_whose_task_was_changed(
    connect: Connect,
) -> None:
    desk = Desk(tasks=2)
    gong = await connected(connect, desk)
    plan = await planned(gong, desk)
    unanswered_then_paused(desk, Fault.UNAVAILABLE, 100)
    desk.inject_fault(Fault.TOO_MANY, retry_after="100")  # the other row again, while the first is looked at
    waiting = plan.updates[1].task_id
    desk.after[2] = lambda: desk.tasks[waiting].update({"updated": "2030-01-01T00:00:00Z", "title": "Mine"})
    report = await gong.update_many(plan, guard=True, workers=2)
    assert desk.sent == ["POST", "PATCH", "PATCH", "PATCH", "POST", "PATCH"]
    assert (report.updated, report.skipped, report.listings) == (1, 1, 1)
    assert desk.tasks[waiting]["status"] == "OPEN"


async def test_a_row_that_never_left_heeds_a_look_for_another_without_one_of_its_own(
    connect: Connect, desk: Desk
) -> None:
    gong = await connected(connect, desk)

    class Lister:
        async def list_owned(self, user_id: str) -> list[Task]:
            return await gong.list_tasks(user_id)

    guard, [update] = Guard(cast("Applier", Lister())), desk.rows
    looks = RowLooks(guard, PendingRow(1, update))
    assert (await looks.check(), looks.is_due) == (None, False)
    desk.edit(title="Mine")()
    await guard.check(PendingRow(1, update), max_age=0.0)
    assert (looks.is_due, desk.sent) == (True, ["POST", "POST"])
    with pytest.raises(GongError):
        await looks.look()
    found = looks.outcome()
    assert found is not None
    assert (found.state, found.attempts, desk.sent) == (RowState.SKIPPED, 0, ["POST", "POST"])


async def test_within_a_minute_it_is_sent_again_as_it_is(connect: Connect, desk: Desk) -> None:
    gong = await connected(connect, desk)
    plan = await planned(gong, desk)
    unanswered_then_paused(desk, Fault.RESET_AFTER, RESEND_WITHIN - 5)
    report = await gong.update_many(plan, guard=True)
    assert (report.updated, desk.sent) == (1, ["POST", "PATCH", "PATCH", "PATCH"])


async def test_without_a_guard_nothing_is_looked_at(connect: Connect, desk: Desk) -> None:
    gong = await connected(connect, desk)
    unanswered_then_paused(desk, Fault.RESET_AFTER, 100)
    report = await gong.update_many(desk.rows)
    assert (report.updated, desk.sent) == (1, ["PATCH"] * 3)


async def test_rows_that_wait_for_the_same_pause_share_a_look(connect: Connect) -> None:
    desk = Desk(tasks=6)
    gong = await connected(connect, desk)
    plan = await planned(gong, desk)
    for _ in range(6):
        desk.inject_fault(Fault.RESET_AFTER)
    desk.inject_fault(Fault.TOO_MANY, retry_after="100")
    report = await gong.update_many(plan, guard=True, workers=6)
    assert (report.updated, report.listings) == (6, 1)


async def test_where_the_look_is_refused_the_row_stays_pending_with_that_error(
    connect: Connect, desk: Desk, tmp_path: Path
) -> None:
    gong = await connected(connect, desk)
    plan = await planned(gong, desk)
    unanswered_then_paused(desk, Fault.RESET_AFTER, 100)
    desk.after[2] = lambda: setattr(desk, "scopes", {"api:tasks:write"})
    report = await gong.update_many(plan, journal=tmp_path / "job", guard=True)
    assert isinstance(report.stopped_because, MissingScopeError)
    assert (report.stopped_because.method, report.pending) == ("POST", 1)
    assert "api:tasks:read" in str(report.stopped_because)
    assert "guard=False" in str(report.stopped_because)
    desk.scopes = Engine().scopes
    assert (await gong.resume_many(tmp_path / "job")).updated == 1  # it is known that the job has sent it
    assert desk.patches == 2


async def test_an_outage_after_an_attempt_without_a_verdict_ends_with_a_look(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tasks=2)
    gong = await connected(connect, desk)
    plan = await planned(gong, desk)
    desk.after[1] = lambda: desk.inject_fault(Fault.RESET_AFTER)
    desk.after[2] = lambda: desk.tasks[plan.updates[1].task_id].update(
        {"updated": "2030-01-01T00:00:00Z", "status": "OPEN"}
    )
    send, loop = AiohttpTransport.send, asyncio.get_running_loop()
    began = loop.time()

    async def refused_for_a_while(
        self: AiohttpTransport,
        request: HttpRequest,
        timeout: float,  # noqa: ASYNC109 - the protocol's
    ) -> HttpResponse:
        if desk.patches == 2 and loop.time() - began < 120:
            raise TransportError(reason="refused", connected=False)
        return await send(self, request, timeout)

    monkeypatch.setattr(AiohttpTransport, "send", refused_for_a_while)
    report = await gong.update_many(plan, guard=True, workers=1)
    assert loop.time() - began > 120
    assert (report.updated, report.skipped, desk.patches, report.unguarded) == (1, 1, 2, 0)


async def test_a_day_s_wait_does_not_make_an_edit_the_state_before(connect: Connect) -> None:
    desk, loop = Desk(tasks=4), asyncio.get_running_loop()
    limits = QuotaLimits(per_day=3, interactive_reserve=0, per_second=50)
    gong = await connect(desk, quota=LocalQuota(limits, wall_clock=lambda: 1_790_000_000.0 + loop.time()))
    running = asyncio.create_task(gong.update_many(desk.rows, guard=True, wait_for_day=True, workers=4))
    await asyncio.sleep(3_600 * 5)
    waiting = [number for number, task in desk.tasks.items() if task["status"] == "OPEN"]
    assert len(waiting) == 2
    desk.tasks[waiting[0]] |= {"title": "Mine", "updated": "2030-01-01T00:00:00Z"}
    report = await running
    assert (report.updated, report.skipped, report.unguarded) == (3, 1, 0)
    assert desk.tasks[waiting[0]]["status"] == "OPEN"
