"""Several processes of a company over one Redis in memory, on a virtual clock; each quota stands for a process."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from gong_tasks_async import (
    ClientStateError,
    DailyQuotaError,
    DeadlineExceeded,
    Event,
    Lane,
    PaceChanged,
    Paused,
    Quota,
    QuotaLimits,
    QuotaLost,
    QuotaRegained,
    QuotaUnavailable,
    RedisQuota,
)
from gong_tasks_async.quota.ladder import ARRIVED_AFTER
from gong_tasks_async.quota.redis.commands import WAITERS_KEPT
from tests.shared_quota_fakes import BEGAN, MakeShared, shared as shared  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.virtual
SPACING = QuotaLimits().spacing


def now() -> float:
    return asyncio.get_running_loop().time()


async def call_on(
    quota: Quota, moments: list[float], *, lane: Lane = Lane.BULK, flight: float = 0.02
) -> None:
    while True:
        turn = await quota.acquire(lane)
        moments.append(turn.departed)
        await asyncio.sleep(flight)
        quota.release(turn, status=200)


class Busy:
    """Callers that keep a quota busy; what left when."""

    def __init__(self, quota: Quota, callers: int = 8, **settings: Any) -> None:
        self.moments: list[float] = []
        self.tasks = [asyncio.create_task(call_on(quota, self.moments, **settings)) for _ in range(callers)]

    def since(self, moment: float) -> list[float]:
        return [departed for departed in self.moments if departed > moment]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


async def stopped(*busy: Busy) -> list[float]:
    """Stop them all, and tell what they did together."""
    for each in busy:
        await each.stop()
    return sorted(moment for each in busy for moment in each.moments)


def least_gap(moments: list[float]) -> float:
    return min(later - earlier for earlier, later in pairwise(moments))


async def test_processes_together_keep_the_spacing_and_each_gets_its_share(shared: MakeShared) -> None:
    busy = [Busy(shared(), callers) for callers in (8, 8, 2, 30)]
    await asyncio.sleep(121.0)
    moments = await stopped(*busy)
    assert least_gap(moments) >= SPACING - 0.004
    assert len(moments) == pytest.approx(120 / SPACING, abs=6)
    assert {len(each.moments) - len(moments) // 4 for each in busy} <= {-1, 0, 1, 2}


async def test_a_pause_called_by_one_stops_even_those_who_hold_a_turn(shared: MakeShared) -> None:
    first, others = shared(), [Busy(shared()) for _ in range(3)]
    await asyncio.sleep(10.1)
    first.pause(5.0)
    shut_at = now()
    await asyncio.sleep(10.0)
    moments = await stopped(*others)
    assert [moment for moment in moments if shut_at < moment < shut_at + 5.0] == []
    assert moments[-1] > shut_at + 9.0
    assert least_gap([moment for moment in moments if moment >= shut_at + 5.0]) >= SPACING - 0.004


async def test_a_process_that_receives_no_messages_asks_before_each_call(shared: MakeShared) -> None:
    first, deaf = shared(), shared()
    await deaf.snapshot()
    assert deaf._receiving is not None
    deaf._receiving.cancel()
    busy = Busy(deaf)
    await asyncio.sleep(10.1)
    first.pause(5.0)
    closed_at = now()
    await asyncio.sleep(10.0)
    moments = await stopped(busy)
    assert [moment for moment in moments if closed_at + 0.05 < moment < closed_at + 5.0] == []
    assert moments[-1] > closed_at + 9.0


async def test_the_rung_that_one_process_has_climbed_is_every_process_s(shared: MakeShared) -> None:
    events: list[Event] = []
    first, second = shared(), shared(on_event=events.append)
    busy = Busy(second)
    await asyncio.sleep(5.0)
    first.pause(0.5)
    await asyncio.sleep(1.5)
    first.pause(0.5)
    await asyncio.sleep(15.0)
    moments = await stopped(busy)
    assert least_gap(moments[-10:]) >= SPACING / 0.8 - 0.004
    assert moments[-1] > moments[0] + 10.0
    changes = [event.after * SPACING for event in events if isinstance(event, PaceChanged)]
    assert changes[-1] == pytest.approx(0.8, abs=0.02)
    assert sum(isinstance(event, Paused) for event in events) == 2


async def test_bulk_callers_leave_room_for_interactive_ones_of_another_process(shared: MakeShared) -> None:
    machines = [Busy(shared(QuotaLimits(bulk_share=0.1))) for _ in range(3)]
    await asyncio.sleep(10.0)
    began = now()
    people = Busy(shared(QuotaLimits(bulk_share=0.1)), lane=Lane.INTERACTIVE)
    await asyncio.sleep(60.0)
    await people.stop()
    by_machines = sum(len(each.since(began + 2.0)) for each in machines)
    total = by_machines + len(people.since(began + 2.0))
    assert total == pytest.approx(58 / SPACING, rel=0.1)
    assert by_machines / total == pytest.approx(0.1, abs=0.04)
    alone = now()
    await asyncio.sleep(10.0)
    assert sum(len(each.since(alone)) for each in machines) == pytest.approx(10 / SPACING, abs=6)
    await stopped(*machines)


async def test_an_interactive_caller_waits_for_one_call_of_other_processes_at_most(
    shared: MakeShared,
) -> None:
    machines = [Busy(shared()) for _ in range(4)]
    person = shared()
    await asyncio.sleep(20.05)
    before = now()
    turn = await person.acquire(Lane.INTERACTIVE)
    assert turn.departed - before <= SPACING + 0.01
    await stopped(*machines)


async def test_a_caller_that_gives_up_costs_the_company_nothing(shared: MakeShared) -> None:
    limits = QuotaLimits(per_second=10.0)
    first, second, third = shared(limits), shared(limits), shared(limits)
    began = (await first.acquire(Lane.BULK)).departed
    tasks = [asyncio.create_task(quota.acquire(Lane.BULK)) for quota in (first, second, third)]
    await asyncio.sleep(0.01)
    tasks[1].cancel()
    moments = [(await task).departed for task in (tasks[0], tasks[2])]
    assert max(moments) <= began + 3 * limits.spacing + 0.01
    assert least_gap([began, *sorted(moments)]) >= limits.spacing - 0.004
    assert (await third.snapshot()).used == 3


async def test_a_day_that_is_spent_for_a_bulk_caller_that_gave_up_is_not_for_the_next_person(
    shared: MakeShared,
) -> None:
    quota = shared(QuotaLimits(per_day=3, interactive_reserve=2))
    quota.release(await quota.acquire(Lane.BULK), status=200)
    await asyncio.sleep(2.0)
    bulk = asyncio.create_task(quota.acquire(Lane.BULK))
    for _ in range(3):
        await asyncio.sleep(0)
    assert quota._dispatcher._asking  # on its way
    bulk.cancel()
    await quota.acquire(Lane.INTERACTIVE)
    with pytest.raises(DailyQuotaError):
        await quota.acquire(Lane.BULK)


async def test_a_request_that_never_left_is_not_counted(shared: MakeShared) -> None:
    quota = shared()
    quota.release(await quota.acquire(Lane.BULK), status=200)
    quota.release(await quota.acquire(Lane.BULK), status=None, sent=False)
    assert (await quota.snapshot()).used == 1


async def test_what_a_dead_process_held_ends_by_itself(shared: MakeShared) -> None:
    limits = QuotaLimits(per_second=2.0)
    busy, dying = Busy(shared(limits)), shared(limits)
    doomed = [asyncio.create_task(dying.acquire(Lane.BULK)) for _ in range(2)]
    await asyncio.sleep(5.0)  # its calls are sent, and never answered
    client: Any = dying._backend._client
    client.connection_pool.connection_kwargs["server"] = None  # it is dead
    await asyncio.sleep(8.0)
    before = now()
    await asyncio.sleep(20.0)
    assert len(busy.since(before)) == pytest.approx(20 / limits.spacing, abs=2)
    await stopped(busy)
    await asyncio.wait(doomed)


async def test_a_call_that_hangs_holds_its_place_for_five_seconds(shared: MakeShared) -> None:
    quota = shared()
    for _ in range(20):
        quota.release(await quota.acquire(Lane.BULK), status=200)
    hanging = [await quota.acquire(Lane.BULK) for _ in range(3)]
    following = await quota.acquire(Lane.BULK)
    assert following.departed == pytest.approx(hanging[0].departed + ARRIVED_AFTER + 1.0, abs=0.2)


async def test_the_company_s_figures_are_the_same_in_each_process(shared: MakeShared) -> None:
    first, second = shared(), shared()
    queues = [Busy(first, 20), Busy(second, 10)]
    await asyncio.sleep(5.0)
    one, other = await first.snapshot(), await second.snapshot()
    assert (one.used, one.left, one.resets_at) == (other.used, other.left, other.resets_at)
    assert one.used >= 10
    assert (one.waiting[Lane.BULK], other.waiting[Lane.BULK]) == (28, 28)
    # Each process gets as many permits: 19 and 10 wait here, 9 there, and the heads of both.
    assert (await first.estimate(10)).seconds == pytest.approx((19 + 10 + 9) * SPACING, abs=1.5 * SPACING)
    assert (await second.estimate(2)).seconds == pytest.approx(2 * (9 + 2) * SPACING, abs=2.5 * SPACING)
    await stopped(*queues)


async def test_callers_of_a_process_that_is_gone_wait_no_more(shared: MakeShared) -> None:
    gone_one, other = shared(), shared()
    calls = [asyncio.create_task(gone_one.acquire(lane)) for lane in Lane for _ in range(5)]
    await asyncio.sleep(0.5)
    assert sum((await other.snapshot()).waiting.values()) > 5
    for call in calls:
        call.cancel()
    await gone_one.close()  # and whatever it may have reported, it dies
    await asyncio.sleep(WAITERS_KEPT + 1.0)
    assert sum((await other.snapshot()).waiting.values()) == 0
    client: Any = other._backend._client
    fields = await client.hkeys("{gong:acme}:state")
    assert not [field for field in fields if field.startswith(b"waiting")]


async def test_every_key_bears_the_company_s_tag_and_ends_by_itself(shared: MakeShared) -> None:
    first, second = shared(), shared()
    busy = [Busy(first), Busy(second, lane=Lane.INTERACTIVE)]
    await asyncio.sleep(5.0)
    busy[0].tasks[0].cancel()
    first.pause(0.2)
    await asyncio.sleep(3.0)
    client: Any = first._backend._client
    keys = await client.keys()
    assert len(keys) == 3
    assert {key.split(b":")[:2] == [b"{gong", b"acme}"] for key in keys} == {True}
    assert min([await client.pttl(key) for key in keys]) > 0
    await stopped(*busy)


async def test_companies_do_not_know_each_other(shared: MakeShared) -> None:
    one, other = shared(company="one"), shared(company="other")
    one.pause(100.0)
    assert (await other.acquire(Lane.BULK)).departed < 2.0
    assert (await other.snapshot()).paused_until is None


async def test_an_empty_server_learns_the_day_from_those_who_remember_it(shared: MakeShared) -> None:
    limits = QuotaLimits(per_day=30, interactive_reserve=0)
    first, second = shared(limits), shared(limits)
    for _ in range(12):
        first.release(await first.acquire(Lane.BULK), status=200)
        second.release(await second.acquire(Lane.BULK), status=200)
    await first._backend._client.flushall()
    emptied = now()
    moments = [(await quota.acquire(Lane.BULK)).departed for quota in (second, first, first, first, first)]
    assert moments[0] >= emptied + 1.0  # what left a moment ago, nobody knows in full
    assert least_gap(moments) >= SPACING - 0.004
    left = 30 - (await first.snapshot()).used
    assert left <= 1
    for _ in range(left):
        await second.acquire(Lane.BULK)
    with pytest.raises(DailyQuotaError):
        await second.acquire(Lane.BULK)


async def test_a_server_that_has_forgotten_the_script_is_told_it_again(shared: MakeShared) -> None:
    quota = shared()
    before = (await quota.acquire(Lane.BULK)).departed
    await quota._backend._client.script_flush()
    assert (await quota.acquire(Lane.BULK)).departed == pytest.approx(before + SPACING, abs=0.01)


def gone(quota: RedisQuota, *, really: bool = True) -> None:
    """Take the server away from everybody, or give it back."""
    client: Any = quota._backend._client
    client.connection_pool.connection_kwargs["server"].connected = not really


async def test_without_redis_no_call_is_sent(shared: MakeShared) -> None:
    heard: list[Event] = []
    quota = shared(on_event=heard.append)
    await quota.acquire(Lane.BULK)
    gone(quota)
    before = now()
    for _ in range(3):
        with pytest.raises(QuotaUnavailable, match="cannot be asked"):
            await quota.acquire(Lane.BULK)
    with pytest.raises(QuotaUnavailable):
        await quota.snapshot()
    assert now() - before < SPACING
    gone(quota, really=False)
    await asyncio.sleep(1.0)
    await quota.acquire(Lane.BULK)
    lost, regained = [event for event in heard if isinstance(event, QuotaLost | QuotaRegained)]
    assert isinstance(lost, QuotaLost)
    assert not lost.local_fallback
    assert isinstance(regained, QuotaRegained)
    assert regained.seconds <= 1.0


async def test_patience_waits_for_redis_to_come_back_and_no_longer_than_the_deadline(
    shared: MakeShared,
) -> None:
    quota = shared(outage_timeout=30.0)
    await quota.acquire(Lane.BULK)
    gone(quota)
    before = now()
    with pytest.raises(QuotaUnavailable):
        await quota.acquire(Lane.BULK, deadline=before + 5.0)
    assert now() == pytest.approx(before + 5.0, abs=0.1)
    with pytest.raises(QuotaUnavailable):
        await quota.acquire(Lane.BULK)
    assert now() == pytest.approx(before + 35.0, abs=0.1)
    waiting = [asyncio.create_task(quota.acquire(Lane.BULK)) for _ in range(5)]
    await asyncio.sleep(10.0)
    gone(quota, really=False)
    moments = sorted(turn.departed for turn in await asyncio.gather(*waiting))
    assert moments[0] <= before + 46.0
    assert least_gap(moments) >= SPACING - 0.004


async def test_alone_a_process_keeps_to_its_share_and_comes_back_without_a_burst(shared: MakeShared) -> None:
    heard: list[Event] = []
    limits = QuotaLimits(per_day=1000, interactive_reserve=0)
    quota = shared(limits, fail="local", local_share=0.25, on_event=heard.append)
    busy = Busy(quota)
    await asyncio.sleep(10.0)
    gone(quota)
    lost_at = now()
    await asyncio.sleep(60.0)
    alone = [moment for moment in busy.moments if lost_at + 1.0 < moment]
    assert len(alone) == pytest.approx(60 * 0.25 / SPACING, abs=3)
    gone(quota, really=False)
    back_at = now()
    await asyncio.sleep(30.0)
    moments = await stopped(busy)
    after = [moment for moment in moments if moment > back_at]
    assert len(after) == pytest.approx(27.5 / SPACING, abs=4)
    assert all(later - earlier >= 1.0 for earlier, later in zip(moments, moments[3:], strict=False))
    await asyncio.sleep(0.5)
    assert (await quota.snapshot()).used == pytest.approx(len(moments), abs=1)
    lost, regained = [event for event in heard if isinstance(event, QuotaLost | QuotaRegained)]
    assert isinstance(lost, QuotaLost)
    assert lost.local_fallback
    assert isinstance(regained, QuotaRegained)


async def test_alone_a_pause_still_holds_and_is_told_to_all_when_redis_is_back(shared: MakeShared) -> None:
    alone, other = shared(fail="local", local_share=0.5), shared()
    await alone.acquire(Lane.BULK)
    await other.acquire(Lane.BULK)
    gone(alone)
    alone.release(await alone.acquire(Lane.BULK), status=429)
    alone.pause(20.0)
    shut_at = now()
    with pytest.raises(DeadlineExceeded):
        await alone.acquire(Lane.BULK, deadline=shut_at + 10.0)
    assert (await alone.snapshot()).used >= 1
    gone(alone, really=False)
    await asyncio.sleep(2.0)
    assert (await other.acquire(Lane.BULK)).departed >= shut_at + 20.0


async def test_a_closed_quota_and_another_loop_are_refused(shared: MakeShared) -> None:
    quota = shared()
    turn = await quota.acquire(Lane.BULK)
    await asyncio.sleep(0.25)
    quota.release(turn, status=200)
    await quota.close()
    await quota.close()
    with pytest.raises(ClientStateError, match="closed"):
        await quota.acquire(Lane.BULK)
    used = shared()
    await used.acquire(Lane.BULK)

    def elsewhere() -> None:
        asyncio.run(used.snapshot())

    with pytest.raises(ClientStateError, match="another event loop"):
        await asyncio.to_thread(elsewhere)


def test_bad_settings_are_all_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"company .*; fail must .*; outage_timeout .*; timeout "):
        RedisQuota("redis://x", company="{a}", fail="open", outage_timeout=-1, timeout=0)  # type: ignore[arg-type]  # the point
    with pytest.raises(ValueError, match="local_share belong together"):
        RedisQuota("redis://x", company="a", fail="local")
    with pytest.raises(ValueError, match="at most 1, not 2"):
        RedisQuota("redis://x", company="a", fail="local", local_share=2)


async def test_the_turn_of_the_day_is_the_server_s(shared: MakeShared) -> None:
    from datetime import UTC, datetime

    turns = datetime.fromtimestamp(BEGAN + 3600.0, UTC)
    limits = QuotaLimits(per_day=2, interactive_reserve=0, day_starts=turns.timetz())
    fast = shared(limits, wall_clock=lambda: BEGAN + now() + 90_000.0)  # by more than a day
    for _ in range(2):
        fast.release(await fast.acquire(Lane.BULK), status=200)
    with pytest.raises(DailyQuotaError) as refused:
        await fast.acquire(Lane.BULK)
    assert refused.value.resets_at == turns


def test_settings_of_other_types_are_refused_by_name_all_at_once() -> None:
    wrong: dict[str, Any] = {
        "limits": 3.0,
        "fail": "local",
        "local_share": "0.1",
        "timeout": "1",
        "on_event": 1,
    }
    with pytest.raises(ValueError, match=r"company .*; limits .*; local_share .*; timeout .*; on_event "):
        RedisQuota("redis://localhost", company=7, **wrong)  # type: ignore[arg-type]  # the point
