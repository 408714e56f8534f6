"""The short path of a permit that nothing holds back: it changes what a permit costs, never when a call departs or what counts."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, strategies as st

from gong_tasks_async import Lane, LocalQuota, QuotaLimits
from gong_tasks_async.events import BudgetChanged, Event
from gong_tasks_async.quota import Permit
from gong_tasks_async.quota.day import DAY, Day, FixedDay, RollingDay
from gong_tasks_async.quota.ladder import ARRIVED_AFTER
from gong_tasks_async.quota.local import day_store
from gong_tasks_async.quota.local.day_store import Count, MemoryStore, Taken

SPACING = QuotaLimits().spacing
START = 1_790_000_000.0
FIXED = FixedDay(time(0, tzinfo=ZoneInfo("America/Los_Angeles")))
virtual = pytest.mark.virtual

STEPS = st.one_of(
    st.tuples(
        st.just("call"), st.sampled_from([0.0, 1.0, 3_000.0, DAY / 3, DAY, 2 * DAY, -1.0, -7_000.0, -DAY])
    ),
    st.tuples(st.just("give back"), st.integers(0, 20)),
    st.tuples(st.just("pause"), st.sampled_from([10.0, 5_000.0, DAY])),
    st.tuples(st.just("reopen"), st.none()),
)


class Counts:
    """Two stores: one counts on the short path where it can, the other one never."""

    def __init__(self, day: Day, allowed: int) -> None:
        self.day, self.allowed, self.now = day, allowed, START
        self.short, self.long = MemoryStore(), MemoryStore()
        self.on_short_path = 0

    def count(self) -> None:
        since = self.day.since(self.now)
        expected = self.long.take(self.now, since, self.allowed)
        if ticket := self.short.count_now(self.now, self.day, self.allowed):
            self.on_short_path += 1
            assert Taken(ticket, self.short.used) == expected
            assert self.short.latest == self.now
        else:
            assert self.short.take(self.now, since, self.allowed) == expected

    def step(self, kind: str, value: float | None) -> None:
        if kind == "call":
            self.now += value or 0.0
            self.count()
            return
        for store in (self.short, self.long):
            if kind == "give back":
                store.give_back(int(value or 0))
            elif kind == "pause":
                store.pause(self.now + (value or 0.0), self.now)
            else:
                store.reopen()

    def agree(self) -> None:
        since = self.day.since(self.now)
        assert self.short.count(self.now, since) == self.long.count(self.now, since)


@pytest.mark.parametrize("day", [RollingDay(), FIXED], ids=["rolling", "fixed"])
@given(st.lists(STEPS, max_size=40), st.integers(1, 8))
@example([("call", 0.0), ("call", DAY), ("call", -1.0), ("call", 1.0), ("give back", 1), ("call", 0.0)], 3)
@example([("call", 0.0), ("pause", 10.0), ("call", 1.0), ("call", 9.0), ("reopen", None), ("call", 0.0)], 3)
def test_a_day_counts_on_the_short_path_as_without_it(
    day: Day, steps: list[tuple[str, float | None]], allowed: int
) -> None:
    counts = Counts(day, allowed)
    for kind, value in steps:
        counts.step(kind, value)
        counts.agree()


def test_nearly_all_calls_are_counted_on_the_short_path_day_after_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(day_store, "KEPT_CALLS", 20)
    counts = Counts(RollingDay(), 100)
    for _ in range(600):
        counts.step("call", DAY / 10)
    assert counts.on_short_path >= 550
    assert len(counts.short._calls) <= 2 * 20 + 11  # what no longer counts is dropped
    counts.agree()


class Elsewhere(MemoryStore):
    """A store of another class, which no short path is taken with."""


Departures = list[tuple[float, int]]


async def departures(store: MemoryStore, seed: int) -> tuple[Departures, Count]:
    """When calls depart, of callers in both lanes with answers, refusals, pauses, and callers that give up."""
    loop, chance = asyncio.get_running_loop(), random.Random(seed)
    began = loop.time()
    quota = LocalQuota(
        QuotaLimits(per_second=chance.choice([1.0, 3.0, 20.0]), per_day=400, interactive_reserve=20),
        store=store,
        wall_clock=lambda: START + loop.time() - began,
    )
    quota._pacer._chance = lambda: 0.5
    departed: Departures = []

    async def call(number: int, wait: float, flight: float, status: int | None, lane: Lane) -> None:
        await asyncio.sleep(wait)
        permit = await quota.acquire(lane, returning=status == 429)
        departed.append((round(permit.departed - began, 3), number))
        await asyncio.sleep(flight)
        quota.release(permit, status=status, sent=status != 0)
        if status == 429:
            quota.pause(1.0)

    made = [
        asyncio.create_task(
            call(
                number,
                wait=chance.choice([0.0, 2.0, 40.0]) * chance.random(),
                flight=chance.choice([0.0, 0.1, 0.5, 7.0]) * chance.random(),
                status=chance.choices([200, 429, 503, None, 0], [80, 3, 5, 3, 3])[0],
                lane=chance.choice(list(Lane)),
            )
        )
        for number in range(60)
    ]
    for task in chance.sample(made, 6):
        loop.call_later(chance.random() * 20.0, task.cancel)
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*made, return_exceptions=True)
    now = START + loop.time() - began
    return departed, store.count(now, now - DAY)


@virtual
@pytest.mark.parametrize("seed", range(12))
async def test_calls_depart_on_the_short_path_when_and_in_which_order_they_do_without_it(seed: int) -> None:
    departed, count = await departures(MemoryStore(), seed)
    expected, counted = await departures(Elsewhere(), seed)
    assert [number for _, number in departed] == [number for _, number in expected]
    assert [moment for moment, _ in departed] == pytest.approx([moment for moment, _ in expected], abs=0.002)
    assert len(count.made) == len(counted.made)


def quota_of(on_event: Callable[[Event], None] | None = None, **limits: float) -> LocalQuota:
    """One whose wall clock is as virtual as the loop's."""
    loop = asyncio.get_running_loop()
    settings = QuotaLimits(**limits)  # type: ignore[arg-type]  # numbers
    return LocalQuota(settings, on_event=on_event, wall_clock=lambda: START + loop.time())


