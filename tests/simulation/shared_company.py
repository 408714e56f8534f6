"""A company whose processes share one quota through Redis, in virtual time, under one seed.

What may happen: callers that give up, 429s, lost and hanging responses, processes that are killed, an outage of Redis, a
server's clock that is set back, a process that was given other limits by mistake.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from random import Random
from unittest.mock import patch

from attrs import define, evolve, field

from gong_tasks_async import GongError, Lane, QuotaLimits, RedisQuota, RetryPolicy, TaskUpdate, Updated
from gong_tasks_async.bulk.outcomes import Outcome
from gong_tasks_async.http.messages import HttpResponse
from gong_tasks_async.quota.day import RollingDay
from gong_tasks_async.quota.ladder import ARRIVED_AFTER
from gong_tasks_async.simulation.gong import Flight, Gong
from gong_tasks_async.simulation.network import Network, Wire, WiredClient
from gong_tasks_async.simulator import VirtualClockLoop
from tests.simulation.books import check, most_in_a_window
from tests.simulation.plan import LATE, LONG, START
from tests.simulation.shared_plan import SharedPlan

MINUTE = 60.0
HEARD_AFTER = 0.1
"""Seconds within which each process has heard of another one's pause; a permit may be granted 0.05 s ahead."""
HEARD_BY_ALL = 20.0
"""Seconds within which a caller leaves once a pause was ended by hand: the queue before it included."""
STALLED_AFTER = 120.0
"""Seconds in which somebody leaves, unless Gong has paused all: an outage, a lease and the slowest spacings together."""


@define(eq=False)
class Process:
    """One process."""

    quota: RedisQuota
    waiting: dict[int, float] = field(factory=dict)
    tasks: set[asyncio.Task[None]] = field(factory=set)


