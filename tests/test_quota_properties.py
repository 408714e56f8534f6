"""The quota held against made-up days: whoever comes, gives up or is refused, its promises stand.

``GONG_QUOTA_EXAMPLES`` sets how many days are made up for each test.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random

from attrs import define, field, frozen
from hypothesis import HealthCheck, given, settings, strategies as st

from gong_tasks_async import DailyQuotaError, Lane, LocalQuota, QuotaLimits
from gong_tasks_async.quota import Permit
from gong_tasks_async.quota.day import DAY
from gong_tasks_async.simulator import DayLimit, SecondLimit, VirtualClockLoop
from gong_tasks_async.simulator.limits import Rule, day_rule, second_rule

EXAMPLES = int(os.environ.get("GONG_QUOTA_EXAMPLES", "1000"))
MAX_WAIT = 60.0
DAYS = 5
"""How often somebody comes again on the next day."""


@frozen
class Arrival:
    gap: float
    """Seconds after the one before."""
    lane: Lane
    patience: float | None
    """Seconds until it is cancelled."""
    timeout: float | None


@frozen
class Plan:
    limits: QuotaLimits
    model: SecondLimit
    flight: tuple[float, float]
    """The quickest and the slowest way, there and back alike."""
    refusals: float
    """The share of calls that Gong refuses although all limits are kept."""
    pauses: list[float]
    arrivals: list[Arrival]
    seed: int

    @property
    def steady(self) -> bool:
        """Whether the line is free of jitter."""
        return self.flight[0] == self.flight[1]


@define(eq=False)
class Gong:
    """The simulator's rules, and what they have seen."""

    plan: Plan
    chance: random.Random = field(init=False)
    second: Rule = field(init=False)
    day: Rule = field(init=False)
    arrived: list[float] = field(factory=list)
    broken: int = 0
    """How many calls came against a rule."""

    def __attrs_post_init__(self) -> None:
        limits = self.plan.limits
        self.chance = random.Random(self.plan.seed)
        self.second = second_rule(self.plan.model, limits.per_second)
        limit = DayLimit.NONE if limits.per_day is None else DayLimit.ROLLING
        self.day = day_rule(limit, limits.per_day or 1, DAY)

    def way(self) -> float:
        return self.chance.uniform(*self.plan.flight)

    def refuse(self, now: float) -> float | None:
        """Count a call; for a refused one, the seconds to wait."""
        self.arrived.append(now)
        wait = max(self.second.wait(now), self.day.wait(now))
        at_a_whim = self.chance.random() < self.plan.refusals
        self.broken += wait > 0
        if wait <= 0:
            self.second.count(now)
        if self.plan.limits.count_rate_limited or not (wait > 0 or at_a_whim):
            self.day.count(now)
        return max(wait, 1.0) if wait > 0 else self.chance.choice(self.plan.pauses) if at_a_whim else None


