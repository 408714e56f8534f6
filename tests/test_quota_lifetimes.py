"""How long a quota lives: over event loops, threads, forks and clients, and while a machine sleeps."""

from __future__ import annotations

import asyncio
import math
import threading
import time
import warnings
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, time as clock_time
from pathlib import Path

import pytest

from gong_tasks_async import (
    AccessKey,
    ClientStateError,
    CredentialsError,
    DailyQuotaError,
    GongTasksClient,
    Lane,
    LocalQuota,
    QuotaLimits,
    RateLimitError,
)
from gong_tasks_async.quota import WaitReason
from gong_tasks_async.quota.day import DAY, PROBE_INTERVAL, FixedDay, bound_pause, day_of
from gong_tasks_async.quota.gate import LONGEST_SLEEP
from gong_tasks_async.quota.local.budget import Budget
from gong_tasks_async.quota.local.day_store import MemoryStore
from gong_tasks_async.settings import AnyCredentials
from gong_tasks_async.simulator import Engine, VirtualClockLoop, make_app, memory_session
from tests.fakes import times_between

HOUR = 3_600.0
FAST = QuotaLimits(per_second=1_000.0, per_day=20, interactive_reserve=0)
virtual = pytest.mark.virtual


class Wall:
    """A wall clock that can be set; otherwise it goes with the loop's."""

    def __init__(self) -> None:
        self.ahead = 1_700_000_000.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead


async def call(quota: LocalQuota, status: int = 200, max_wait: float = 60.0) -> None:
    quota.release(await quota.acquire(Lane.INTERACTIVE, max_wait=max_wait), status=status)


