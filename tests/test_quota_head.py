"""What happens to the call at the head of the queue while it waits for its token."""

from __future__ import annotations

import asyncio
import math

import pytest

from gong_tasks_async import Lane, LocalQuota, QuotaLimits
from gong_tasks_async.quota import Permit
from gong_tasks_async.quota.day import PROBE_INTERVAL
from gong_tasks_async.quota.local.day_store import MemoryStore

pytestmark = pytest.mark.virtual

PERSON, MACHINE = Lane.INTERACTIVE, Lane.BULK
SPACING = QuotaLimits().spacing


def now() -> float:
    return asyncio.get_running_loop().time()


def quota_of(store: MemoryStore | None = None, **limits: float) -> LocalQuota:
    settings = QuotaLimits(per_day=1_000, **limits)  # type: ignore[arg-type]
    return LocalQuota(settings, wall_clock=lambda: 1_790_000_000.0 + now(), store=store)


def starts(quota: LocalQuota, lane: Lane = PERSON) -> asyncio.Task[Permit]:
    return asyncio.create_task(quota.acquire(lane, max_wait=math.inf))


async def call(quota: LocalQuota, lane: Lane = PERSON) -> float:
    permit = await starts(quota, lane)
    quota.release(permit, status=200)
    return permit.departed


async def used(quota: LocalQuota) -> int:
    return (await quota.snapshot()).used


async def test_a_person_takes_the_token_that_a_machine_waits_for_and_neither_is_counted_twice() -> None:
    quota = quota_of()
    first = await call(quota)
    machine = asyncio.create_task(call(quota, MACHINE))
    await asyncio.sleep(SPACING / 2)
    person = asyncio.create_task(call(quota))
    assert await person - first == pytest.approx(SPACING, abs=0.001)
    assert await machine - first == pytest.approx(2 * SPACING, abs=0.001)
    assert await used(quota) == 3


async def test_a_machine_that_waits_for_its_token_alone_does_not_yield() -> None:
    quota = quota_of()
    first = await call(quota)
    departed = await asyncio.gather(*(call(quota, MACHINE) for _ in range(2)))
    assert [moment - first for moment in departed] == pytest.approx([SPACING, 2 * SPACING], abs=0.001)


@pytest.mark.parametrize("lane", Lane)
async def test_a_pause_that_begins_meanwhile_holds_the_call_which_is_counted_once(lane: Lane) -> None:
    quota = quota_of()
    await call(quota)
    waiting = asyncio.create_task(call(quota, lane))
    await asyncio.sleep(SPACING / 2)
    paused_at = now()
    quota.pause(10.0)
    assert await waiting - paused_at >= 10.0
    assert await waiting - paused_at <= 10.0 + 2 * SPACING
    assert await used(quota) == 2


async def test_a_pause_that_another_process_has_called_off_ends_within_a_minute() -> None:
    store = MemoryStore()
    one, other = quota_of(store), quota_of(store)
    one.pause(50_000.0, day_spent=True)
    waiting = starts(other)
    await asyncio.sleep(170.0)
    assert not waiting.done()
    await one.reopen()
    called_off_at = now()
    other.release(await waiting, status=200)
    assert now() - called_off_at <= 60.0 + SPACING
    assert (await call(other)) - called_off_at <= 60.0 + 3 * SPACING


@pytest.mark.parametrize("status", [200, 204, 429, 500, None])
async def test_a_probe_that_succeeds_ends_the_day_for_all_and_any_other_leaves_it_spent(
    status: int | None,
) -> None:
    quota = quota_of()
    quota.pause(50_000.0, day_spent=True)
    began = now()
    probe = await starts(quota)
    assert probe.departed - began == pytest.approx(PROBE_INTERVAL, abs=60.0)
    waiting = starts(quota)
    await asyncio.sleep(90.0)
    assert not waiting.done()
    quota.release(probe, status=status)
    ended_at = now()
    departed = (await waiting).departed
    if status in (200, 204):
        assert departed - ended_at <= SPACING
    else:
        assert departed - probe.departed == pytest.approx(PROBE_INTERVAL, abs=60.0)


async def test_a_pause_that_is_over_before_the_token_comes_holds_no_call() -> None:
    quota = quota_of(per_second=0.5, adaptive=False)
    first = await call(quota)
    waiting = asyncio.create_task(call(quota))
    await asyncio.sleep(0.1)
    quota.pause(1.0)
    assert await waiting - first == pytest.approx(quota.limits.spacing, abs=0.001)
    assert await used(quota) == 2


async def test_a_token_that_a_person_gave_up_in_the_same_moment_goes_back_to_the_machine() -> None:
    quota = quota_of()
    first = await call(quota)
    machine = asyncio.create_task(call(quota, MACHINE))
    await asyncio.sleep(SPACING / 2)
    person = asyncio.create_task(call(quota))
    queue = quota._head.queue
    leave = queue.leave

    def leave_and_cancel(*, with_token: bool = False) -> None:
        leave(with_token=with_token)
        person.cancel()  # it has been called up, and has not run since

    queue.leave = leave_and_cancel  # type: ignore[method-assign]
    assert await machine - first == pytest.approx(SPACING, abs=0.001)
    await asyncio.wait([person])
    assert person.cancelled()
    assert await used(quota) == 2
