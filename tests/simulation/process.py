"""One process of the simulated company: its clock, its quota, its clients, and what is watched of them."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from attrs import define, field

from gong_tasks_async import DailyQuotaError, GongTasksClient, Lane, QuotaLimits, RetryPolicy
from gong_tasks_async.http.messages import HttpResponse
from gong_tasks_async.quota import Permit, Quota
from gong_tasks_async.simulation.gong import Flight
from gong_tasks_async.simulation.network import Wire, WiredClient
from tests.simulation.books import Books
from tests.simulation.plan import LONG, START

if TYPE_CHECKING:
    from tests.simulation.company import Company

RETRY = RetryPolicy(attempt_timeout=30.0)


@define(eq=False)
class Process:
    """One process of the company, in one of its lives."""

    company: Company
    number: int
    limits: QuotaLimits
    books: Books
    """Its own, or those of all that share its quota."""
    clock_error: float = 0.0
    quota: Quota = field(init=False)
    tasks: dict[asyncio.Task[None], None] = field(factory=dict)
    alive: bool = True

    def wall(self) -> float:
        """What the wall clock shows."""
        return START + self.company.true_time() + self.clock_error

    def client(self, lane: Lane, timeout: float | None = None) -> GongTasksClient:
        """A client of this process."""
        wire = Wire(self.company.network, self.number, lane, Watcher(self, lane))
        return WiredClient(wire, Watched(self), RETRY).with_options(lane=lane, timeout=timeout)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something in this process, until that is killed."""
        task = asyncio.create_task(work)
        self.tasks[task] = None  # in their order, which a set has not: they are cancelled in it
        task.add_done_callback(self.tasks.pop)
        return task

    def kill(self) -> None:
        """End at once, as with ``kill -9``."""
        self.alive = False
        for task in list(self.tasks):
            task.cancel()


class Watched:
    """A quota whose callers are watched."""

    numbers = itertools.count()

    def __init__(self, process: Process) -> None:
        self._process = process
        self._quota = process.quota
        self.release, self.snapshot = self._quota.release, self._quota.snapshot
        self.estimate, self.reopen = self._quota.estimate, self._quota.reopen

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        if not day_spent and seconds < LONG:
            self._process.books.note_pause(seconds, self._process.company.true_time())
        self._quota.pause(seconds, day_spent=day_spent)

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Permit:
        company, books, number = self._process.company, self._process.books, next(self.numbers)
        queue = id(self._process), lane
        books.waiting[number] = lane, company.true_time()
        if returning:
            books.note_return(number, queue)
        try:
            permit = await self._quota.acquire(
                lane, deadline=deadline, max_wait=max_wait, returning=returning
            )
        except DailyQuotaError:
            if self._process.alive:
                company.check_denial(self._process, lane)
            raise
        else:
            if returning and self._process.alive:
                books.note_permit(number, queue)
            return permit
        finally:
            del books.waiting[number]
            if returning:
                books.returning.remove((number, queue))


class Watcher:
    """Keeps the books of what goes over a process's network."""

    def __init__(self, process: Process, lane: Lane) -> None:
        self._process = process
        self._lane = lane
        self._departed: dict[int, float] = {}
        """By flight, in true time."""

    def note_departure(self, flight: Flight) -> None:
        process = self._process
        self._departed[id(flight)] = process.company.true_time()
        if process.alive:
            process.company.note_departure(process, flight, self._lane)

    def note_response(self, flight: Flight, response: HttpResponse) -> None:
        departed = self._departed.pop(id(flight))
        if response.status == 429:
            self._process.company.note_refusal(self._process, float(response.headers["Retry-After"]))
        elif response.status == 200:
            self._process.company.note_success(self._process, departed)
