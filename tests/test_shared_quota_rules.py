"""One process and its company over a Redis in memory: who is refused at once, who waits where, what a snapshot shows."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from gong_tasks_async import (
    DailyQuotaError,
    DeadlineExceeded,
    Event,
    Lane,
    Paused,
    QuotaLimits,
    QuotaUnavailable,
    RateLimitError,
    RedisQuota,
)
from gong_tasks_async.quota.redis.commands import WAITERS_KEPT
from tests.shared_quota_fakes import BEGAN, MakeShared, shared as shared  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.virtual
SPACING = QuotaLimits().spacing


def now() -> float:
    return asyncio.get_running_loop().time()


class Waiting:
    """Callers who wait, and are cancelled at the end."""

    def __init__(self, quota: RedisQuota, **callers: int) -> None:
        self.tasks = [
            asyncio.create_task(quota.acquire(Lane[lane.upper()]))
            for lane, number in callers.items()
            for _ in range(number)
        ]

    async def __aenter__(self) -> None:
        await asyncio.sleep(0.1)

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


def asked_by(quota: RedisQuota, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The requests that a process sends to the script from now on."""
    ask, asked = quota._session.ask, list[dict[str, Any]]()

    async def note(command: str, **arguments: Any) -> Any:
        asked.append(arguments)
        return await ask(command, **arguments)

    monkeypatch.setattr(quota._session, "ask", note)
    return asked


async def test_a_deadline_that_the_queue_cannot_meet_is_refused_at_once_but_for_a_caller_that_returns(
    shared: MakeShared,
) -> None:
    quota = shared()
    async with Waiting(quota, bulk=30):
        began = now()
        with pytest.raises(DeadlineExceeded) as refused:
            await quota.acquire(Lane.BULK, deadline=began + 5.0)
        assert now() == began
        assert refused.value.estimate == pytest.approx(29 * SPACING, abs=1.1 * SPACING)
        permit = await quota.acquire(Lane.BULK, deadline=began + 5.0, returning=True)
        assert permit.departed - began < 5 * SPACING  # the others of its lane take 30


async def test_a_pause_beyond_the_deadline_counts_together_with_those_ahead(shared: MakeShared) -> None:
    quota = shared()
    async with Waiting(quota, bulk=6):
        quota.pause(3.0)
        began = now()
        with pytest.raises(DeadlineExceeded):
            await quota.acquire(Lane.BULK, deadline=began + 3.0 + 2 * SPACING)
        assert now() == began
        permit = await quota.acquire(Lane.BULK, deadline=began + 60.0)
        assert permit.departed - began >= 3.0


async def test_each_process_knows_how_many_wait_in_each_lane_and_keeps_knowing_it(shared: MakeShared) -> None:
    limits = QuotaLimits(per_second=1 / WAITERS_KEPT / 3)
    first, second = shared(limits), shared(limits)
    first.release(await first.acquire(Lane.BULK), status=200)
    async with Waiting(first, bulk=4, interactive=2):
        for _ in range(2):
            waiting = (await second.snapshot()).waiting
            assert (waiting[Lane.BULK], waiting[Lane.INTERACTIVE]) == (4, 1)  # the head is with the script
            await asyncio.sleep(1.5 * WAITERS_KEPT)


async def test_a_snapshot_shows_until_when_the_company_is_paused(shared: MakeShared) -> None:
    first, second = shared(), shared()
    await second.acquire(Lane.BULK)
    first.pause(90.0)
    await asyncio.sleep(0.1)
    for quota in (first, second):
        paused_until = (await quota.snapshot()).paused_until
        assert paused_until is not None
        opens_at = datetime.fromtimestamp(BEGAN + now() + 89.9, UTC)
        assert abs((paused_until - opens_at).total_seconds()) < 0.1


async def test_a_day_that_gong_calls_spent_is_probed_by_one_call_an_hour(shared: MakeShared) -> None:
    quota = shared()
    quota.release(await quota.acquire(Lane.BULK), status=200)
    quota.pause(5 * 3_600.0, day_spent=True)
    began, departed = now(), list[float]()

    async def call() -> None:
        permit = await quota.acquire(Lane.BULK)
        departed.append(permit.departed - began)

    calls = [asyncio.create_task(call()) for _ in range(4)]
    await asyncio.sleep(2.5 * 3_600.0)
    assert departed == pytest.approx([3_600.0, 7_200.0], abs=10.0)
    for each in calls:
        each.cancel()
    await asyncio.wait(calls)