@virtual
async def test_an_answer_that_comes_late_takes_the_place_of_the_next_call() -> None:
    quota = quota_of()
    late = await quota.acquire(Lane.BULK)
    for _ in range(2):
        quota.release(await quota.acquire(Lane.BULK), status=200)
    await asyncio.sleep(2 * ARRIVED_AFTER)
    for _ in range(2):  # the first of them finds the late one arrived, and long ago
        await quota.acquire(Lane.BULK)
    quota.release(late, status=200)
    answered_at = asyncio.get_running_loop().time()
    await asyncio.sleep(2 * SPACING)
    permit = await quota.acquire(Lane.BULK)
    assert permit.departed - answered_at == pytest.approx(quota.limits.window, abs=0.001)


@virtual
@pytest.mark.parametrize("listens", [True, False], ids=["a callback", "the log"])
async def test_each_permit_of_the_short_path_is_reported_to_who_listens(
    listens: bool, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Event] = []
    quota = quota_of(heard.append if listens else None, per_day=1_000)
    for _ in range(3):
        quota.release(await quota.acquire(Lane.BULK), status=200)
    with caplog.at_level(logging.DEBUG, "gong_tasks_async"):
        for _ in range(2):
            quota.release(await quota.acquire(Lane.BULK), status=200)
    logged = [record.args for record in caplog.records]
    changes = heard if listens else [event for (event,) in logged]  # type: ignore[misc]
    used = [event.used for event in changes if isinstance(event, BudgetChanged)]
    assert used == ([1, 2, 3, 4, 5] if listens else [4, 5])


@virtual
async def test_a_caller_that_gives_up_while_it_draws_its_token_leaves_no_trace() -> None:
    quota = quota_of(per_second=2.0)
    quota.release(await quota.acquire(Lane.BULK), status=200)
    drawing = await drawing_too_early(quota)
    drawing.cancel()
    await asyncio.wait([drawing])
    assert (await quota.snapshot()).used == 1
    quota.release(await quota.acquire(Lane.BULK), status=200)
    assert (await quota.snapshot()).used == 2


async def drawing_too_early(quota: LocalQuota, lane: Lane = Lane.BULK) -> asyncio.Task[Permit]:
    """A caller that draws its token for a while, as where the bucket's clock and ours differ."""
    quota._pacer.due_from = 0.0
    drawing = asyncio.create_task(quota.acquire(lane))
    await asyncio.sleep(0.1)
    return drawing


@virtual
@pytest.mark.parametrize("day_spent", [False, True])
async def test_a_pause_that_begins_while_it_draws_its_token_holds_it(day_spent: bool) -> None:
    quota = quota_of(per_second=2.0)
    quota.release(await quota.acquire(Lane.BULK), status=200)
    drawing = await drawing_too_early(quota)
    quota.pause(9.0, day_spent=day_spent)
    paused_at = asyncio.get_running_loop().time()
    assert (await drawing).departed - paused_at >= 9.0 - 1e-6  # a wall clock is no finer
    assert (await quota.snapshot()).used == 2


@virtual
async def test_a_slower_pace_that_begins_while_it_draws_its_token_holds_it() -> None:
    quota = quota_of(per_second=2.0)
    quota._pacer._chance = lambda: 0.0
    in_flight = await quota.acquire(Lane.BULK)
    drawing = await drawing_too_early(quota)
    quota._pacer.slow_down()  # one call at a time from now on
    await asyncio.sleep(2.0)
    assert not drawing.done()
    quota.release(in_flight, status=200)
    answered_at = asyncio.get_running_loop().time()
    assert (await drawing).departed - answered_at == pytest.approx(0.5, abs=0.001)
    assert (await quota.snapshot()).used == 2


@virtual
async def test_a_person_who_comes_while_a_machine_draws_its_token_goes_first() -> None:
    quota = quota_of(per_second=2.0)
    quota.release(await quota.acquire(Lane.BULK), status=200)
    machine = await drawing_too_early(quota)
    person = await quota.acquire(Lane.INTERACTIVE)
    assert person.departed < (await machine).departed
    assert (await quota.snapshot()).used == 3


@virtual
@pytest.mark.parametrize("gives_up", [True, False])
async def test_the_short_path_is_open_again_once_a_call_has_begun_to_wait_for_the_new_pace(
    gives_up: bool,
) -> None:
    quota = quota_of(per_second=2.0)
    pacer = quota._pacer
    pacer._chance = lambda: 0.5
    quota.release(await quota.acquire(Lane.BULK), status=429)
    quota.pause(1.0)
    await asyncio.sleep(20.0)
    assert pacer.due_from == math.inf
    assert not pacer.is_due(asyncio.get_running_loop().time())
    if gives_up:
        waiting = asyncio.create_task(quota.acquire(Lane.BULK))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
    for _ in range(2):
        quota.release(await quota.acquire(Lane.BULK), status=200)
    assert pacer.spacing > quota.limits.spacing - 1e-9
    await asyncio.sleep(20.0)
    permit = await quota.acquire(Lane.BULK)
    assert pacer._next_after == pacer.spacing
    quota.release(permit, status=200)
