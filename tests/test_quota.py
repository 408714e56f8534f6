from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import time
from typing import Any

import pytest

from gong_tasks_async import (
    DeadlineExceeded,
    Event,
    Lane,
    LocalQuota,
    PaceChanged,
    Paused,
    QuotaLimits,
    RateLimitError,
    Resumed,
    Unlimited,
)
from tests.fakes import times_between

pytestmark = pytest.mark.virtual
SPACING = QuotaLimits().spacing


def now() -> float:
    return asyncio.get_running_loop().time()


async def spend(quota: LocalQuota, *, lane: Lane = Lane.BULK, flight: float = 0.0) -> float:
    """Take a turn, be answered after the flight, and tell when it departed."""
    turn = await quota.acquire(lane)
    if flight:
        await asyncio.sleep(flight)
    quota.release(turn, status=200)
    return turn.departed


async def departures(quota: LocalQuota, count: int, *, flight: float = 0.0) -> list[float]:
    return sorted(await asyncio.gather(*(spend(quota, flight=flight) for _ in range(count))))


async def test_calls_leave_evenly_spaced() -> None:
    gaps = times_between(await departures(LocalQuota(), 100))
    assert min(gaps) == pytest.approx(SPACING, rel=1e-6)
    assert max(gaps) == pytest.approx(SPACING, rel=1e-6)


async def test_any_second_is_kept_within_the_limit_however_slow_the_answers() -> None:
    moments = await departures(LocalQuota(), 60, flight=2.5)
    assert all(moments[i + 3] - moments[i] >= 2.5 + 1.0 for i in range(5))  # a window after the answer


async def test_a_slot_is_freed_earlier_by_the_quickest_round_trip_once_that_is_known() -> None:
    moments = await departures(LocalQuota(), 400, flight=0.5)
    assert times_between(moments[:6])[2] == pytest.approx(1.5 - 2 * SPACING, abs=0.01)
    assert (moments[399] - moments[339]) / 60 == pytest.approx((1.0 + 0.5 - 0.35 * 0.5) / 3, rel=0.02)


async def test_an_answer_that_never_came_frees_its_slot_after_the_window() -> None:
    quota = LocalQuota(QuotaLimits(per_second=1.0, headroom=0.0))
    turn = await quota.acquire(Lane.BULK)
    quota.release(turn, status=None)
    assert (await quota.acquire(Lane.BULK)).departed == pytest.approx(1.0, abs=1e-3)


async def test_less_than_a_call_a_second_is_kept_too() -> None:
    gaps = times_between(await departures(LocalQuota(QuotaLimits(per_second=0.25, headroom=0.0)), 5))
    assert min(gaps) >= 4.0


async def test_a_pause_shuts_everybody_out_for_exactly_so_long_and_then_they_leave_evenly() -> None:
    heard: list[Event] = []
    quota = LocalQuota(QuotaLimits(adaptive=False), on_event=heard.append)
    await spend(quota)
    quota.pause(30.0)
    shut_at = now()
    moments = await departures(quota, 5)
    assert moments[0] == pytest.approx(shut_at + 30.0, abs=1e-3)
    assert min(times_between(moments)) == pytest.approx(SPACING, rel=1e-4)
    assert [type(event) for event in heard if isinstance(event, Paused | Resumed)] == [Paused, Resumed]


async def test_a_pause_that_comes_while_a_token_is_awaited_holds_that_caller_too() -> None:
    quota = LocalQuota(QuotaLimits(adaptive=False))
    await spend(quota)
    waiting = asyncio.create_task(spend(quota))
    await asyncio.sleep(SPACING / 2)
    quota.pause(10.0)
    assert await waiting == pytest.approx(SPACING / 2 + 10.0, abs=1e-3)


async def test_a_longer_pause_stands_and_a_shorter_one_does_not_cut_it() -> None:
    quota = LocalQuota(QuotaLimits(adaptive=False))
    quota.pause(10.0)
    quota.pause(2.0)
    assert await spend(quota) == pytest.approx(10.0, abs=1e-3)


async def test_a_pause_beyond_max_wait_is_told_at_once_to_newcomers_and_to_those_in_line() -> None:
    quota = LocalQuota(wall_clock=lambda: 1_790_000_000.0 + now())  # a long pause ends by either clock
    await spend(quota)
    in_line = [asyncio.create_task(quota.acquire(Lane.BULK, max_wait=60.0)) for _ in range(5)]
    await asyncio.sleep(0.1)
    quota.pause(3600.0)
    before = now()
    with pytest.raises(RateLimitError) as refused:
        await quota.acquire(Lane.INTERACTIVE, max_wait=60.0)
    outcomes = await asyncio.gather(*in_line, return_exceptions=True)
    assert now() - before < 1.0
    assert refused.value.retry_after == pytest.approx(3600.0)
    assert [type(outcome) for outcome in outcomes] == [RateLimitError] * 5


