"""One process of the simulated company: its clock, its quota, its clients, and what is watched of them."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Coroutine
from typing import Any, Protocol

from attrs import define, field

from gong_tasks_async import (
    DailyQuotaError,
    GongTasksClient,
    Lane,
    LocalQuota,
    QuotaLimits,
    QuotaStoreError,
    RetryPolicy,
)
from gong_tasks_async.http.messages import HttpResponse
from gong_tasks_async.quota import Permit
from gong_tasks_async.quota.day import DAY
from gong_tasks_async.quota.local.day_store import Count, MemoryStore, Taken
from gong_tasks_async.simulation.gong import Flight
from gong_tasks_async.simulation.network import Network, Wire, WiredClient
from tests.simulation.books import Books
from tests.simulation.plan import LONG, START

RETRY = RetryPolicy(attempt_timeout=30.0)


class World(Protocol):
    """What a process asks of its company."""

    network: Network
    disk: MemoryStore
    disk_is_full: bool

    def true_time(self) -> float:
        """Seconds since the company began, those in which its machines slept included."""

    def note_departure(self, flight: Flight, lane: Lane, *, clock_error: float) -> None:
        """Count a departure of the company."""

    def note_response(self, status: int, seconds: float, departed: float) -> None:
        """A process has read a response."""

    def check_denial(self, process: Process, lane: Lane) -> None:
        """The day is called spent only when it is."""


class DiskStore(MemoryStore):
    """The day's count of all processes of a machine, as one of them sees it: it can be full, and dies with the process."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.dead = False

    def take(self, now: float, since: float, allowed: int) -> Taken | Count:
        if self._world.disk_is_full:
            raise QuotaStoreError(path="day", reason="the disk is full")
        return self._world.disk.take(now, since, allowed)

    def give_back(self, ticket: int) -> None:
        if not self.dead:
            self._world.disk.give_back(ticket)

    def pause(self, until: float, now: float) -> None:
        self._world.disk.pause(until, now)

    def reopen(self) -> None:
        self._world.disk.reopen()

    def is_reopened(self) -> bool:
        return self._world.disk.is_reopened()

    def count(self, now: float, since: float) -> Count:
        return self._world.disk.count(now, since)

    def close(self) -> None:
        """A process ends; the disk stays."""


@define(eq=False)
class Process:
    """One process of the company, in one of its lives."""

    world: World
    number: int
    limits: QuotaLimits
    clock_error: float = 0.0
    books: Books = field(init=False)
    store: DiskStore = field(init=False)
    quota: LocalQuota = field(init=False)
    tasks: set[asyncio.Task[None]] = field(factory=set)
    alive: bool = True

    def __attrs_post_init__(self) -> None:
        self.books = Books(self.limits, moved_at=self.world.true_time())
        self.store = DiskStore(self.world)
        self.quota = LocalQuota(self.limits, wall_clock=self.wall, store=self.store)

    def wall(self) -> float:
        """What the wall clock shows."""
        return START + self.world.true_time() + self.clock_error

    def client(self, lane: Lane, timeout: float | None = None) -> GongTasksClient:
        """A client of this process."""
        wire = Wire(self.world.network, self.number, lane, Watcher(self, lane))
        return WiredClient(wire, Watched(self), RETRY).with_options(lane=lane, timeout=timeout)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something in this process, until that is killed."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def kill(self) -> Process:
        """End at once, as with ``kill -9``; the next life begins."""
        self.alive, self.store.dead = False, True
        for task in list(self.tasks):
            task.cancel()
        self.books.check_window()
        return Process(self.world, self.number, self.limits, self.clock_error)


class Watched:
    """A quota whose callers are watched."""

    numbers = itertools.count()

    def __init__(self, process: Process) -> None:
        self._process = process
        self._quota = process.quota
        self.release, self.snapshot = self._quota.release, self._quota.snapshot
        self.estimate, self.reopen, self.pause = self._quota.estimate, self._quota.reopen, self._quota.pause

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Permit:
        world, books, number = self._process.world, self._process.books, next(self.numbers)
        books.waiting[number] = lane, world.true_time()
        if returning:
            books.note_return(number, lane)
        try:
            permit = await self._quota.acquire(
                lane, deadline=deadline, max_wait=max_wait, returning=returning
            )
        except DailyQuotaError:
            if self._process.alive:
                world.check_denial(self._process, lane)
            raise
        else:
            if returning and self._process.alive:
                books.note_permit(number, lane)
            return permit
        finally:
            del books.waiting[number]
            if returning:
                books.returning.remove((number, lane))


class Watcher:
    """Keeps a process's books of what goes over the network."""

    def __init__(self, process: Process, lane: Lane) -> None:
        self._process = process
        self._lane = lane
        self._departed: dict[int, float] = {}
        """By flight, in true time."""

    def note_departure(self, flight: Flight) -> None:
        process, now = self._process, self._process.world.true_time()
        self._departed[id(flight)] = now
        if process.alive:
            process.books.note_departure(flight, now)
            process.world.note_departure(flight, self._lane, clock_error=process.clock_error)

    def note_response(self, flight: Flight, response: HttpResponse) -> None:
        world, books = self._process.world, self._process.books
        departed = self._departed.pop(id(flight))
        if response.status == 429:
            seconds = float(response.headers["Retry-After"])
            world.note_response(429, seconds, departed)
            books.note_refusal(
                seconds,
                world.true_time(),
                day=seconds >= LONG,
                clock_is_wrong=self._process.clock_error > DAY,
            )
        elif response.status == 200:
            world.note_response(200, 0.0, departed)
            books.note_success(departed, world.true_time())
