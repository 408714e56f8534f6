"""A company whose processes each have a quota of their own: a part of the second, and the day's store, as on one machine.

What may happen to them: callers that give up, timeouts, 429s of each rule, bogus headers, lost and late responses, clocks
that step and come back, machines that sleep, processes that are killed, disks that are full.
"""

from __future__ import annotations

import math
from typing import Self

from attrs import define, field

from gong_tasks_async import Lane, LocalQuota, QuotaStoreError
from gong_tasks_async.quota.day import DAY, PROBE_INTERVAL, FixedDay
from gong_tasks_async.quota.local.day_store import Count, MemoryStore, Taken
from gong_tasks_async.quota.spent import LOOK_AGAIN
from gong_tasks_async.simulation.gong import Flight
from tests.simulation.books import DUST, IN_DOUBT, Books, check
from tests.simulation.company import Act, Company
from tests.simulation.happenings import (
    fill_disk,
    flood,
    kill,
    one_caller,
    sleep,
    step_clock,
    use_wrong_clock,
)
from tests.simulation.plan import LATE, LONG, START, LocalPlan
from tests.simulation.process import Process


@define(eq=False, kw_only=True)
class LocalCompany(Company):
    """Each process has a ``LocalQuota``; all count the day on one disk."""

    plan: LocalPlan
    disk: MemoryStore = field(factory=MemoryStore)
    disk_is_full: bool = False
    misdated: int = 0
    """Calls that a wrong clock has counted on another day."""
    day_paused_until: float = -math.inf
    """By Gong's word to any process, in true time; the others read it in the store."""
    day_noted_at: float = -math.inf
    probed_at: float = -math.inf

    @classmethod
    def of(cls, seed: int) -> Self:
        """The company of a seed."""
        return cls(plan=LocalPlan.of(seed))

    async def start_process(self, number: int, before: Process | None = None) -> Process:
        books = Books(self.plan.limits, moved_at=self.true_time())
        process = Process(self, number, self.plan.limits, books)
        if before is not None:
            before.books.check_window()
            process.clock_error = before.clock_error
            if (
                self.misdated
            ):  # what a wrong clock has stored is not believed, so the next life does not know of it
                self.day_paused_until = -math.inf
            else:
                books.day_paused_until = before.books.day_paused_until
            books.probes, books.day_noted_at = before.books.probes, before.books.day_noted_at
        process.quota = LocalQuota(self.plan.limits, wall_clock=process.wall, store=self._store_of(process))
        return process

    def _store_of(self, process: Process) -> MemoryStore:
        """The plain store of most users, where neither the disk nor a process fails: a quota takes its short path with it alone."""
        fails = self.plan.full_disks or self.plan.kills
        return _DiskStore(self, process) if fails else self.disk

    def happenings(self) -> list[tuple[Act, int]]:
        plan = self.plan
        return [
            *((one_caller, plan.callers), (flood, plan.floods), (kill, plan.kills)),
            *((sleep, plan.sleeps), (step_clock, plan.steps), (fill_disk, plan.full_disks)),
        ]

    def schedule(self) -> list[tuple[float, Act]]:
        first: list[tuple[float, Act]] = [(0.0, use_wrong_clock)] if self.plan.steps else []
        return first + super().schedule()

    # The day, which all processes have in common

    def note_departure(self, process: Process, flight: Flight, lane: Lane) -> None:
        super().note_departure(process, flight, lane)
        self.misdated += process.clock_error > DAY
        now = self.true_time()
        if self.day_noted_at + IN_DOUBT < now < self.day_paused_until - DUST:
            since = now - max(self.probed_at, self.day_noted_at)
            check(since >= PROBE_INTERVAL - IN_DOUBT, "all processes hear of a spent day", since=since)
            self.probed_at = now
        if lane is Lane.BULK:
            used = self.used(START + now)
            allowed = self.plan.limits.allowed(Lane.BULK) + self.excused()
            check(used <= allowed, "the reserve is kept", used=used, allowed=allowed)

    def note_refusal(self, process: Process, seconds: float) -> None:
        if seconds >= LONG:
            self._note_spent_day(seconds)
        super().note_refusal(process, seconds)

    def _note_spent_day(self, seconds: float) -> None:
        now, starts = self.true_time(), self.plan.limits.day_starts
        self.day_noted_at = now
        self.day_paused_until = max(self.day_paused_until, now + min(seconds, DAY))
        if starts is not None:
            reset = FixedDay(starts).expires_at(START + now) - START
            self.day_paused_until = min(self.day_paused_until, reset)

    def note_success(self, process: Process, departed: float) -> None:
        now = self.true_time()
        if departed > self.day_noted_at:
            if self.day_paused_until > now:
                for each in self.processes:
                    each.books.note_reopened(now + LOOK_AGAIN)
            self.day_paused_until = -math.inf
        super().note_success(process, departed)

    def is_store_paused(self) -> bool:
        now = START + self.true_time()
        return self.disk.count(now, 0.0).paused_until > now

    def is_spent(self) -> bool:
        return self.disk_is_full or super().is_spent()

    def excused(self) -> int:
        """Calls counted on another day: by a wrong clock, or at the head when it was put right or the machine slept."""
        heads = len(self.processes) if self.misdated or self.slept else 0
        return self.misdated + heads

    async def check_counts(self) -> None:
        """The count is Gong's, or a little more: of calls that were cut off before they were sent."""
        now = START + self.true_time()
        since = self.gong.day.since(now) + (LATE if self.plan.limits.day_starts is None else 0.0)
        counted, arrived = len(self.disk.count(now, since).made), self.gong.used(now)
        killed = 4 * self.plan.kills
        excused = self.excused() + self.carried_over()
        check(
            arrived - excused <= counted <= arrived + killed + self.network.vanished,
            "counts agree",
            counted=counted,
            arrived=arrived,
        )


class _DiskStore(MemoryStore):
    """The day's count of all processes of a machine, as one of them sees it: it can be full, and dies with the process."""

    def __init__(self, company: LocalCompany, process: Process) -> None:
        super().__init__()
        self._company = company
        self._process = process

    def take(self, now: float, since: float, allowed: int) -> Taken | Count:
        if self._company.disk_is_full:
            raise QuotaStoreError(path="day", reason="the disk is full")
        return self._company.disk.take(now, since, allowed)

    def give_back(self, ticket: int) -> None:
        if self._process.alive:
            self._company.disk.give_back(ticket)

    def pause(self, until: float, now: float) -> None:
        self._company.disk.pause(until, now)

    def reopen(self) -> None:
        self._company.disk.reopen()

    def is_reopened(self) -> bool:
        return self._company.disk.is_reopened()

    def count(self, now: float, since: float) -> Count:
        return self._company.disk.count(now, since)

    def close(self) -> None:
        """A process ends; the disk stays."""