def run_virtually(main: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await main()

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        runner.run(run())


# Event loops, threads, clients


@pytest.mark.usefixtures("swept")
def test_over_several_event_loops_a_quota_keeps_its_counts_and_warns_of_nothing() -> None:
    quota, used = LocalQuota(FAST), []

    async def one() -> None:
        await call(quota)
        used.append((await quota.snapshot()).used)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            asyncio.run(one())
    assert used == [1, 2, 3]


def test_a_pause_and_the_window_outlast_the_event_loop() -> None:
    quota = LocalQuota(QuotaLimits(per_second=1.0, headroom=0.0))
    waited: list[float] = []

    async def one() -> None:
        before = asyncio.get_running_loop().time()
        await call(quota)
        waited.append(asyncio.get_running_loop().time() - before)
        if len(waited) == 2:
            quota.pause(5.0)

    for _ in range(3):
        run_virtually(one)  # each has a clock of its own, which begins at 0
    assert waited[:2] == pytest.approx([0.0, 1.0], abs=0.01)
    assert 5.0 <= waited[2] <= 6.01


def test_waiters_of_an_event_loop_that_has_ended_hold_nobody_up() -> None:
    quota = LocalQuota(QuotaLimits(per_second=0.1))

    async def cut_off() -> None:
        tasks = [asyncio.create_task(call(quota)) for _ in range(3)]
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()

    run_virtually(cut_off)
    run_virtually(lambda: call(quota))
    assert "0 waiting" in repr(quota)


def test_two_threads_at_once_are_refused_by_name_and_then_served() -> None:
    quota, started, end = LocalQuota(FAST), threading.Event(), threading.Event()

    async def hold() -> None:
        await call(quota)
        started.set()
        await asyncio.to_thread(end.wait)

    first = threading.Thread(target=lambda: asyncio.run(hold()))
    first.start()
    started.wait()
    with pytest.raises(ClientStateError, match="another event loop"):
        asyncio.run(call(quota))
    end.set()
    first.join()
    asyncio.run(call(quota))


@pytest.mark.parametrize("closed", [True, False])
async def test_two_clients_with_quotas_of_their_own_are_warned_of_unless_one_is_closed(
    closed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def client() -> GongTasksClient:
        return GongTasksClient(AccessKey(f"key-{closed}", "secret"), base_url="https://x.api.gong.io")

    first = client()
    async with first:
        pass
    if not closed:
        first = client()
    second = client()
    assert ("Two clients" in caplog.text) is not closed
    await second.close()


# Bounds in time


def test_a_pause_ends_at_the_days_reset_or_a_day_later_and_lasts_a_window() -> None:

    rolling, fixed = QuotaLimits(), FixedDay(clock_time(0, tzinfo=UTC))
    midnight = 20_000 * DAY

    day = day_of(rolling.day_starts)
    asked = (604_800.0, float("inf"), 7_200.0, 5.0, 0.0, -3.0, float("nan"))
    bounded = [bound_pause(seconds, now=midnight, day=day, at_least=1.0) for seconds in asked]
    assert bounded == [DAY, DAY, 7_200.0, 5.0, 1.0, 1.0, 1.0]
    before = midnight - 600.0
    assert [bound_pause(seconds, now=before, day=fixed, at_least=1.0) for seconds in asked[2:4]] == [
        600.0,
        5.0,
    ]
    assert bound_pause(7_200.0, now=midnight - 0.1, day=fixed, at_least=1.0) == 1.0


@virtual
@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize("day_spent", [False, True])
async def test_a_bogus_pause_of_a_week_ends_within_a_day_in_every_life(
    store: bool, day_spent: bool, tmp_path: Path
) -> None:
    wall = Wall()
    limits = QuotaLimits(day_store=tmp_path / "day" if store else None)
    quota = LocalQuota(limits, wall_clock=wall)
    await call(quota)
    quota.pause(604_800.0, day_spent=day_spent)
    for life in (quota, LocalQuota(limits, wall_clock=wall)):
        until = (await life.snapshot()).paused_until
        assert until is None or until.timestamp() <= wall() + DAY
        await asyncio.sleep(1.0)
    await asyncio.sleep(DAY + 1.0)
    await call(quota)


@virtual
@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize("status", [200, 503, 429, None])
async def test_once_an_hour_a_call_finds_out_whether_the_day_is_still_spent(
    store: bool, status: int | None, tmp_path: Path
) -> None:
    wall = Wall()
    quota = LocalQuota(QuotaLimits(day_store=tmp_path / "day" if store else None), wall_clock=wall)
    await call(quota)
    quota.pause(20 * HOUR, day_spent=True)
    await asyncio.sleep(PROBE_INTERVAL - 5.0)
    with pytest.raises(DailyQuotaError):
        await call(quota)
    assert (await quota.snapshot()).waits_for is WaitReason.DAILY_LIMIT
    await asyncio.sleep(10.0)
    probe = await quota.acquire(Lane.BULK, max_wait=60.0)
    with pytest.raises(DailyQuotaError):  # one alone
        await call(quota)
    quota.release(probe, status=status)
    if status == 429:
        quota.pause(20 * HOUR, day_spent=True)
    await asyncio.sleep(1.0)
    if status == 200:
        await call(quota)
        assert (await quota.snapshot()).waits_for is None
        return
    with pytest.raises(DailyQuotaError):
        await call(quota)
    await asyncio.sleep(PROBE_INTERVAL + 1.0)
    await call(quota)


@virtual
async def test_a_new_process_probes_too_though_it_knows_of_the_pause_from_the_file_alone(
    tmp_path: Path,
) -> None:
    wall, limits = Wall(), QuotaLimits(day_store=tmp_path / "day")
    quota = LocalQuota(limits, wall_clock=wall)
    quota.pause(20 * HOUR, day_spent=True)
    for _ in range(3):
        await asyncio.sleep(PROBE_INTERVAL + 1.0)
        probe = await LocalQuota(limits, wall_clock=wall).acquire(Lane.BULK, max_wait=60.0)
        with pytest.raises(DailyQuotaError):
            await LocalQuota(limits, wall_clock=wall).acquire(Lane.BULK, max_wait=60.0)
        assert probe.ticket


@virtual
async def test_a_day_spent_by_our_own_count_is_not_probed() -> None:
    quota = LocalQuota(FAST, wall_clock=Wall())
    for _ in range(20):
        await call(quota)
    for _ in range(12):
        with pytest.raises(DailyQuotaError):
            await call(quota)
        assert (await quota.snapshot()).waits_for is WaitReason.BUDGET
        await asyncio.sleep(1.9 * PROBE_INTERVAL)


@virtual
@pytest.mark.parametrize("day_spent", [False, True])
@pytest.mark.parametrize("store", [False, True])
async def test_reopening_ends_a_pause_also_for_those_that_wait_and_keeps_the_count(
    day_spent: bool, store: bool, tmp_path: Path
) -> None:
    limits = QuotaLimits(day_store=tmp_path / "day" if store else None)
    quota = LocalQuota(limits, wall_clock=Wall())
    await call(quota)
    quota.pause(20 * HOUR, day_spent=day_spent)
    waiting = asyncio.create_task(call(quota, max_wait=30 * HOUR))
    await asyncio.sleep(100.0)
    assert not waiting.done()
    await quota.reopen()
    await asyncio.wait_for(waiting, 5.0)
    await LocalQuota(limits, wall_clock=Wall()).acquire(Lane.BULK, max_wait=1.0)
    assert (await quota.snapshot()).used == (3 if store else 2)


# Clocks


@virtual
@pytest.mark.parametrize("day_spent", [False, True])
async def test_a_long_pause_ends_soon_after_a_suspended_machine_wakes(day_spent: bool) -> None:
    wall = Wall()
    quota = LocalQuota(wall_clock=wall)
    quota.pause(6 * HOUR, day_spent=day_spent)
    waiting = asyncio.create_task(call(quota, max_wait=DAY))
    await asyncio.sleep(600.0)
    assert not waiting.done()
    wall.ahead += 8 * HOUR  # the loop's clock has stood still
    await asyncio.wait_for(waiting, 61.0)
    await call(quota)


@virtual
async def test_a_short_pause_follows_the_loops_clock_alone() -> None:
    wall = Wall()
    quota = LocalQuota(wall_clock=wall)
    quota.pause(30.0)
    wall.ahead += 8 * HOUR
    with pytest.raises(RateLimitError):
        await call(quota, max_wait=25.0)


@virtual
@pytest.mark.parametrize("store", [False, True])
async def test_a_wall_clock_set_back_lengthens_no_pause(store: bool, tmp_path: Path) -> None:
    wall = Wall()
    quota = LocalQuota(QuotaLimits(day_store=tmp_path / "day" if store else None), wall_clock=wall)
    quota.pause(2 * HOUR, day_spent=True)
    wall.ahead -= 30 * DAY
    await asyncio.sleep(2 * HOUR + 1.0)
    await call(quota)


@virtual
@pytest.mark.parametrize("store", [False, True])
async def test_of_calls_counted_while_the_clock_was_ahead_nothing_is_left_once_it_is_right(
    store: bool, tmp_path: Path
) -> None:
    wall = Wall()
    limits = QuotaLimits(
        per_second=1_000.0, per_day=20, interactive_reserve=0, day_store=tmp_path / "day" if store else None
    )
    quota = LocalQuota(limits, wall_clock=wall)
    wall.ahead += 4 * 365 * DAY
    for _ in range(20):
        await call(quota)
    quota.pause(120.0, day_spent=True)
    with pytest.raises(DailyQuotaError):
        await call(quota)
    wall.ahead -= (4 * 365 - 3) * DAY
    await asyncio.sleep(121.0)
    await call(LocalQuota(limits, wall_clock=wall) if store else quota)


# A slow disk


@virtual
async def test_a_slow_disk_does_not_bunch_departures(monkeypatch: pytest.MonkeyPatch) -> None:
    from gong_tasks_async.quota.local.budget import Budget

    take, delays = Budget.take, iter([0.0, 0.9, 0.0, 0.0, 2.0, 0.1, 0.0, 0.5] * 10)

    async def slow(self: Budget, lane: Lane, lead: float) -> object:
        await asyncio.sleep(next(delays))
        return await take(self, lane, lead)

    monkeypatch.setattr(Budget, "take", slow)
    quota, departed = LocalQuota(QuotaLimits()), []
    for _ in range(40):
        permit = await quota.acquire(Lane.BULK)
        departed.append(permit.departed)
        quota.release(permit, status=200)
    assert min(times_between(departed)) >= quota.limits.spacing - 1e-6


def test_a_real_clock_is_the_default() -> None:
    assert LocalQuota()._wall_clock is time.time


@virtual
@pytest.mark.parametrize("waiting", [True, False], ids=["of a caller that waits", "of a later caller"])
async def test_a_pause_that_another_process_has_ended_ends_within_a_minute(waiting: bool) -> None:
    loop, day = asyncio.get_running_loop(), MemoryStore()
    running, command = (LocalQuota(store=day, wall_clock=lambda: 1e9 + loop.time()) for _ in range(2))
    running.pause(7_200.0, day_spent=True)
    await asyncio.sleep(10.0)
    await command.reopen()
    with pytest.raises(DailyQuotaError):  # it looks once a minute
        await running.acquire(Lane.INTERACTIVE, max_wait=60.0)
    if not waiting:
        await asyncio.sleep(50.0)
    permit = await running.acquire(Lane.INTERACTIVE, max_wait=math.inf if waiting else 60.0)
    assert permit.departed <= 10.0 + LONGEST_SLEEP + 1.0


@virtual
async def test_a_pause_that_stands_is_waited_for() -> None:
    loop, day = asyncio.get_running_loop(), MemoryStore()
    running, _ = (LocalQuota(store=day, wall_clock=lambda: 1e9 + loop.time()) for _ in range(2))
    running.pause(1_200.0, day_spent=True)
    permit = await running.acquire(Lane.INTERACTIVE)
    assert permit.departed == pytest.approx(1_200.0, abs=0.1)


@virtual
async def test_a_vault_that_hangs_does_not_hold_the_quota() -> None:
    vault: asyncio.Future[AccessKey] = asyncio.get_running_loop().create_future()
    engine, quota = Engine(users=1), LocalQuota()
    key = AccessKey(engine.access_key, engine.access_key_secret)
    sources: tuple[AnyCredentials, ...] = (lambda: vault, key)
    async with memory_session(make_app(engine, (0, 0))) as session, AsyncExitStack() as stack:
        hangs, answers = [
            await stack.enter_async_context(
                GongTasksClient(source, base_url="http://localhost", session=session, quota=quota)
            )
            for source in sources
        ]
        stuck = [asyncio.create_task(hangs.list_tasks("1")) for _ in range(5)]
        await asyncio.sleep(60.0)
        began = asyncio.get_running_loop().time()
        snapshot = await quota.snapshot()
        assert (snapshot.used, sum(snapshot.waiting.values())) == (0, 0)
        await answers.list_tasks("1")
        assert asyncio.get_running_loop().time() - began < 0.1
        ended = await asyncio.gather(*stuck, return_exceptions=True)
    assert {type(each) for each in ended} == {CredentialsError}
    assert (await quota.snapshot()).used == 1


@pytest.mark.parametrize(("first", "second"), [(100.0, 0.0), (0.0, 100.0)])
def test_calls_of_the_last_loop_fill_the_window_of_the_next_one(first: float, second: float) -> None:
    quota = LocalQuota()

    async def call(times: int, wait: float) -> list[float]:
        await asyncio.sleep(wait)
        began, departed = asyncio.get_running_loop().time(), []
        for _ in range(times):
            permit = await quota.acquire(Lane.BULK)
            departed.append(permit.departed - began)
            quota.release(permit, status=200)
        return departed

    before, after = (
        asyncio.Runner(loop_factory=VirtualClockLoop),
        asyncio.Runner(loop_factory=VirtualClockLoop),
    )
    with before:
        gone = before.run(call(3, first))[-1]
        # The clocks of two loops have nothing in common; here the next one's stands still until it runs.
        after.get_loop().advance(second)  # type: ignore[attr-defined]  # a virtual clock
    with after:
        (departed,) = after.run(call(1, 0.0))
    assert gone == pytest.approx(2 * 1.03 / 3, abs=0.01)
    assert departed == pytest.approx(1.0 - gone, abs=0.05)


def test_a_pause_is_what_was_asked_for_and_a_window_at_the_least() -> None:
    asked = (0.25, 1.5, 2.5, math.nan)
    assert [bound_pause(seconds, now=0.0, day=day_of(None)) for seconds in asked] == [0.25, 1.5, 2.5, 0]
    windows = [bound_pause(seconds, now=0.0, day=day_of(None), at_least=2.0) for seconds in asked]
    assert windows == [2.0, 2.0, 2.5, 2.0]