@define(eq=False)
class World:
    """Everybody who calls, and the books that are kept of it."""

    plan: Plan
    gong: Gong = field(init=False)
    quota: LocalQuota = field(init=False)
    numbers: itertools.count[int] = field(factory=itertools.count)
    waiting: dict[int, float] = field(factory=dict)
    """When those who wait came."""
    first_come: dict[Lane, list[int]] = field(factory=lambda: {lane: [] for lane in Lane})
    counted: list[float] = field(factory=list)
    """When the calls departed that count."""
    moved_at: float = 0.0
    """When somebody departed, or the gate opened, last."""
    released_at: float = -DAY
    spacing: float = 0.0
    paused_until: float = 0.0
    flights: set[asyncio.Task[float | None]] = field(factory=set)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self.gong = Gong(self.plan)
        self.quota = LocalQuota(self.plan.limits, wall_clock=loop.time)
        self.spacing = self.plan.limits.spacing
        tasks = []
        for arrival in self.plan.arrivals:
            await asyncio.sleep(arrival.gap)
            tasks.append(asyncio.create_task(self.call(arrival)))
            if arrival.patience is not None:
                loop.call_later(arrival.patience, tasks[-1].cancel)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
        await asyncio.gather(*self.flights)
        await self.look_at_the_end()

    async def call(self, arrival: Arrival) -> None:
        """Call until Gong has taken it, as a client does; on a spent day, come again on the next."""
        loop, returning = asyncio.get_running_loop(), False
        deadline = None if arrival.timeout is None else loop.time() + arrival.timeout
        with contextlib.suppress(TimeoutError):  # DeadlineExceeded is one
            async with asyncio.timeout_at(deadline):
                for _ in range(DAYS):
                    try:
                        while await self.attempt(arrival.lane, deadline, returning):
                            returning = True
                    except DailyQuotaError as spent:
                        self.look_at_a_denial(arrival.lane)
                        await asyncio.sleep((spent.retry_after or 0.0) + 1e-3)
                    else:
                        return

    async def attempt(self, lane: Lane, deadline: float | None, returning: bool) -> bool:
        """Whether the call was refused."""
        loop, number = asyncio.get_running_loop(), next(self.numbers)
        self.waiting[number] = loop.time()
        try:
            turn = await self.quota.acquire(lane, deadline=deadline, max_wait=MAX_WAIT, returning=returning)
            self.look_at_a_departure(turn)
        finally:
            del self.waiting[number]
        if not returning:
            self.first_come[lane].append(number)
        status: int | None = None
        flight = asyncio.create_task(self.fly())
        self.flights.add(flight)
        try:
            pause = await asyncio.shield(flight)
            status = 200 if pause is None else 429
        finally:
            self.quota.release(turn, status=status)
            self.released_at = loop.time()
        if pause is None:
            return False
        if not self.plan.limits.count_rate_limited:
            self.counted.remove(turn.departed)
        self.pause(pause)
        return True

    async def fly(self) -> float | None:
        await asyncio.sleep(self.gong.way())
        pause = self.gong.refuse(asyncio.get_running_loop().time())
        await asyncio.sleep(self.gong.way())
        return pause

    def pause(self, seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        self.quota.pause(seconds, day_spent=seconds > MAX_WAIT)
        self.moved_at = max(self.moved_at, now + seconds)
        self.spacing = max(self.spacing, self.quota._pacer.spacing)
        if seconds > MAX_WAIT:
            self.paused_until = max(self.paused_until, now + seconds)

    def look_at_a_departure(self, turn: Permit) -> None:
        """Nobody has waited longer than the last departure, the gate or the slots made necessary."""
        self.counted.append(turn.departed)
        longest = min(self.waiting.values())
        free = max(longest, self.moved_at, self.released_at + self.plan.limits.hold)
        # A refusal adds a random part of a spacing, so that two processes do not stay in step.
        assert turn.departed <= free + 2 * self.spacing + 1e-3, "a call waited, and none moved"
        self.moved_at, self.spacing = max(self.moved_at, turn.departed), self.quota._pacer.spacing

    def used(self, early: float = 0.0) -> int:
        """The calls of the last day; one that waited for room in the window is freed that much early."""
        now = asyncio.get_running_loop().time() + early
        return sum(departed > now - DAY for departed in self.counted)

    def look_at_a_denial(self, lane: Lane) -> None:
        """The day is only called spent when it is."""
        now = asyncio.get_running_loop().time()
        assert now < self.paused_until or self.used() >= self.plan.limits.allowed(lane)

    async def look_at_the_end(self) -> None:
        now = asyncio.get_running_loop().time()
        assert not self.waiting
        assert self.quota._head.queue.count_ahead(Lane.BULK) == 0  # nobody stands at the front either
        early = (
            self.plan.limits.hold + 5.0 + 4 * self.spacing
        )  # 5 s: a call without a response takes room so long
        assert self.used(early) <= (await self.quota.snapshot()).used <= self.used(-1e-3)
        if self.plan.limits.count_rate_limited:
            assert self.used() == sum(at - self.plan.flight[0] > now - DAY for at in self.gong.arrived) or (
                not self.plan.steady
            )
            assert len(self.counted) == len(self.gong.arrived)
        for numbers in self.first_come.values():
            assert numbers == sorted(numbers)
        if self.plan.steady:
            assert self.gong.broken == 0


seconds = st.floats(0, 3, width=16)
arrivals = st.lists(
    st.builds(
        Arrival,
        gap=st.one_of(st.just(0.0), st.just(0.0), seconds, st.sampled_from([10.0, 5_000.0, 40_000.0])),
        lane=st.sampled_from(Lane),
        patience=st.one_of(st.none(), st.none(), seconds, st.sampled_from([100.0, 50_000.0])),
        timeout=st.one_of(st.none(), st.none(), seconds.filter(bool), st.sampled_from([20.0, 100_000.0])),
    ),
    min_size=1,
    max_size=40,
)
limits = st.builds(
    QuotaLimits,
    per_second=st.sampled_from([0.5, 1.0, 2.5, 3.0, 10.0]),
    adaptive=st.booleans(),
    bulk_share=st.sampled_from([0.0, 0.1, 0.5]),
    per_day=st.one_of(st.none(), st.integers(4, 30)),
    interactive_reserve=st.integers(0, 3),
    count_rate_limited=st.booleans(),
)
flights = st.sampled_from([(0.0, 0.0), (0.03, 0.03), (0.5, 0.5), (1.7, 1.7), (0.02, 0.06), (0.1, 2.0)])
calm = st.builds(
    Plan,
    limits=limits,
    model=st.sampled_from(SecondLimit),
    flight=flights,
    refusals=st.just(0.0),
    pauses=st.just([1.0]),
    arrivals=arrivals,
    seed=st.integers(0, 10**6),
)
stormy = st.builds(
    Plan,
    limits=limits,
    model=st.sampled_from(SecondLimit),
    flight=flights,
    refusals=st.sampled_from([0.05, 0.3]),
    pauses=st.lists(st.sampled_from([0.01, 1.0, 7.5, 59.0, 3_600.0, 50_000.0]), min_size=1, max_size=3),
    arrivals=arrivals,
    seed=st.integers(0, 10**6),
)
many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def live_through(plan: Plan) -> World:
    world = World(plan)
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        runner.run(world.run())
    return world


@many
@given(plan=calm)
def test_on_quiet_days_nobody_is_refused_forgotten_overtaken_or_counted_wrongly(plan: Plan) -> None:
    live_through(plan)


@many
@given(plan=stormy)
def test_on_days_with_refusals_nobody_is_forgotten_overtaken_or_counted_wrongly(plan: Plan) -> None:
    live_through(plan)