async def test_a_wait_at_the_gate_that_would_outlast_the_deadline_is_never_begun() -> None:
    quota = LocalQuota()
    quota.pause(20.0)
    before = now()
    with pytest.raises(DeadlineExceeded) as refused:
        await quota.acquire(Lane.INTERACTIVE, deadline=before + 10.0)
    assert now() - before < 0.01
    assert refused.value.estimate == pytest.approx(20.0)


async def test_a_turn_that_cannot_come_before_the_deadline_is_refused_at_once() -> None:
    quota = LocalQuota()
    waiting = [asyncio.create_task(spend(quota)) for _ in range(100)]
    await asyncio.sleep(0.01)
    before = now()
    with pytest.raises(DeadlineExceeded) as refused:
        await quota.acquire(Lane.BULK, deadline=before + 20.0)
    assert now() == pytest.approx(before, abs=1e-3)
    assert refused.value.estimate == pytest.approx(100 * SPACING, rel=0.02)
    await quota.acquire(Lane.INTERACTIVE, deadline=before + 20.0)  # people need not wait behind machines
    await asyncio.gather(*waiting)


async def test_refusals_slow_the_pace_and_calls_without_one_win_it_back() -> None:
    heard: list[Event] = []
    quota = LocalQuota(on_event=heard.append)
    await spend(quota)
    for _ in range(3):
        quota.pause(1.0)
        quota.pause(1.0)  # of a call that was in flight together with the first: counts once
        slowed = times_between(await departures(quota, 10))
        await asyncio.sleep(1.0)
    assert min(slowed) == pytest.approx(SPACING / 0.8**2, rel=0.01)
    await departures(quota, 400 + 100)  # two rungs of 200 calls, then of 100
    assert min(times_between(await departures(quota, 10))) == pytest.approx(SPACING, rel=1e-4)
    changes = [event for event in heard if isinstance(event, PaceChanged)]
    rates = [changes[0].before, *(change.after for change in changes)]
    assert rates == pytest.approx([share * 3 / 1.03 for share in (1, 1, 0.8, 0.64, 0.8, 1, 1)])


async def test_the_pace_never_falls_to_nothing() -> None:
    quota = LocalQuota()
    for _ in range(20):
        await spend(quota)
        quota.pause(0.001)
    assert min(times_between(await departures(quota, 3))) <= SPACING / 0.8**6 + 1e-6


async def test_what_gong_says_of_the_day_does_not_move_the_pace() -> None:
    quota = LocalQuota()
    for _ in range(5):
        await spend(quota)
        quota.pause(90.0, day_spent=True)
        await quota.reopen()
    assert quota._pacer.rate == pytest.approx(1 / SPACING)


async def test_after_a_refusal_the_next_call_leaves_at_random_within_a_spacing() -> None:
    delays = []
    for _ in range(50):
        quota = LocalQuota()
        await spend(quota)
        started = now()
        quota.pause(0.0)
        delays.append(await spend(quota) - started)
    assert min(delays) >= 1.0  # a window: two clients that come back at once are refused at once
    assert max(delays) <= 1.0 + SPACING + 1e-6
    assert max(delays) - min(delays) > SPACING / 2


async def test_a_call_that_hangs_holds_nobody_up_for_long() -> None:
    quota = LocalQuota(QuotaLimits(per_second=1.0, headroom=0.0))
    hanging = await quota.acquire(Lane.BULK)
    assert await spend(quota) - hanging.departed == pytest.approx(5.0 + 1.0, abs=1e-3)
    quota.release(hanging, status=200)  # answered late: it may have arrived only now
    assert await spend(quota) - now() == pytest.approx(0.0, abs=1e-6)
    assert now() - hanging.departed == pytest.approx(5.0 + 1.0 + 1.0, abs=1e-2)


async def test_a_call_that_was_never_sent_counts_neither_in_the_second_nor_in_the_day() -> None:
    quota = LocalQuota(QuotaLimits(per_second=1.0, headroom=0.0))
    quota.release(await quota.acquire(Lane.BULK), status=None, sent=False)
    assert (await quota.snapshot()).used == 0
    assert quota._pacer.is_free()


async def test_an_adaptive_pace_can_be_turned_off() -> None:
    quota = LocalQuota(QuotaLimits(adaptive=False))
    quota.pause(1.0)
    assert min(times_between(await departures(quota, 10))) == pytest.approx(SPACING, rel=1e-4)


async def test_two_hundred_cancelled_waiters_cost_nobody_a_token() -> None:
    quota = LocalQuota()
    await spend(quota)
    doomed = [asyncio.create_task(spend(quota)) for _ in range(200)]
    await asyncio.sleep(0.1)
    for task in doomed:
        task.cancel()
    await asyncio.wait(doomed)
    assert await spend(quota) == pytest.approx(SPACING, abs=1e-3)


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.5, 1.0, 1.2, 2.0])
async def test_cancelling_the_one_at_the_front_leaves_no_hole(moment: float) -> None:
    quota = LocalQuota()
    full = [await quota.acquire(Lane.BULK) for _ in range(3)]  # the window is full, and no answer has come
    leading, behind = asyncio.create_task(spend(quota)), asyncio.create_task(spend(quota))
    await asyncio.sleep(moment)
    leading.cancel()
    await asyncio.sleep(0)
    quota.release(full[0], status=200)
    released_at = now()
    assert await behind == pytest.approx(released_at + 1.0, abs=0.05)