async def test_who_waits_is_reported_when_it_changes_and_not_with_each_request(
    shared: MakeShared, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = shared(QuotaLimits(per_second=0.2))
    asked = asked_by(quota, monkeypatch)

    async def call_again_and_again() -> None:
        while True:
            quota.release(await quota.acquire(Lane.BULK), status=200)

    calls = [asyncio.create_task(call_again_and_again()) for _ in range(4)]
    await asyncio.sleep(5 * WAITERS_KEPT)
    for each in calls:
        each.cancel()
    await asyncio.wait(calls)
    reports = [each.get("report", False) for each in asked]
    assert len(reports) > 40
    assert 5 <= sum(reports) <= 15  # twice in each time for which a report counts, at the most
    asked.clear()
    for _ in range(4):
        await asyncio.sleep(WAITERS_KEPT)
        quota.release(await quota.acquire(Lane.BULK), status=200)
    _, *later = [each["report"] for each in asked if "report" in each]
    assert later  # that none waits is reported once
    assert not any(later)


async def test_a_pause_is_known_to_all_by_its_message_whichever_process_calls_it(shared: MakeShared) -> None:
    first, second = shared(), shared()
    for quota in (first, second):
        await quota.acquire(Lane.BULK)
    for caller, other in ((first, second), (second, first)):
        assert not other._gate.is_closed()
        caller.pause(5.0)
        await asyncio.sleep(0.1)
        assert other._gate.is_closed()
        await asyncio.sleep(10.0)


async def test_a_process_that_missed_a_pause_learns_it_by_asking_and_refuses_who_may_not_wait_so_long(
    shared: MakeShared,
) -> None:
    first, deaf = shared(), shared()
    await deaf.acquire(Lane.BULK)
    assert deaf._receiving is not None
    deaf._receiving.cancel()
    await asyncio.sleep(1.0)
    first.pause(60.0)
    await asyncio.sleep(0.5)
    began = now()
    with pytest.raises(RateLimitError):
        await deaf.acquire(Lane.BULK, max_wait=5.0)
    assert now() - began < 1.0


@pytest.mark.parametrize(("left", "is_news"), [(0.03, False), (0.3, True)])
async def test_a_pause_that_ends_this_moment_is_waited_for_and_is_no_news(
    left: float, is_news: bool, shared: MakeShared
) -> None:
    """The server's clock may be as much behind: its gate opens a little later than this process's."""
    events: list[Event] = []
    first, deaf = shared(), shared(on_event=events.append)
    await deaf.acquire(Lane.BULK)
    assert deaf._receiving is not None
    deaf._receiving.cancel()
    await asyncio.sleep(1.0)
    first.pause(2.0)
    await asyncio.sleep(2.0 - left)
    began = now()
    permit = await deaf.acquire(Lane.BULK)
    assert permit.departed - began >= left - 0.002
    assert any(isinstance(event, Paused) for event in events) is is_news


async def test_a_pause_that_began_before_an_outage_holds_for_the_local_quota(shared: MakeShared) -> None:
    first, alone = shared(), shared(fail="local", local_share=0.5)
    await alone.acquire(Lane.BULK)
    first.pause(20.0)
    paused_at = now()
    await asyncio.sleep(1.0)
    client: Any = alone._backend._client
    client.connection_pool.connection_kwargs["server"].connected = False
    alone._health.mark_down(QuotaUnavailable(server="x", reason="gone"))
    permit = await alone.acquire(Lane.BULK)
    assert permit.departed >= paused_at + 20.0
    client.connection_pool.connection_kwargs["server"].connected = True


@pytest.mark.parametrize(
    "message", ["shut", "shut 1", "shut x 0 1", f"shut {10**20} 0 1", f"shut {10**19} 0 1"]
)
async def test_a_message_that_no_process_of_ours_sends_closes_nothing(
    message: str, shared: MakeShared
) -> None:
    quota = shared()
    quota._on_message(message)
    assert not quota._gate.is_closed()


async def test_between_two_probes_of_a_day_callers_are_refused_without_asking(
    shared: MakeShared, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = shared()
    quota.release(await quota.acquire(Lane.BULK), status=200)
    quota.pause(5 * 3_600.0, day_spent=True)
    await asyncio.sleep(3_601.0)
    await quota.acquire(Lane.BULK)  # the probe, which Gong has not answered yet
    asked = asked_by(quota, monkeypatch)
    for lane in Lane:
        with pytest.raises(DailyQuotaError):
            await quota.acquire(lane, max_wait=60.0)
    assert asked == []


async def test_after_a_permit_that_came_too_late_for_its_caller_a_pause_holds_without_asking(
    shared: MakeShared, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = shared()
    quota.release(await quota.acquire(Lane.BULK), status=200)
    await asyncio.sleep(5.0)
    gone = asyncio.create_task(quota.acquire(Lane.BULK))
    for _ in range(3):
        await asyncio.sleep(0)
    assert quota._dispatcher._asking  # on its way
    gone.cancel()
    await asyncio.sleep(1.0)
    quota.pause(30.0)
    await asyncio.sleep(1.0)
    asked, began = asked_by(quota, monkeypatch), now()
    permit = await quota.acquire(Lane.BULK)
    assert permit.departed - began >= 29.0 - 0.01
    assert len(asked) <= 3


async def test_a_quota_that_was_not_used_is_closed_without_a_word(shared: MakeShared) -> None:
    await shared().close()


def test_where_the_client_of_redis_is_missing_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "gong_tasks_async.quota.redis.redis_backend", None)
    with pytest.raises(ModuleNotFoundError) as missing:
        RedisQuota("redis://localhost", company="acme")
    assert "gong_tasks_async[redis]" in missing.value.__notes__[0]
