"""A company in one process, in virtual time, under one seed: its processes, callers and bulk job, and what befalls them.

How its processes share Gong's limits is a subclass's: each has its part and a quota of its own
(``local_company.py``), or all have one quota in Redis (``shared_company.py``).
"""

from __future__ import annotations

import asyncio
import os
import random
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from attrs import define, field

from gong_tasks_async import Lane, RowState, open_journal
from gong_tasks_async.quota.day import DAY, FixedDay, day_of
from gong_tasks_async.simulation.gong import Flight, Gong
from gong_tasks_async.simulation.network import Network
from gong_tasks_async.simulator import VirtualClockLoop
from tests.simulation.books import Books, check
from tests.simulation.happenings import bulk
from tests.simulation.plan import LATE, LONG, START, Plan
from tests.simulation.process import Process

Act = Callable[[Any], Coroutine[Any, Any, None]]
"""Something that happens to a company."""
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
"""Where a file can be flushed often in no time; nothing here loses its power."""


@define(eq=False, kw_only=True)
class Company(ABC):
    """All of it."""

    plan: Plan
    chance: Random = field(init=False)
    gong: Gong = field(init=False)
    network: Network = field(init=False)
    slept: float = 0.0
    processes: list[Process] = field(factory=list)
    flights: list[Flight] = field(factory=list)
    departed: list[float] = field(factory=list)
    """When these departed, by true time, in seconds since 1970."""
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

    # What is a subclass's

    @abstractmethod
    async def start_process(self, number: int, before: Process | None = None) -> Process:
        """Start a process; ``before`` was its life until it was killed."""

    @abstractmethod
    def happenings(self) -> list[tuple[Act, int]]:
        """What happens, and how often."""

    @abstractmethod
    async def check_counts(self) -> None:
        """The quota's count of the day agrees with what has departed or arrived."""

    def clocks(self, loop: asyncio.AbstractEventLoop) -> AbstractContextManager[object]:  # noqa: ARG002
        """Have what looks at the wall's clock see the company's."""
        return nullcontext()

    def excused(self) -> int:
        """Calls by which the day may be overspent."""
        return 0

    def is_store_paused(self) -> bool:
        """Whether the quota remembers a pause that no living process has read of."""
        return False

    def is_spent(self) -> bool:
        """Whether bulk may have to wait for the day, or nearly."""
        return (
            self.is_store_paused()
            or self.used(START + self.true_time()) >= self.plan.limits.allowed(Lane.BULK) - 4
        )

    # What is noted

    def note_departure(self, process: Process, flight: Flight, lane: Lane) -> None:  # noqa: ARG002 - a subclass's
        """A call of a process departs."""
        process.books.note_departure(flight, self.true_time())
        self.flights.append(flight)
        self.departed.append(START + self.true_time())

    def note_refusal(self, process: Process, seconds: float) -> None:
        """A process has read a 429."""
        wrong = process.clock_error > DAY
        process.books.note_refusal(seconds, self.true_time(), day=seconds >= LONG, clock_is_wrong=wrong)

    def note_success(self, process: Process, departed: float) -> None:
        """A process has read the response to a call that departed then, by true time."""
        process.books.note_success(departed, self.true_time())

    # What is checked of the whole company

    @property
    def books(self) -> list[Books]:
        """All that are kept; those of a quota that is shared once."""
        return list({id(process.books): process.books for process in self.processes}.values())

    def used(self, now: float, late: float = LATE) -> int:
        """Calls of the day that have departed; of a rolling one, less those that were counted so long ago."""
        starts = self.plan.limits.day_starts
        since = now - DAY + late if starts is None else FixedDay(starts).since(now)
        return len(self.departed) - bisect_right(self.departed, since)

    def check_denial(self, process: Process, lane: Lane) -> None:
        """The day is called spent only when it is."""
        if process.clock_error:
            return
        paused = any(books.is_paused(self.true_time()) for books in [*self.books, process.books])
        used = self.used(START + self.true_time(), -LATE)
        check(
            paused or self.is_store_paused() or used >= self.plan.limits.allowed(lane) - self.counted_ahead(),
            "a spent day is spent",
            used=used,
        )

    def counted_ahead(self) -> int:
        """Calls that may be counted and have not departed: those at the head of a queue."""
        return sum(bool(books.waiting) for books in self.books)

    def carried_over(self) -> int:
        """Calls that departed before a day's reset and arrived after it."""
        if not isinstance(day := self.gong.day, FixedDay):
            return 0
        ways = ((flight.arrived or flight.departed) - flight.departed for flight in self.flights)
        return sum(
            not day.are_in_one(each, each + way) for each, way in zip(self.departed, ways, strict=True)
        )

    def check_rows(self) -> None:
        """What is settled has been changed, once, and is in the journal."""
        done = "no row is settled that Gong has not changed"
        for row, times in self.settled.items():
            check(self.gong.tasks.get(row) == "DONE", done, row=row)
            check(times == 1, "no row is settled twice", row=row)
        if self.journal is None or not self.journal.exists():
            return
        with open_journal(self.journal) as journal:
            updated = {row.update.task_id for row in journal.rows(RowState.UPDATED)}
        missing = set(self.settled) - updated
        check(not missing, "what is settled is in the journal", rows=missing)
        for row in updated:
            check(self.gong.tasks.get(row) == "DONE", done, row=row)

    # The course of it

    async def run(self) -> None:
        """Live through the plan, and look at the books."""
        plan = self.plan
        began = asyncio.get_running_loop().time()
        for number in range(plan.processes):
            self.processes.append(await self.start_process(number))
        async with asyncio.TaskGroup() as group:
            background = [group.create_task(self.watch())]
            background += [group.create_task(bulk(self))] if plan.rows else []
            for moment, act in self.schedule():
                await asyncio.sleep(max(0.0, began + moment - asyncio.get_running_loop().time()))
                group.create_task(act(self))
            await asyncio.sleep(plan.goes_on)
            for task in background:
                task.cancel()
        await self.wind_down()

    def schedule(self) -> list[tuple[float, Act]]:
        """When what happens, in order."""
        acts = [act for act, times in self.happenings() for _ in range(times)]
        moments = [(self.chance.random() * self.plan.lasts, act) for act in acts]
        return sorted(moments, key=lambda item: item[0])

    async def watch(self) -> None:
        """Look at those that wait, again and again."""
        while True:
            waiting = [books for books in self.books if books.waiting]
            unexplained = [books for books in waiting if not books.is_paused(self.true_time())]
            await asyncio.sleep(7.0 if unexplained else 30.0 if waiting else 120.0)
            spent = self.is_spent()
            for books in self.books:
                books.check_waits(self.true_time(), spent=spent)

    async def wind_down(self) -> None:
        """Let what is in flight land, and look at the books."""
        for process in self.processes:
            for task in list(process.tasks):
                task.cancel()
        while self.network.travelling:
            await asyncio.wait(self.network.travelling)
        await asyncio.sleep(self.plan.lands)
        for books in self.books:
            books.check_window()
            check(not books.waiting, "no call is lost", waiting=books.waiting)
        await self.check_counts()
        overspent = self.gong.overspent
        check(
            overspent <= self.excused() + self.carried_over(), "the day is never overspent", calls=overspent
        )
        self.check_rows()


C = TypeVar("C", bound=Company)


def live(company: C) -> C:
    """Live through a company's days.

    Raises:
        Broken: an invariant does not hold.
    """
    random.seed(company.plan.seed)  # the pacer's delays and the callers' jitter
    disk = MEMORY_DISK if os.access(MEMORY_DISK, os.W_OK) else None
    with TemporaryDirectory(dir=disk) as folder, asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        if company.plan.journal:
            company.journal = Path(folder) / "job.gong"
        with company.clocks(runner.get_loop()):
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
