"""What every quota promises, whether it is one process's or a company's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest

from gong_tasks_async import (
    BudgetLow,
    BudgetSpent,
    DailyQuotaError,
    DeadlineExceeded,
    Event,
    Lane,
    LocalQuota,
    PaceChanged,
    Paused,
    Quota,
    QuotaLimits,
    RateLimitError,
    Resumed,
)
from tests.fakes import times_between
from tests.shared_quota_fakes import BEGAN, MakeShared, shared as shared  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.virtual
SPACING = QuotaLimits().spacing
AN_HOUR, A_DAY = 3600.0, 86_400.0
A_BUCKET = 300.0
"""By so much later than a day a shared count may forget a call."""

MakeQuota = Callable[..., Quota]


@pytest.fixture(params=["local", "shared"])
def make(request: pytest.FixtureRequest) -> MakeQuota:
    if request.param == "shared":
        made: MakeShared = request.getfixturevalue("shared")
        return made
    loop_time = lambda: BEGAN + now()  # noqa: E731 - shorter so
    return lambda limits=None, **settings: LocalQuota(limits, wall_clock=loop_time, **settings)


def now() -> float:
    return asyncio.get_running_loop().time()


async def spend(quota: Quota, *, lane: Lane = Lane.BULK, flight: float = 0.0) -> float:
    turn = await quota.acquire(lane)
    if flight:
        await asyncio.sleep(flight)
    quota.release(turn, status=200)
    return turn.departed


async def departures(quota: Quota, count: int, *, flight: float = 0.0) -> list[float]:
    return sorted(await asyncio.gather(*(spend(quota, flight=flight) for _ in range(count))))


async def test_calls_leave_evenly_spaced(make: MakeQuota) -> None:
    gaps = times_between(await departures(make(), 60))
    assert min(gaps) == pytest.approx(SPACING, rel=1e-4)
    assert max(gaps) == pytest.approx(SPACING, rel=1e-4)


async def test_slow_answers_keep_the_window_full(make: MakeQuota) -> None:
    moments = await departures(make(), 400, flight=0.5)
    assert all(moments[i + 3] - moments[i] >= 1.0 for i in range(397))
    assert (moments[399] - moments[339]) / 60 == pytest.approx((1.0 + 0.5 - 0.35 * 0.5) / 3, rel=0.02)


async def test_less_than_a_call_a_second_is_kept_too(make: MakeQuota) -> None:
    gaps = times_between(await departures(make(QuotaLimits(per_second=0.25, headroom=0.0)), 5))
    assert min(gaps) >= 4.0 - 1e-3


async def test_a_pause_shuts_everybody_out_for_so_long_and_then_they_leave_evenly(make: MakeQuota) -> None:
    heard: list[Event] = []
    quota = make(QuotaLimits(adaptive=False), on_event=heard.append)
    await spend(quota)
    quota.pause(30.0)
    shut_at = now()
    moments = await departures(quota, 5)
    assert moments[0] == pytest.approx(shut_at + 30.0, abs=1e-2)
    assert moments[0] >= shut_at + 30.0
    assert min(times_between(moments)) == pytest.approx(SPACING, rel=1e-3)
    assert [type(event) for event in heard if isinstance(event, Paused | Resumed)] == [Paused, Resumed]


async def test_a_pause_holds_whoever_was_about_to_leave(make: MakeQuota) -> None:
    quota = make(QuotaLimits(adaptive=False))
    await spend(quota)
    waiting = asyncio.create_task(spend(quota))
    await asyncio.sleep(SPACING / 2)
    quota.pause(10.0)
    shut_at = now()
    assert await waiting == pytest.approx(shut_at + 10.0, abs=1e-2)


async def test_a_longer_pause_stands_and_a_shorter_one_does_not_cut_it(make: MakeQuota) -> None:
    quota = make(QuotaLimits(adaptive=False))
    await spend(quota)
    quota.pause(10.0)
    quota.pause(2.0)
    shut_at = now()
    assert await spend(quota) == pytest.approx(shut_at + 10.0, abs=1e-2)


async def test_a_pause_beyond_max_wait_is_told_at_once_to_newcomers_and_to_those_in_line(
    make: MakeQuota,
) -> None:
    quota = make()
    await spend(quota)
    in_line = [asyncio.create_task(quota.acquire(Lane.BULK, max_wait=60.0)) for _ in range(5)]
    await asyncio.sleep(0.1)
    quota.pause(3600.0)
    before = now()
    with pytest.raises(RateLimitError) as refused:
        await quota.acquire(Lane.INTERACTIVE, max_wait=60.0)
    outcomes = await asyncio.gather(*in_line, return_exceptions=True)
    assert now() - before < 1.0
    assert refused.value.retry_after == pytest.approx(3600.0, rel=1e-3)
    assert [type(outcome) for outcome in outcomes] == [RateLimitError] * 5


async def test_a_wait_at_the_gate_that_would_outlast_the_deadline_is_never_begun(make: MakeQuota) -> None:
    quota = make()
    quota.pause(20.0)
    before = now()
    with pytest.raises(DeadlineExceeded):
        await quota.acquire(Lane.INTERACTIVE, deadline=before + 10.0)
    assert now() - before < 0.01


async def test_no_permit_is_granted_after_its_deadline_though_none_waits(make: MakeQuota) -> None:
    quota = make()
    await spend(quota)
    await asyncio.sleep(10.0)
    with pytest.raises(DeadlineExceeded):
        await quota.acquire(Lane.INTERACTIVE, deadline=now() - 0.001)
    await quota.acquire(Lane.INTERACTIVE, deadline=now() + 0.001)


async def test_a_turn_that_cannot_come_before_the_deadline_is_refused_at_once(make: MakeQuota) -> None:
    quota = make()
    waiting = [asyncio.create_task(spend(quota)) for _ in range(100)]
    await asyncio.sleep(0.01)
    before = now()
    with pytest.raises(DeadlineExceeded) as refused:
        await quota.acquire(Lane.BULK, deadline=before + 20.0)
    assert now() == pytest.approx(before, abs=1e-2)
    assert refused.value.estimate == pytest.approx(100 * SPACING, rel=0.02)
    await quota.acquire(Lane.INTERACTIVE, deadline=before + 20.0)
    await asyncio.gather(*waiting)


async def test_refusals_slow_the_pace_and_calls_without_one_win_it_back(make: MakeQuota) -> None:
    heard: list[Event] = []
    quota = make(on_event=heard.append)
    await spend(quota)
    for _ in range(3):
        quota.pause(1.0)
        quota.pause(1.0)
        slowed = times_between(await departures(quota, 10))
        await asyncio.sleep(1.0)
    assert min(slowed[1:]) == pytest.approx(SPACING / 0.8**2, rel=0.01)
    await departures(quota, 500)
    assert min(times_between(await departures(quota, 10))) == pytest.approx(SPACING, rel=1e-3)
    changes = [event for event in heard if isinstance(event, PaceChanged)]
    assert min(change.after for change in changes) == pytest.approx(0.64 * changes[0].before, rel=1e-3)
    assert changes[-1].after == pytest.approx(1 / SPACING, rel=1e-3)


async def test_an_adaptive_pace_can_be_turned_off(make: MakeQuota) -> None:
    quota = make(QuotaLimits(adaptive=False))
    quota.pause(1.0)
    assert min(times_between(await departures(quota, 10))) == pytest.approx(SPACING, rel=1e-3)


async def test_two_hundred_cancelled_waiters_cost_nobody_a_turn(make: MakeQuota) -> None:
    quota = make()
    first = await spend(quota)
    doomed = [asyncio.create_task(spend(quota)) for _ in range(200)]
    await asyncio.sleep(0.1)
    for task in doomed:
        task.cancel()
    await asyncio.wait(doomed)
    assert await spend(quota) == pytest.approx(first + SPACING, abs=1e-2)
    assert (await quota.snapshot()).used == 2


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.3, 0.34, 0.5])
async def test_cancelling_the_one_at_the_front_leaves_no_hole(make: MakeQuota, moment: float) -> None:
    quota = make()
    await spend(quota)
    before = await spend(quota)
    leading, behind = asyncio.create_task(spend(quota)), asyncio.create_task(spend(quota))
    await asyncio.sleep(moment)
    leading.cancel()
    assert await behind <= before + (1 if moment < SPACING else 2) * SPACING + 0.01


async def test_people_go_before_machines(make: MakeQuota) -> None:
    quota = make()
    await spend(quota)
    machines = [asyncio.create_task(spend(quota)) for _ in range(20)]
    await asyncio.sleep(0.01)
    person = await spend(quota, lane=Lane.INTERACTIVE)
    assert sum(moment < person for moment in await asyncio.gather(*machines)) <= 1


async def test_machines_get_their_share_while_people_fill_the_line(make: MakeQuota) -> None:
    quota = make(QuotaLimits(bulk_share=0.25))
    lanes = [Lane.INTERACTIVE] * 60 + [Lane.BULK] * 60
    tasks = [asyncio.create_task(spend(quota, lane=lane)) for lane in lanes]
    moments = list(zip(await asyncio.gather(*tasks), lanes, strict=True))
    bulk_among_forty = sum(lane is Lane.BULK for _, lane in sorted(moments, key=lambda pair: pair[0])[:40])
    assert bulk_among_forty == pytest.approx(10, abs=2)


async def test_a_spent_day_is_told_at_once_and_leaves_a_reserve_for_people(make: MakeQuota) -> None:
    heard: list[Event] = []
    quota = make(QuotaLimits(per_day=10, interactive_reserve=4), on_event=heard.append)
    first = min(await departures(quota, 6))
    for _ in range(3):
        with pytest.raises(DailyQuotaError) as refused:
            await quota.acquire(Lane.BULK)
    for _ in range(4):
        await spend(quota, lane=Lane.INTERACTIVE)
    with pytest.raises(DailyQuotaError):
        await quota.acquire(Lane.INTERACTIVE)
    assert refused.value.resets_at is not None
    late = (refused.value.resets_at - datetime.fromtimestamp(BEGAN, UTC)).total_seconds() - A_DAY
    assert -1.0 <= late - first <= A_BUCKET + 1.0
    assert [event.lane for event in heard if isinstance(event, BudgetSpent)] == ["bulk", "interactive"]
    assert sum(isinstance(event, BudgetLow) for event in heard) >= 1
    snapshot = await quota.snapshot()
    assert (snapshot.used, snapshot.left, snapshot.reserve) == (10, 0, 4)


async def test_a_rolling_day_frees_its_calls_a_day_later(make: MakeQuota) -> None:
    quota = make(QuotaLimits(per_day=3, interactive_reserve=0))
    await departures(quota, 3)
    await asyncio.sleep(A_DAY - 10.0)
    with pytest.raises(DailyQuotaError):
        await spend(quota)
    await asyncio.sleep(10.0 + A_BUCKET)
    await departures(quota, 3)
    with pytest.raises(DailyQuotaError):
        await spend(quota)


async def test_a_fixed_day_frees_all_at_its_turn(make: MakeQuota) -> None:
    turns = datetime.fromtimestamp(BEGAN, UTC) + timedelta(hours=5)
    quota = make(QuotaLimits(per_day=5, interactive_reserve=0, day_starts=turns.timetz()))
    await departures(quota, 5)
    with pytest.raises(DailyQuotaError) as refused:
        await spend(quota)
    assert refused.value.resets_at == turns
    await asyncio.sleep(5 * 3600.0 - now() - 1.0)
    with pytest.raises(DailyQuotaError):
        await spend(quota)
    await asyncio.sleep(1.5)
    await departures(quota, 5)
    with pytest.raises(DailyQuotaError) as again:
        await spend(quota)
    assert again.value.resets_at == turns + timedelta(days=1)


async def test_a_call_that_departs_just_after_the_reset_counts_in_the_day_that_begins(
    make: MakeQuota,
) -> None:
    reset = 20.0
    turns = datetime.fromtimestamp(BEGAN + reset, UTC)
    quota = make(QuotaLimits(per_day=15, interactive_reserve=0, day_starts=turns.timetz()))
    await spend(quota)
    await asyncio.sleep(reset + 0.005 - 10 * SPACING - now())
    moments = [await spend(quota) for _ in range(25)]
    assert sum(moment >= reset for moment in moments) == 15
    assert min(moment for moment in moments if moment >= reset) < reset + 0.01
    with pytest.raises(DailyQuotaError):
        await spend(quota)
    assert (await quota.snapshot()).used == 15


async def test_a_refused_call_counts_only_where_it_is_set_so(make: MakeQuota) -> None:
    quota = make(QuotaLimits(per_day=10, interactive_reserve=0, count_rate_limited=False))
    for _ in range(3):
        quota.release(await quota.acquire(Lane.BULK), status=429)
    await spend(quota)
    await asyncio.sleep(1.0)
    assert (await quota.snapshot()).used == 1


async def test_a_day_that_gong_calls_spent_is_spent_for_all(make: MakeQuota) -> None:
    quota = make()
    await spend(quota)
    quota.pause(7200.0, day_spent=True)
    for lane in Lane:
        with pytest.raises(DailyQuotaError) as refused:
            await quota.acquire(lane, max_wait=60.0)
        assert refused.value.retry_after == pytest.approx(7200.0, rel=1e-3)
    await asyncio.sleep(0.1)
    assert (await quota.snapshot()).paused_until is not None


async def test_a_probe_of_the_day_waits_for_a_short_pause_which_outlasts_its_success(make: MakeQuota) -> None:
    quota = make(QuotaLimits(adaptive=False))
    await spend(quota)
    quota.pause(10 * AN_HOUR, day_spent=True)
    await asyncio.sleep(AN_HOUR - 5.0)
    quota.pause(30.0)  # a call that was in flight was refused, too
    await asyncio.sleep(20.0)
    with pytest.raises(DailyQuotaError):
        await quota.acquire(Lane.BULK, max_wait=60.0)
    await asyncio.sleep(11.0)
    probe = await quota.acquire(Lane.BULK, max_wait=60.0)
    quota.pause(5.0)
    await asyncio.sleep(0.1)
    quota.release(probe, status=200)  # the day is open again, and the short pause holds
    await asyncio.sleep(0.1)
    assert await spend(quota) - probe.departed == pytest.approx(5.0, abs=0.5)
    assert (await quota.snapshot()).paused_until is None


@pytest.mark.parametrize("status", [None, 401, 429, 500])
async def test_a_probe_that_does_not_succeed_leaves_the_day_spent(
    make: MakeQuota, status: int | None
) -> None:
    quota = make()
    await spend(quota)
    quota.pause(10 * AN_HOUR, day_spent=True)
    await asyncio.sleep(AN_HOUR + 1.0)
    quota.release(await quota.acquire(Lane.BULK, max_wait=60.0), status=status)
    await asyncio.sleep(31.0)
    with pytest.raises(DailyQuotaError):
        await quota.acquire(Lane.BULK, max_wait=60.0)


async def test_an_estimate_knows_the_pace_the_line_and_the_day(make: MakeQuota) -> None:
    quota = make(QuotaLimits(per_day=100, interactive_reserve=0))
    await departures(quota, 10)
    await asyncio.sleep(5.0)
    soon, later = await quota.estimate(31), await quota.estimate(100)
    assert soon.seconds == pytest.approx(30 * SPACING, abs=0.5)
    assert A_DAY - 20.0 < later.seconds < A_DAY + A_BUCKET + 20.0
    with pytest.raises(ValueError, match="calls must be at least 1"):
        await quota.estimate(0)


async def test_a_snapshot_tells_the_pace_and_who_waits(make: MakeQuota) -> None:
    quota = make()
    await spend(quota)
    tasks = [asyncio.create_task(spend(quota)) for _ in range(20)]
    await asyncio.sleep(3.0)
    snapshot = await quota.snapshot()
    assert snapshot.per_second == pytest.approx(1 / SPACING, rel=0.01)
    assert 5 <= snapshot.waiting[Lane.BULK] <= 15
    assert snapshot.waiting[Lane.INTERACTIVE] == 0
    await asyncio.gather(*tasks)


async def test_a_day_without_a_limit_still_counts(make: MakeQuota) -> None:
    quota = make(QuotaLimits(per_day=None, day_starts=time(0, tzinfo=UTC)))
    await departures(quota, 3)
    snapshot = await quota.snapshot()
    assert (snapshot.used, snapshot.left) == (3, None)
