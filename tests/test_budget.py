from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TypeGuard

import pytest

from gong_tasks_async import (
    BudgetLow,
    BudgetSpent,
    DailyQuotaError,
    Event,
    Lane,
    LocalQuota,
    QuotaLimits,
)
from gong_tasks_async.quota import WaitReason
from gong_tasks_async.quota.day import DAY
from gong_tasks_async.simulator import Engine
from tests.conftest import Connect

virtual = pytest.mark.virtual
PERSON, MACHINE = Lane.INTERACTIVE, Lane.BULK
START = 1_790_000_000.0
TURN = 1_790_035_200.0  # the next midnight in Greenwich
MIDNIGHT = time(0, tzinfo=UTC)


def wall() -> float:
    return START + asyncio.get_running_loop().time()


def quota_of(
    per_day: int | None = 10, on_event: Callable[[Event], None] | None = None, **limits: object
) -> LocalQuota:
    limits.setdefault("interactive_reserve", 0)
    return LocalQuota(QuotaLimits(per_day=per_day, **limits), on_event=on_event, wall_clock=wall)  # type: ignore[arg-type]


async def call(quota: LocalQuota, lane: Lane = PERSON, *, status: int = 200, flight: float = 0.0) -> float:
    turn = await quota.acquire(lane)
    await asyncio.sleep(flight)
    quota.release(turn, status=status)
    return turn.departed


async def call_on_any_day(quota: LocalQuota, lane: Lane = MACHINE) -> float:
    """Wait for as many turns of the day as it takes."""
    while True:
        try:
            return await call(quota, lane)
        except DailyQuotaError as spent:
            assert spent.resets_at is not None  # noqa: PT017 - told each time
            await asyncio.sleep(max(0.0, spent.resets_at.timestamp() - wall()) + 1e-3)


async def used(quota: LocalQuota) -> int:
    return (await quota.snapshot()).used


# What is spent


@virtual
async def test_a_call_at_the_very_turn_counts_for_the_day_that_begins() -> None:
    quota = quota_of(1, day_starts=MIDNIGHT)
    await asyncio.sleep(TURN - wall())
    quota._wall_clock = quota._budget._now = lambda: TURN
    await call(quota)
    assert await used(quota) == 1


@virtual
@pytest.mark.parametrize("day_starts", [None, MIDNIGHT])
async def test_a_spent_day_is_told_at_once_with_its_end(day_starts: time | None) -> None:
    quota = quota_of(5, day_starts=day_starts)
    first = START + (await asyncio.gather(*(call(quota) for _ in range(5))))[0]
    before = wall()
    for lane in (PERSON, MACHINE, PERSON):
        with pytest.raises(DailyQuotaError) as spent:
            await quota.acquire(lane)
        resets_at = spent.value.resets_at
        assert resets_at is not None
        assert resets_at.timestamp() == pytest.approx(TURN if day_starts else first + DAY, abs=1e-3)
    assert wall() - before < 3.5  # a token or so
    assert await used(quota) == 5


@virtual
async def test_those_in_line_are_told_together_when_the_day_is_spent_under_them() -> None:
    quota = quota_of(5)
    outcomes = await asyncio.gather(*(call(quota, MACHINE) for _ in range(1_000)), return_exceptions=True)
    assert sum(isinstance(outcome, DailyQuotaError) for outcome in outcomes) == 995
    assert wall() - START < 7 * quota.limits.spacing


@virtual
async def test_machines_stop_at_the_reserve_while_people_go_on() -> None:
    quota = quota_of(20, interactive_reserve=5)
    outcomes = await asyncio.gather(*(call(quota, MACHINE) for _ in range(18)), return_exceptions=True)
    assert sum(isinstance(outcome, float) for outcome in outcomes) == 15
    assert {type(outcome) for outcome in outcomes} == {float, DailyQuotaError}
    await asyncio.gather(*(call(quota, PERSON) for _ in range(5)))
    with pytest.raises(DailyQuotaError):
        await quota.acquire(PERSON)


@virtual
async def test_a_rolling_day_frees_calls_one_by_one() -> None:
    quota = quota_of(3)
    moments = []
    for _ in range(3):
        moments.append(await call(quota))
        await asyncio.sleep(1_000)
    again = [await call_on_any_day(quota) for _ in range(3)]
    assert again == [pytest.approx(moment + DAY, abs=0.01) for moment in moments]


