"""One process and its company over a Redis in memory: who is refused at once, who waits where, what a snapshot shows."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

import pytest

from gong_tasks_async import DeadlineExceeded, Lane, QuotaLimits, RedisQuota
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


async def test_a_quota_that_was_not_used_is_closed_without_a_word(shared: MakeShared) -> None:
    await shared().close()


def test_where_the_client_of_redis_is_missing_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "gong_tasks_async.quota.redis.redis_backend", None)
    with pytest.raises(ModuleNotFoundError) as missing:
        RedisQuota("redis://localhost", company="acme")
    assert "gong_tasks_async[redis]" in missing.value.__notes__[0]