@define(eq=False)
class SharedCompany:
    """All of it; an observer of the network."""

    plan: SharedPlan
    connect: Callable[[], Awaitable[object]]
    """Makes a connection to the server."""
    set_connected: Callable[[bool], None]
    lasts: float = 10 * MINUTE
    """Seconds for which it goes on once all has happened."""
    lands: float = 5.0
    """Seconds in which what is in flight lands, and is reported."""
    chance: Random = field(init=False)
    gong: Gong = field(init=False)
    network: Network = field(init=False)
    processes: list[Process] = field(factory=list)
    flights: list[Flight] = field(factory=list)
    server_behind: float = 0.0
    paused: tuple[float, float] = (0.0, 0.0)
    """When the longest pause was read, and when it ends."""
    moved_at: float = 0.0
    asked: int = 0
    ended: int = 0
    settled: dict[int, int] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        plan = self.plan
        self.chance = Random(plan.seed + 1)
        self.gong = Gong(
            chance=self.chance,
            conditions=plan.conditions,
            per_second=3.0,
            per_day=plan.limits.per_day,
            rule=plan.rule,
            day=RollingDay(),
            late=LATE,
        )
        self.network = Network(self.gong, self.chance, wall)

    # What is observed

    def note_departure(self, flight: Flight) -> None:
        """A call departs: not into a pause that all have heard of."""
        began, ends = self.paused
        into = began + HEARD_AFTER < flight.departed < ends - 1e-3
        check(
            not into or self.plan.set_back or self.plan.outage,
            "a pause holds for all",
            left=ends - flight.departed,
        )
        self.flights.append(flight)
        self.moved_at = flight.departed

    def note_response(self, flight: Flight, response: HttpResponse) -> None:  # noqa: ARG002 - an observer's
        """A response has been read."""
        if response.status != 429:
            return
        now = asyncio.get_running_loop().time()
        seconds = max(1.0, float(response.headers["Retry-After"]))
        if seconds < LONG and now + seconds > self.paused[1]:
            self.paused = now, now + seconds
        self.moved_at = max(self.moved_at, now + seconds)

    # What happens

    async def run(self) -> None:
        """Live for some minutes, and look at the books."""
        plan = self.plan
        for number in range(plan.processes):
            limits = evolve(plan.limits, per_second=4.0) if plan.mistaken and number == 1 else plan.limits
            await self.add_process(limits)
        acts = [self.one_caller] * plan.callers
        acts += [self.kill] * plan.killed + [self.lose_redis] * bool(plan.outage)
        acts += [self.set_clock_back] * bool(plan.set_back)
        acts += [self.reopen] * (plan.reopened and not plan.outage)
        self.chance.shuffle(acts)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self.watch())
            job = group.create_task(self.bulk()) if plan.rows else None
            for act in acts:
                await asyncio.sleep(self.chance.choice((0.0, 0.0, 0.1, 2.0)))
                group.create_task(act())
            await asyncio.sleep(self.lasts)
            watching.cancel()
            if job:
                job.cancel()
        await self.wind_down()

    async def add_process(self, limits: QuotaLimits) -> None:
        """Start a process."""
        client = await self.connect()
        quota = RedisQuota(client, company="acme", limits=limits, outage_timeout=30.0, wall_clock=wall)  # type: ignore[arg-type]  # a fake
        with suppress(GongError):
            await quota.snapshot()  # it subscribes
        self.processes.append(Process(quota))

    def client(self, process: Process, lane: Lane, timeout: float | None = None) -> WiredClient:
        """A client of a process."""
        wire = Wire(self.network, 0, lane, self)
        made = WiredClient(wire, process.quota, RetryPolicy(attempt_timeout=20.0))
        return made.with_options(lane=lane, timeout=timeout)

    async def one_caller(self) -> None:
        """Somebody lists tasks, and may give up."""
        process = self.chance.choice(self.processes)
        lane = self.chance.choice((Lane.INTERACTIVE, Lane.INTERACTIVE, Lane.BULK))
        timeout = self.chance.choice((None, None, 5.0))
        await self.start(
            process, self.list_tasks(process, lane, timeout), gives_up=self.chance.random() < 0.2
        )

    async def start(
        self, process: Process, work: AsyncIterator[None] | Awaitable[None], *, gives_up: bool
    ) -> None:
        """Run something in a process until that is killed."""
        task = asyncio.ensure_future(work)  # type: ignore[arg-type]  # a coroutine
        process.tasks.add(task)
        if gives_up:
            asyncio.get_running_loop().call_later(self.chance.choice((0.0, 0.1, 3.0)), task.cancel)
        await asyncio.wait([task])
        process.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            raise error

    async def list_tasks(self, process: Process, lane: Lane, timeout: float | None) -> None:  # noqa: ASYNC109
        self.asked += 1
        number, process.waiting[self.asked] = self.asked, asyncio.get_running_loop().time()
        try:
            async with self.client(process, lane, timeout) as gong:
                with suppress(GongError):
                    await gong.list_tasks("7")
        finally:
            self.ended += 1
            del process.waiting[number]

    async def bulk(self) -> None:
        """A bulk job, run again until its rows are settled."""
        while rows := [row for row in range(1, self.plan.rows + 1) if row not in self.settled]:
            process = self.processes[0]
            await self.start(process, self.update(process, rows), gives_up=False)
            await asyncio.sleep(5.0)

    async def update(self, process: Process, rows: list[int]) -> None:
        async with self.client(process, Lane.BULK) as gong:
            with suppress(GongError):
                await gong.update_many(
                    [TaskUpdate(row, "7", status="DONE") for row in rows], on_outcome=self.settle
                )

    def settle(self, outcome: Outcome) -> None:
        """Record what the job has recorded."""
        if isinstance(outcome, Updated):
            row = outcome.update.task_id
            self.settled[row] = self.settled.get(row, 0) + 1

    async def kill(self) -> None:
        """A process is killed, and another one started."""
        process = self.processes.pop(self.chance.randrange(len(self.processes)))
        for task in list(process.tasks):
            task.cancel()
        await process.quota.close()
        await self.add_process(self.plan.limits)

    async def lose_redis(self) -> None:
        """Redis does not answer for a while."""
        self.set_connected(False)
        await asyncio.sleep(self.plan.outage)
        self.set_connected(True)
        self.moved_at = max(self.moved_at, asyncio.get_running_loop().time())

    async def reopen(self) -> None:
        """Gong calls the day spent, and somebody ends that by hand: who waits in another process leaves at once."""
        first, other = self.processes[0].quota, self.processes[-1]
        first.pause(7_200.0, day_spent=True)
        await asyncio.sleep(1.0)
        waiting = asyncio.ensure_future(self.wait_for_permit(other))
        other.tasks.add(waiting)
        await asyncio.sleep(30.0)
        await self.processes[0].quota.reopen()  # the first may have been killed
        self.moved_at = asyncio.get_running_loop().time()
        await asyncio.wait([waiting], timeout=HEARD_BY_ALL)
        check(waiting.done(), "an opened gate is heard of")
        other.tasks.discard(waiting)

    async def wait_for_permit(self, process: Process) -> None:
        """Wait as long as it takes, and give the permit back."""
        with suppress(GongError):
            process.quota.release(await process.quota.acquire(Lane.INTERACTIVE), status=None, sent=False)

    async def set_clock_back(self) -> None:
        """Another server takes over, whose clock shows less."""
        self.server_behind = self.plan.set_back

    # What is checked

    async def watch(self) -> None:
        """Every wait is explained: by a pause, or calls that depart."""
        while True:
            await asyncio.sleep(5.0)
            now = asyncio.get_running_loop().time()
            since = [moment for process in self.processes for moment in process.waiting.values()]
            if since and self.gong.used(wall()) < self.plan.limits.allowed(Lane.BULK) - 4:
                idle = now - max(min(since), self.moved_at)
                check(idle <= STALLED_AFTER, "every wait is explained", idle=idle)

    async def wind_down(self) -> None:
        """Let what is in flight land, and look at the books."""
        while self.network.travelling:
            await asyncio.wait(self.network.travelling)
        await asyncio.sleep(self.lands)
        check(self.asked == self.ended, "no call is lost", asked=self.asked, ended=self.ended)
        self.check_window()
        check(self.gong.overspent <= 1, "the day is never overspent", calls=self.gong.overspent)
        for row, times in self.settled.items():
            check(self.gong.tasks.get(row) == "DONE", "no row is settled that Gong has not changed", row=row)
            check(times == 1, "no row is settled twice", row=row)
        await self.check_counts()
        for process in self.processes:
            await process.quota.close()

    def check_window(self) -> None:
        """At most so many arrivals in any window, of calls that were answered in time."""
        if self.plan.mistaken or self.plan.outage or self.plan.set_back:
            return
        sure = (
            flight.arrived
            for flight in self.flights
            if flight.answered is not None and flight.answered - flight.departed < ARRIVED_AFTER
        )
        most = most_in_a_window(sure, self.plan.limits.window)
        check(most <= self.plan.limits.slots, "no window above the limit", most=most)

    async def check_counts(self) -> None:
        """Redis counts what has departed, and a little more: calls that were cut off or never reported."""
        used = (await self.processes[0].quota.snapshot()).used
        departed = len(self.flights)
        check(
            departed - 4 * bool(self.plan.set_back) <= used <= departed + 4 + 8 * self.plan.killed,
            "counts agree",
            used=used,
            departed=departed,
        )


def wall() -> float:
    """The true time."""
    return START + asyncio.get_running_loop().time()


def live_shared(seed: int, plan: SharedPlan | None = None) -> SharedCompany:
    """Live through a seed, over a fake Redis whose clock is the event loop's.

    Raises:
        Broken: an invariant does not hold.
    """
    from fakeredis import FakeAsyncRedis, FakeServer

    random.seed(seed)
    server = FakeServer()

    async def connect() -> object:
        return FakeAsyncRedis(server=server)

    def set_connected(connected: bool) -> None:
        server.connected = connected

    company = SharedCompany(plan or SharedPlan.of(seed), connect, set_connected)
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        loop = runner.get_loop()
        with patch("time.time", lambda: START + loop.time() - company.server_behind):
            try:
                runner.run(company.run())
            except BaseExceptionGroup as group:
                raise group.exceptions[0] from None
    return company
