from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gong_tasks_async import (
    AccessKey,
    AuthenticationError,
    BadRequestError,
    BulkReport,
    Event,
    Failed,
    Outcome,
    RateLimitError,
    RetryPolicy,
    ServerError,
    TaskNotFoundError,
    TaskUpdate,
    TransportError,
    Unlimited,
    Updated,
    UpdateUnreadable,
)
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.simulator import Engine, Fault, SecondLimit
from tests.conftest import Connect
from tests.fakes import Answer, ScriptedClient, ScriptedTransport, answer, lost, task_answer

ONCE = RetryPolicy(attempts=1)


def scripted(*answers: Answer, seconds: float = 0.0, **settings: Any) -> ScriptedClient:
    usual: dict[str, Any] = {"quota": Unlimited(), "retry": ONCE}
    client = ScriptedClient(AccessKey("k", "s"), **usual | settings)
    client.transport = ScriptedTransport(*answers, seconds=seconds)
    return client


def network_of(client: ScriptedClient) -> ScriptedTransport:
    assert isinstance(client.transport, ScriptedTransport)
    return client.transport


def updates(count: int) -> list[TaskUpdate]:
    return [TaskUpdate(number, "1", status="DONE") for number in range(1, count + 1)]


def by_task(statuses: dict[int, int]) -> Answer:
    """Answers the named tasks with a status of their own, and all others with success."""

    def answer_to(request: HttpRequest) -> HttpResponse:
        status = statuses.get(int(request.path.rpartition("/")[2]), 200)
        return task_answer(request) if status == 200 else answer(status)

    return answer_to


@pytest.mark.virtual
async def test_each_row_has_its_outcome_and_the_report_adds_up() -> None:
    outcomes: list[Outcome] = []
    async with scripted(by_task({3: 404, 5: 400}), seconds=0.1) as gong:
        report = await gong.update_many(updates(20), on_outcome=outcomes.append)
    failed = {
        outcome.update.task_id: type(outcome.error) for outcome in outcomes if isinstance(outcome, Failed)
    }
    assert failed == {3: TaskNotFoundError, 5: BadRequestError}
    done = [outcome for outcome in outcomes if isinstance(outcome, Updated)]
    assert [outcome.update.task_id for outcome in done] == [
        outcome.task and outcome.task.id for outcome in done
    ]
    assert (report.updated, report.failed, report.pending, report.calls) == (18, 2, 0, 20)
    assert report.complete
    assert report.elapsed == pytest.approx(0.3, abs=1e-3)  # 20 rows, 8 at a time
    assert str(report) == "18 updated, 0 unchanged, 2 failed, 0 pending; 20 calls in 0.3 s"


@pytest.mark.virtual
async def test_rows_come_from_an_async_iterable_as_well_and_are_never_taken_in_advance() -> None:
    taken = 0

    async def rows() -> AsyncIterator[TaskUpdate]:
        nonlocal taken
        for update in updates(50):
            await asyncio.sleep(0.01)
            taken += 1
            yield update

    async with scripted(task_answer, seconds=1.0) as gong:
        running = asyncio.create_task(gong.update_many(rows(), workers=3))
        await asyncio.sleep(0.5)
        assert taken == 3
        assert (await running).updated == 50


@pytest.mark.virtual
@pytest.mark.parametrize("workers", [1, 3, 8])
async def test_no_more_than_the_workers_are_under_way_at_once(workers: int) -> None:
    in_flight = most = 0

    class Counting(ScriptedTransport):
        async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ASYNC109 - the protocol's
            nonlocal in_flight, most
            in_flight += 1
            most = max(most, in_flight)
            await asyncio.sleep(0.1)
            in_flight -= 1
            return await super().send(request, timeout)

    client = scripted()
    client.transport = Counting(task_answer)
    async with client as gong:
        await gong.update_many(updates(50), workers=workers)
    assert most == workers


@pytest.mark.virtual
@pytest.mark.parametrize(
    ("trouble", "kind", "sent"),
    [
        (answer(401), AuthenticationError, 8),
        (answer(429, retry_after="7200"), RateLimitError, 8),
        (answer(500), ServerError, 12),
        (lost(), TransportError, 12),
    ],
    ids=["credentials", "quota", "faults", "network"],
)
async def test_what_no_row_can_survive_stops_the_run_early(
    trouble: Answer, kind: type[Exception], sent: int
) -> None:
    settled: list[Outcome] = []
    async with scripted(trouble, seconds=0.1) as gong:
        report = await gong.update_many(updates(10_000), on_outcome=settled.append)
    assert isinstance(report.stopped_because, kind)
    assert (report.pending, settled) == (10_000, [])
    assert not report.complete
    assert report.calls == len(network_of(gong).sent) <= sent
    assert (report.resume_after is not None) == (kind is RateLimitError)
    assert "stopped: " in str(report)


@pytest.mark.virtual
async def test_faults_stop_the_run_only_without_a_success_between() -> None:
    flaky = {number: 503 for number in range(1, 100) if number % 3}  # two faults, one success, and so on
    async with scripted(by_task(flaky)) as gong:
        report = await gong.update_many(iter(updates(99)), workers=1, stop_after=3)
    assert report.stopped_because is None
    assert (report.updated, report.pending) == (33, 66)


@pytest.mark.virtual
async def test_an_update_that_gong_confirmed_is_made_even_where_the_task_cannot_be_read() -> None:
    events: list[Event] = []
    outcomes: list[Outcome] = []
    async with scripted(answer(200, {"tasks": [{"id": "x"}]}), seconds=0.1, on_event=events.append) as gong:
        report = await gong.update_many(updates(50), on_outcome=outcomes.append)
    assert (report.updated, report.failed, report.pending) == (50, 0, 0)
    assert {outcome.task for outcome in outcomes if isinstance(outcome, Updated)} == {None}
    unreadable = [event for event in events if isinstance(event, UpdateUnreadable)]
    assert {event.task_id for event in unreadable} == set(range(1, 51))
    assert unreadable[0].path == "$.tasks[0].id"