@virtual
async def test_a_fixed_day_frees_all_calls_at_once() -> None:
    quota = quota_of(3, day_starts=MIDNIGHT)
    await asyncio.gather(*(call(quota) for _ in range(3)))
    again = [START + await call_on_any_day(quota) for _ in range(4)]
    assert again[:3] == [pytest.approx(TURN, abs=1.1)] * 3
    assert again[3] == pytest.approx(TURN + DAY, abs=0.01)


def quota_of_fixed_days(per_day: int, store: Path | None) -> LocalQuota:
    return quota_of(per_day, day_starts=MIDNIGHT, adaptive=False, day_store=store)


@virtual
@pytest.mark.parametrize("store", [None, "day"])
async def test_a_call_that_is_paced_over_the_reset_counts_in_the_day_in_which_it_departs(
    store: str | None, tmp_path: Path
) -> None:
    quota = quota_of_fixed_days(5, tmp_path / store if store else None)
    await asyncio.sleep(TURN - 2.0 - wall())
    hanging = [
        await quota.acquire(PERSON) for _ in range(3)
    ]  # the window is full until they count as arrived
    assert START + await call(quota) > TURN + 2.0
    assert await used(quota) == 1
    outcomes = await asyncio.gather(*(call(quota) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(outcome, float) for outcome in outcomes) == 4
    for turn in hanging:
        quota.release(turn, status=None)


@virtual
async def test_a_call_that_is_paced_into_a_spent_day_is_refused_and_the_next_one_is_served(
    tmp_path: Path,
) -> None:
    quota, other = (quota_of_fixed_days(4, tmp_path / "day") for _ in range(2))
    await asyncio.sleep(TURN - 2.0 - wall())
    hanging = [await quota.acquire(PERSON) for _ in range(3)]
    held = asyncio.create_task(call(quota))
    await asyncio.sleep(TURN + 0.1 - wall())
    await call(other)
    left = [await other.acquire(PERSON) for _ in range(3)]
    with pytest.raises(DailyQuotaError):
        await held
    assert await used(quota) == 4
    other.release(left[0], status=200, sent=False)
    await asyncio.sleep(120.0)
    await call(quota)
    assert await used(quota) == 4
    for turn in hanging:
        quota.release(turn, status=None)


@virtual
async def test_without_a_daily_limit_calls_are_counted_and_none_is_refused() -> None:
    quota = quota_of(None, per_second=1_000.0)
    await asyncio.gather(*(call(quota, MACHINE) for _ in range(300)))
    now = await quota.snapshot()
    assert (now.used, now.left) == (300, None)
    assert (await quota.estimate(10**6)).seconds < 2_000


@virtual
@pytest.mark.parametrize("count", [True, False])
async def test_refused_calls_count_or_not_as_the_setting_says(count: bool) -> None:
    quota = quota_of(10, count_rate_limited=count)
    await asyncio.gather(*(call(quota, status=429 if n % 2 else 200) for n in range(6)))
    assert await used(quota) == (6 if count else 3)


@virtual
async def test_a_call_given_back_is_there_for_the_next_who_asks_however_often_it_was_denied_before() -> None:
    quota = quota_of(1, count_rate_limited=False)
    turn = await quota.acquire(PERSON)
    with pytest.raises(DailyQuotaError):
        await quota.acquire(PERSON)
    quota.release(turn, status=429)
    assert await used(quota) == 0
    await call(quota)  # such as the refused one's next try


# Gong's own word


@virtual
async def test_gongs_word_overrides_ours_and_whoever_shares_the_file_hears_it(
    connect: Connect, tmp_path: Path
) -> None:
    gong, heard = Engine(per_day=5), list[Event]()
    quota = quota_of(100, heard.append, day_store=tmp_path / "day")
    client = await connect(gong, quota=quota)
    for _ in range(5):
        await client.list_tasks("1")
    for sent in (1, 0, 0):
        with pytest.raises(DailyQuotaError) as spent:
            await client.list_tasks("1")
        assert spent.value.attempts == sent
    await asyncio.sleep(1.0)
    other = quota_of(100, day_store=tmp_path / "day")
    with pytest.raises(DailyQuotaError) as spent:
        await other.acquire(PERSON, max_wait=60.0)
    assert spent.value.resets_at is not None
    assert spent.value.resets_at.timestamp() == pytest.approx(START + DAY, abs=2.0)
    assert gong.ledger.calls == 6
    assert (await other.estimate(1)).seconds == pytest.approx(DAY, abs=3.0)
    assert (await quota.snapshot()).paused_until is not None
    await asyncio.sleep(DAY)
    await client.list_tasks("1")
    await call(other)


@virtual
async def test_a_snapshot_shows_the_gate_shut_by_gongs_word_to_another_process(tmp_path: Path) -> None:
    quota, other = (quota_of(100, day_store=tmp_path / "day") for _ in range(2))
    quota.pause(3_600.0, day_spent=True)
    await asyncio.sleep(1.0)
    shut = [(await each.snapshot()).paused_until for each in (quota, other)]
    assert shut == [datetime.fromtimestamp(START + 3_600, UTC)] * 2


@virtual
async def test_gongs_word_is_told_as_an_event() -> None:
    heard: list[Event] = []
    quota = quota_of(100, heard.append)
    quota.pause(3_600.0, day_spent=True)
    with pytest.raises(DailyQuotaError):
        await quota.acquire(PERSON, max_wait=60.0)
    assert BudgetSpent in [type(event) for event in heard]


@virtual
async def test_each_share_of_the_day_that_is_left_is_told_once_and_the_end_once_for_each_lane() -> None:
    heard: list[Event] = []
    quota = quota_of(100, heard.append, interactive_reserve=5)
    for _ in range(104):
        with contextlib.suppress(DailyQuotaError):
            await call(quota, MACHINE)
    for _ in range(8):
        with contextlib.suppress(DailyQuotaError):
            await call(quota, PERSON)
    printed = [
        event.left if isinstance(event, BudgetLow) else event.lane for event in heard if told_of_budget(event)
    ]
    assert printed == [25, 10, "bulk", 2, "interactive"]


def told_of_budget(event: Event) -> TypeGuard[BudgetLow | BudgetSpent]:
    return isinstance(event, BudgetLow | BudgetSpent)


@virtual
async def test_a_rolling_day_that_hovers_about_a_threshold_tells_of_it_once_a_day() -> None:
    events: list[Event] = []
    quota = quota_of(100, events.append)
    for _ in range(76):
        await call(quota)
        await asyncio.sleep(500)
    await asyncio.sleep(DAY - 76 * 500)
    for _ in range(20):  # two calls are freed, two are made
        await asyncio.sleep(1_000)
        await asyncio.gather(call(quota), call(quota))
    assert 1 <= sum(isinstance(event, BudgetLow) for event in events) <= 2


@virtual
async def test_a_snapshot_tells_how_things_stand() -> None:
    quota = quota_of(100, interactive_reserve=20)
    assert (await quota.snapshot()).resets_at is None
    first = START + await call(quota)
    lines = [asyncio.create_task(call(quota, lane)) for lane in (MACHINE, MACHINE, MACHINE, PERSON, PERSON)]
    await asyncio.sleep(0.01)
    now = await quota.snapshot()
    assert (now.used, now.left, now.reserve, now.paused_until) == (
        2,
        98,
        20,
        None,
    )  # with the head of the queue
    assert now.waiting == {MACHINE: 2, PERSON: 2}  # and one at the front
    assert now.resets_at == datetime.fromtimestamp(first + DAY, UTC)
    assert now.per_second == pytest.approx(1 / quota.limits.spacing)
    quota.pause(30.0)
    assert (await quota.snapshot()).paused_until == datetime.fromtimestamp(wall() + 30.0, UTC)
    assert (await quota.snapshot()).waits_for is WaitReason.RATE_LIMIT
    await asyncio.gather(*lines)
    assert (await quota.snapshot()).paused_until is None


@virtual
@pytest.mark.parametrize("ahead", [0, 30])
@pytest.mark.parametrize(
    ("per_day", "day_starts"), [(10_000, None), (40, None), (40, MIDNIGHT), (9, None), (9, MIDNIGHT)]
)
async def test_an_estimate_comes_true_within_two_percent(
    ahead: int, per_day: int, day_starts: time | None
) -> None:
    quota = quota_of(per_day, day_starts=day_starts)
    await asyncio.gather(*(call(quota) for _ in range(3)))
    others = [asyncio.create_task(call_on_any_day(quota)) for _ in range(ahead)]
    await asyncio.sleep(0.01)
    before, foretold = wall(), await quota.estimate(50)
    left = await asyncio.gather(*(call_on_any_day(quota) for _ in range(50)), *others)
    assert foretold.seconds == pytest.approx(START + max(left) - before, rel=0.02)
    assert foretold.ends_at.timestamp() == pytest.approx(before + foretold.seconds, abs=0.01)


@virtual
async def test_an_estimate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="calls must be at least 1"):
        await quota_of().estimate(0)
