"""A company in one process, in virtual time, under one seed: days of services, bots and a bulk job.

Processes share the day's store, as on one machine; each has its part of the second. What may happen to them: callers
that give up, timeouts, 429s of each rule, bogus headers, lost and late responses, clocks that step and come back,
machines that sleep, processes that are killed, disks that are full.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from attrs import define, field

from gong_tasks_async import Lane, RowState, open_journal
from gong_tasks_async.quota.day import DAY, PROBE_INTERVAL, FixedDay, day_of
from gong_tasks_async.quota.local.budget import LOOK_AGAIN
from gong_tasks_async.quota.local.day_store import MemoryStore
from gong_tasks_async.simulation.gong import Flight, Gong
from gong_tasks_async.simulation.network import Network
from gong_tasks_async.simulator import VirtualClockLoop
from tests.simulation.books import DUST, IN_DOUBT, check
from tests.simulation.happenings import (
    bulk,
    fill_disk,
    flood,
    kill,
    one_caller,
    sleep,
    step_clock,
    use_wrong_clock,
)
from tests.simulation.plan import HOUR, LATE, LONG, START, Plan
from tests.simulation.process import Process


@define(eq=False)
class Company:
    """All of it."""

    plan: Plan
    chance: Random = field(init=False)
    gong: Gong = field(init=False)
    network: Network = field(init=False)
    disk: MemoryStore = field(factory=MemoryStore)
    disk_is_full: bool = False
    slept: float = 0.0
    processes: list[Process] = field(factory=list)
    departed: list[float] = field(factory=list)
    """When calls departed, by true time."""
    flights: list[Flight] = field(factory=list)
    """The same calls."""
    excused: int = 0
    """Calls that a wrong clock has counted on another day."""
    day_paused_until: float = -math.inf
    """By Gong's word to any process, in true time; the others read it in the store."""
    day_noted_at: float = -math.inf
    probed_at: float = -math.inf
    settled: dict[int, int] = field(factory=dict)
    """How often each row was settled."""
    journal: Path | None = None

    def __attrs_post_init__(self) -> None:
        plan = self.plan
        self.chance = Random(plan.seed + 1)
        self.gong = Gong(
            chance=self.chance,
            conditions=plan.conditions,
            per_second=3.0,
            per_day=plan.limits.per_day,
            rule=plan.rule,
            day=day_of(plan.limits.day_starts),
            late=LATE,
        )
        self.network = Network(self.gong, self.chance, lambda: START + self.true_time())

    def true_time(self) -> float:
        """Seconds since the company began, those in which its machines slept included."""
        return asyncio.get_running_loop().time() + self.slept

    def note_response(self, status: int, seconds: float, departed: float) -> None:
        """A process has read a response."""
        now = self.true_time()
        if status == 429 and seconds >= LONG:
            self.day_noted_at, self.day_paused_until = (
                now,
                max(self.day_paused_until, now + min(seconds, DAY)),
            )
            starts = self.plan.limits.day_starts
            if starts is not None:
                reset = FixedDay(starts).expires_at(START + now) - START
                self.day_paused_until = min(self.day_paused_until, reset)
        elif status == 200 and departed > self.day_noted_at:
            if self.day_paused_until > now:
                for process in self.processes:
                    process.books.note_reopened(now + LOOK_AGAIN)
            self.day_paused_until = -math.inf

    # What is checked of the whole company

    def note_departure(self, flight: Flight, lane: Lane, *, clock_error: float) -> None:
        """Count a departure of the company."""
        now, limits = START + self.true_time(), self.plan.limits
        self.departed.append(now)
        self.flights.append(flight)
        self.excused += clock_error > DAY
        true_now = self.true_time()
        if true_now < self.day_paused_until - DUST and true_now > self.day_noted_at + IN_DOUBT:
            since = true_now - max(self.probed_at, self.day_noted_at)
            check(since >= PROBE_INTERVAL - IN_DOUBT, "all processes hear of a spent day", since=since)
            self.probed_at = true_now
        if lane is Lane.BULK:
            allowed = limits.allowed(Lane.BULK) + self.doubtful()
            check(self.used(now) <= allowed, "the reserve is kept", used=self.used(now), allowed=allowed)

    def used(self, now: float, late: float = LATE) -> int:
        """Calls of the day that have departed; of a rolling one, less those that were counted so long ago."""
        starts = self.plan.limits.day_starts
        since = now - DAY + late if starts is None else FixedDay(starts).since(now)
        return sum(moment > since for moment in self.departed)

    def check_denial(self, process: Process, lane: Lane) -> None:
        """The day is called spent only when it is."""
        now = START + self.true_time()
        if process.clock_error:
            return
        paused = any(
            each.books.is_paused(self.true_time()) for each in self.processes
        ) or process.books.is_paused(self.true_time())
        heads = sum(bool(each.books.waiting) for each in self.processes)
        allowed = self.plan.limits.allowed(lane) - heads
        check(
            paused or self.disk_paused() or self.used(now, -LATE) >= allowed,
            "a spent day is spent",
            used=self.used(now, -LATE),
        )

    def doubtful(self) -> int:
        """Calls counted on another day: by a wrong clock, or at the head when it was put right or the machine slept."""
        heads = len(self.processes) if self.excused or self.slept else 0
        return self.excused + heads

    def carried_over(self) -> int:
        """Calls that departed before a day's reset and arrived after it."""
        if not isinstance(day := self.gong.day, FixedDay):
            return 0
        ways = ((flight.arrived or flight.departed) - flight.departed for flight in self.flights)
        return sum(
            not day.are_in_one(each, each + way) for each, way in zip(self.departed, ways, strict=True)
        )

    def disk_paused(self) -> bool:
        """Whether a process that was killed meanwhile has noted a pause of the day."""
        now = START + self.true_time()
        return self.disk.count(now, 0.0).paused_until > now

    async def watch(self) -> None:
        """Look at those that wait, again and again."""
        while True:
            await asyncio.sleep(7.0 if any(process.books.waiting for process in self.processes) else 120.0)
            now = START + self.true_time()
            spent = (
                self.disk_is_full
                or self.disk_paused()
                or self.used(now) >= self.plan.limits.allowed(Lane.BULK) - 4
            )
            for process in self.processes:
                process.books.check_waits(self.true_time(), spent=spent)

    # The course of it

    async def run(self) -> None:
        """Live through the plan, and look at the books."""
        plan = self.plan
        self.processes = [Process(self, number, plan.limits) for number in range(plan.processes)]
        end = plan.hours * HOUR
        happenings = [
            *((one_caller, plan.callers), (flood, plan.floods), (kill, plan.kills)),
            *((sleep, plan.sleeps), (step_clock, plan.steps), (fill_disk, plan.full_disks)),
        ]
        moments = [
            (self.chance.random() * end, number, act)
            for number, act in enumerate(act for act, times in happenings for _ in range(times))
        ]
        moments += [(0.0, -1, use_wrong_clock)] if plan.steps else []
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self.watch())
            background = [group.create_task(bulk(self))] if plan.rows else []
            for moment, _, act in sorted(moments, key=lambda item: item[:2]):
                await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))
                group.create_task(act(self))
            await asyncio.sleep(120.0)
            watching.cancel()
            for task in background:
                task.cancel()
        await self.wind_down()

    async def wind_down(self) -> None:
        """Let what is in flight land, and look at the books."""
        for process in self.processes:
            for task in list(process.tasks):
                task.cancel()
        while self.network.travelling:
            await asyncio.wait(self.network.travelling)
        await asyncio.sleep(1.0)
        for process in self.processes:
            process.books.check_window()
        self.check_counts()
        excused = self.doubtful() + self.carried_over()
        check(self.gong.overspent <= excused, "the day is never overspent", calls=self.gong.overspent)
        for row, times in self.settled.items():
            check(self.gong.tasks.get(row) == "DONE", "no row is settled that Gong has not changed", row=row)
            check(times == 1, "no row is settled twice", row=row)
        self.check_journal()

    def check_journal(self) -> None:
        """What the journal calls updated is what was settled."""
        if self.journal is None or not self.journal.exists():
            return
        with open_journal(self.journal) as journal:
            updated = {row.update.task_id for row in journal.rows(RowState.UPDATED)}
        check(
            updated >= set(self.settled),
            "what is settled is in the journal",
            rows=set(self.settled) - updated,
        )
        for row in updated:
            check(self.gong.tasks.get(row) == "DONE", "no row is recorded that Gong has not changed", row=row)

    def check_counts(self) -> None:
        """The count is Gong's, or a little more: of calls that were cut off before they were sent."""
        now = START + self.true_time()
        since = self.gong.day.since(now) + (LATE if self.plan.limits.day_starts is None else 0.0)
        counted, arrived = len(self.disk.count(now, since).made), self.gong.used(now)
        killed = 4 * self.plan.kills
        excused = self.doubtful() + self.carried_over()
        check(
            arrived - excused <= counted <= arrived + killed + self.network.vanished,
            "counts agree",
            counted=counted,
            arrived=arrived,
        )


def live(seed: int, plan: Plan | None = None) -> Company:
    """Live through the days of a seed.

    Raises:
        Broken: an invariant does not hold.
    """
    random.seed(seed)  # the pacer's delays and the callers' jitter
    company = Company(plan or Plan.of(seed))
    with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        if company.plan.journal:
            company.journal = Path(folder) / "job.gong"
        try:
            runner.run(company.run())
        except BaseExceptionGroup as group:
            raise next(_leaves(group)) from None
    return company


def _leaves(group: BaseException) -> Iterator[BaseException]:
    if isinstance(group, BaseExceptionGroup):
        for each in group.exceptions:
            yield from _leaves(each)
    else:
        yield group