@pytest.mark.virtual
async def test_the_report_keeps_a_thousand_failures_and_counts_them_all() -> None:
    async with scripted(answer(404)) as gong:
        report = await gong.update_many(updates(1500), accept_refusals=True)
    assert (report.failed, len(report.failures)) == (1500, 1000)


@pytest.mark.virtual
async def test_an_error_in_the_rows_is_raised_once_the_rows_under_way_have_ended() -> None:
    outcomes: list[Outcome] = []

    def rows() -> Iterator[TaskUpdate]:
        yield from updates(3)
        yield TaskUpdate(2**63, "", status="DONE")

    async with scripted(task_answer, seconds=1.0) as gong:
        with pytest.raises(ValueError, match=r"task_id 9223372036854775808 .*; user_id is empty"):
            await gong.update_many(rows(), on_outcome=outcomes.append)
    assert len(outcomes) == 3


@pytest.mark.virtual
async def test_an_error_in_the_callback_is_raised_and_stops_the_run() -> None:
    def fail(_: Outcome) -> None:
        raise ZeroDivisionError

    async with scripted(task_answer, seconds=1.0) as gong:
        with pytest.raises(ZeroDivisionError):
            await gong.update_many(updates(1000), on_outcome=fail)
    assert len(network_of(gong).sent) <= 16


@pytest.mark.virtual
@pytest.mark.parametrize("moment", [0.0, 0.5, 3.7, 60.0])
async def test_cancelling_a_run_of_any_length_returns_at_once_with_nothing_left_running(
    moment: float,
) -> None:
    before = asyncio.all_tasks()
    async with scripted(task_answer, seconds=0.2, quota=None) as gong:
        running = asyncio.create_task(gong.update_many(iter(updates(10_000))))
        await asyncio.sleep(moment)
        cancelled_at = asyncio.get_running_loop().time()
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        assert asyncio.get_running_loop().time() - cancelled_at < 0.050
    assert asyncio.all_tasks() == before


async def test_a_run_that_never_waits_can_be_cancelled_too() -> None:
    async with scripted(task_answer) as gong:
        endless = (TaskUpdate(7, "1", status="DONE") for _ in itertools.count())
        running = asyncio.create_task(gong.update_many(endless))
        while not network_of(gong).sent:  # noqa: ASYNC110 - the fake has no event
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
    assert running.cancelled()


@pytest.mark.virtual
async def test_a_day_s_quota_spent_in_the_middle_leaves_the_rest_pending(connect: Connect) -> None:
    engine = Engine(users=1, tasks_per_user=60, second_limit=SecondLimit.NONE, per_day=40)
    gong = await connect(engine)
    rows = [TaskUpdate(number, engine.user_ids[0], status="DONE") for number in engine.tasks]
    report = await gong.update_many(rows)
    assert isinstance(report.stopped_because, RateLimitError)
    assert (report.updated, report.pending) == (40, 20)
    assert engine.ledger.refused == 1
    assert report.resume_after is not None


@pytest.mark.both_ways
async def test_faults_of_all_kinds_lose_nothing_and_do_nothing_twice_in_effect(connect: Connect) -> None:
    faults = (Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.TRUNCATED, Fault.BAD_GATEWAY, Fault.UNAVAILABLE)
    engine = Engine(
        users=2, tasks_per_user=60, second_limit=SecondLimit.NONE, fault_rates=dict.fromkeys(faults, 0.04)
    )
    gong = await connect(engine, quota=Unlimited(), retry=RetryPolicy(attempts=20, backoff=0.001))
    rows = [
        TaskUpdate(number, str(task["userId"]), status="DISMISSED") for number, task in engine.tasks.items()
    ]
    report = await gong.update_many(rows)
    assert (report.updated, report.failed, report.pending) == (120, 0, 0)
    assert report.calls == engine.ledger.calls > 120
    assert {task["status"] for task in engine.tasks.values()} == {"DISMISSED"}


@pytest.mark.parametrize("name", ["workers", "stop_after"])
async def test_a_pool_of_nobody_is_refused(name: str) -> None:
    async with scripted() as gong:
        with pytest.raises(ValueError, match=f"{name} must be at least 1"):
            await gong.update_many([], **{name: 0})  # type: ignore[arg-type]  # one of two names


async def test_no_rows_make_an_empty_report() -> None:
    async with scripted() as gong:
        report = await gong.update_many([])
    assert report == BulkReport(elapsed=report.elapsed, started_at=report.started_at)


MEASURE = """
import asyncio, sys
from tests.test_bulk import scripted, task_answer
from gong_tasks_async import TaskUpdate

class Forgetful(list):
    def append(self, _): pass

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

async def run(count):
    gong = scripted(task_answer)
    gong.transport.sent = Forgetful()
    async with gong:
        await gong.update_many(TaskUpdate(n, "1", status="DONE") for n in range(1, 2_000))
        before = resident()
        report = await gong.update_many(TaskUpdate(n, "1", status="DONE") for n in range(1, count + 1))
        assert report.updated == count
        print(resident() - before)

asyncio.run(run(int(sys.argv[1])))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read where Linux tells it")
def test_a_hundred_thousand_rows_need_no_memory_of_their_own() -> None:
    measured = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", MEASURE, "100000"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    assert int(measured.stdout) < 10 * 2**20