async def test_the_only_bulk_call_leaves_in_its_turn_among_interactive_ones() -> None:
    quota = LocalQuota(QuotaLimits(bulk_share=0.5))
    waiting = [asyncio.create_task(spend(quota, lane=Lane.INTERACTIVE)) for _ in range(20)]
    await asyncio.sleep(0.01)
    departed = await asyncio.wait_for(spend(quota), 10.0)
    assert departed < 5 * SPACING
    await asyncio.gather(*waiting)


async def test_without_limits_nobody_waits() -> None:
    quota = Unlimited()
    for _ in range(1000):
        quota.release(await quota.acquire(Lane.BULK), status=200)
    assert now() < 0.01


async def test_without_limits_a_429_is_obeyed_all_the_same() -> None:
    quota = Unlimited()
    quota.pause(100.0)
    with pytest.raises(RateLimitError):
        await quota.acquire(Lane.BULK, max_wait=60.0)
    await quota.acquire(Lane.BULK)
    assert now() == pytest.approx(100.0, abs=0.01)


async def test_without_limits_one_call_at_a_time_finds_out_whether_a_429_still_holds() -> None:
    quota, departed = Unlimited(), list[float]()

    async def call(status: int | None) -> None:
        permit = await quota.acquire(Lane.BULK)
        departed.append(now())
        await asyncio.sleep(1.0)
        quota.release(permit, status=status)
        if status == 429:
            quota.pause(5.0)

    quota.pause(5.0)
    calls = [asyncio.create_task(call(status)) for status in (429, 200, None, 429, 200, 200, 200)]
    await asyncio.sleep(1.0)
    calls[1].cancel()
    await asyncio.wait(calls)
    assert departed == pytest.approx([5.0, 11.0, 12.0, 18.0, 19.0, 19.0], abs=0.01)


async def test_without_limits_a_pause_that_is_ended_by_hand_lets_all_calls_go() -> None:
    quota = Unlimited()
    quota.pause(1_000.0)
    waiting = [asyncio.create_task(quota.acquire(Lane.BULK)) for _ in range(3)]
    await asyncio.sleep(1.0)
    await quota.reopen()
    await asyncio.wait_for(asyncio.gather(*waiting), 1.0)


async def test_a_quota_is_named_by_its_numbers() -> None:
    assert repr(LocalQuota()) == "<LocalQuota: 2.91 calls a second, 10,000 a day; 0 waiting>"
    assert "any number a day" in repr(LocalQuota(QuotaLimits(per_day=None, interactive_reserve=0)))
    assert repr(Unlimited()) == "Unlimited()"


BAD_LIMITS: dict[str, Callable[[], QuotaLimits]] = {
    "per_second": lambda: QuotaLimits(per_second=0),
    "window": lambda: QuotaLimits(window=math.nan),
    "headroom": lambda: QuotaLimits(headroom=-0.1),
    "bulk_share": lambda: QuotaLimits(bulk_share=1.0),
    "per_day": lambda: QuotaLimits(per_day=0, interactive_reserve=0),
    "interactive_reserve": lambda: QuotaLimits(interactive_reserve=-1),
}


@pytest.mark.parametrize("name", BAD_LIMITS)
async def test_settings_that_make_no_sense_are_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"QuotaLimits refused: {name} must be"):
        BAD_LIMITS[name]()


@pytest.mark.parametrize(
    "settings",
    [
        {"per_second": 1e-6},
        {"window": 1e-6},
        {"headroom": 0.0},
        {"headroom": 0.999},
        {"bulk_share": 0.0},
        {"bulk_share": 0.999},
        {"per_day": 1, "interactive_reserve": 0},
        {"per_day": 2, "interactive_reserve": 1},
        {"per_day": None, "interactive_reserve": 500},
    ],
    ids=str,
)
async def test_settings_at_the_edge_of_their_range_are_kept_and_let_calls_depart(
    settings: dict[str, Any],
) -> None:
    limits = QuotaLimits(**settings)
    assert {name: getattr(limits, name) for name in settings} == settings
    quota = LocalQuota(limits)
    quota.release(await quota.acquire(Lane.BULK), status=200)
    assert (await quota.snapshot()).used == 1


async def test_a_reserve_beyond_the_day_and_a_day_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="interactive_reserve 500 leaves nothing of per_day 400 for bulk"):
        QuotaLimits(per_day=400)
    with pytest.raises(ValueError, match="day_starts has no time zone"):
        QuotaLimits(day_starts=time(0))


async def test_all_bad_settings_are_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"per_second .*; headroom "):
        QuotaLimits(per_second=-1, headroom=2)
