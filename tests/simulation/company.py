"""A company in one process, in virtual time, under one seed: days of services, bots and a bulk job.

Processes share the day's store, as on one machine; each has its part of the second. What may happen to them: callers
that give up, timeouts, 429s of each rule, bogus headers, lost and late responses, clocks that step and come back,
machines that sleep, processes that are killed, disks that are full.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from datetime import time
from random import Random
from typing import Any

from attrs import define, field, frozen

from gong_tasks_async import (
    AccessKey,
    Credentials,
    DailyQuotaError,
    GongError,
    GongTasksClient,
    Lane,
    LocalQuota,
    QuotaLimits,
    QuotaStoreError,
    RetryPolicy,
    TaskUpdate,
    TransportError,
    Updated,
)
from gong_tasks_async.bulk.outcomes import Outcome
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.transport import Transport
from gong_tasks_async.quota import Permit
from gong_tasks_async.quota.day import DAY, PROBE_INTERVAL, FixedDay
from gong_tasks_async.quota.local.day_store import Count, DayStore, MemoryStore, Taken
from gong_tasks_async.simulator import SecondLimit, VirtualClockLoop
from tests.simulation.books import DUST, IN_DOUBT, Books, check
from tests.simulation.gong import BERLIN, LATE, START, Flight, Gong, Weather, travel

HOUR = 3_600.0
DAILY_RETRY_AFTER = 60.0
RETRY = RetryPolicy(attempt_timeout=30.0)


@frozen
class Plan:
    """What a seed comes to."""

    seed: int
    processes: int
    limits: QuotaLimits
    rule: SecondLimit
    weather: Weather
    hours: float
    callers: int
    rows: int
    floods: int
    kills: int
    sleeps: int
    steps: int
    full_disks: int

    @classmethod
    def of(cls, seed: int) -> Plan:
        """Draw a plan."""
        chance = Random(seed)
        processes = chance.choice((1, 1, 2, 3))
        per_day = chance.choice((15, 40, 80))
        fixed = chance.random() < 0.4
        limits = QuotaLimits(
            per_second=3.0 / processes,
            per_day=per_day,
            interactive_reserve=per_day // 5,
            bulk_share=chance.choice((0.1, 0.25, 0.5)),
            day_starts=time(0, tzinfo=BERLIN) if fixed else None,
        )
        return cls(
            seed=seed,
            processes=processes,
            limits=limits,
            rule=chance.choice(tuple(SecondLimit)),
            weather=_weather(chance),
            hours=chance.choice((2.0, 30.0, 60.0)),
            callers=chance.choice((5, 20, 60)),
            rows=chance.choice((0, 10, 40)),
            floods=chance.choice((0, 1, 2)),
            kills=chance.choice((0, 0, 1)),
            sleeps=chance.choice((0, 0, 1)),
            steps=chance.choice((0, 1)),
            full_disks=chance.choice((0, 0, 1)),
        )


def _weather(chance: Random) -> Weather:
    bad = chance.random() < 0.6
    return Weather(
        ways=chance.choice(((0.0, 0.0), (0.02, 0.06), (0.015, 0.15), (0.1, 1.2))),
        refused=chance.choice((0.0, 0.05, 0.2)) if bad else 0.0,
        failing=0.05 if bad else 0.0,
        lost=0.03 if bad else 0.0,
        vanishing=0.03 if bad else 0.0,
        hanging=0.02 if bad else 0.0,
        retry_after=chance.choice(((1.0,), (0.0, 7.0), (30.0, 2.0), (1.0, 7_200.0), (1.0, 604_800.0))),
    )


class SharedStore(MemoryStore):
    """The day's count of all processes of a machine, as one of them sees it: it can be full, and dies with the process."""

    def __init__(self, company: Company, disk: DayStore) -> None:
        super().__init__()
        self._company = company
        self._disk = disk
        self.dead = False

    def take(self, now: float, since: float, allowed: int) -> Taken | Count:
        if self._company.disk_is_full:
            raise QuotaStoreError(path="day", reason="the disk is full")
        return self._disk.take(now, since, allowed)

    def give_back(self, ticket: int) -> None:
        if not self.dead:
            self._disk.give_back(ticket)

    def pause(self, until: float, now: float) -> None:
        self._disk.pause(until, now)

    def reopen(self) -> None:
        self._disk.reopen()

    def count(self, now: float, since: float) -> Count:
        return self._disk.count(now, since)

    def close(self) -> None:
        """A process ends; the disk stays."""


@define(eq=False)
class Process:
    """One process of the company, in one of its lives."""

    company: Company
    number: int
    clock_error: float = 0.0
    books: Books = field(init=False)
    store: SharedStore = field(init=False)
    quota: LocalQuota = field(init=False)
    tasks: set[asyncio.Task[None]] = field(factory=set)
    alive: bool = True

    def __attrs_post_init__(self) -> None:
        self.books = Books(self.company.plan.limits, moved_at=self.company.true_time())
        self.store = SharedStore(self.company, self.company.disk)
        self.quota = LocalQuota(self.company.plan.limits, wall_clock=self.wall)
        self.quota._budget._store = self.store

    def wall(self) -> float:
        """What the wall clock shows."""
        return START + self.company.true_time() + self.clock_error

    def client(self, lane: Lane, timeout: float | None = None) -> GongTasksClient:
        """A client of this process."""
        client = WiredClient(
            AccessKey("k", "s"), base_url="https://x.api.gong.io", quota=Watched(self), retry=RETRY
        )
        client.wire = Wire(self, lane)
        return client.with_options(lane=lane, timeout=timeout)

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
        return Process(self.company, self.number, self.clock_error)


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
        company, books, number = self._process.company, self._process.books, next(self.numbers)
        books.waiting[number] = lane, company.true_time()
        try:
            return await self._quota.acquire(lane, deadline=deadline, max_wait=max_wait, returning=returning)
        except DailyQuotaError:
            if self._process.alive:
                company.check_denial(self._process, lane)
            raise
        finally:
            del books.waiting[number]


class Wire:
    """The network between a process and Gong: requests arrive though their callers have gone."""

    base_url = "https://x.api.gong.io"

    def __init__(self, process: Process, lane: Lane) -> None:
        self._process = process
        self._lane = lane

    def use(self, credentials: Credentials, base_url: str | None = None) -> None: ...

    async def close(self) -> None: ...

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ASYNC109
        company, process = self._process.company, self._process
        task = int(request.path.rpartition("/")[2]) if request.method == "PATCH" else 0
        flight = Flight(process.number, self._lane.value, task, asyncio.get_running_loop().time())
        departed = company.true_time()
        if process.alive:
            process.books.note_departure(flight, company.true_time())
            company.note_departure(self._lane, excused=process.clock_error > DAY)
        going = asyncio.ensure_future(self._travel(flight, request))
        company.travelling.add(going)
        going.add_done_callback(company.travelling.discard)
        try:
            response = await asyncio.wait_for(asyncio.shield(going), timeout)
        except TimeoutError:
            raise TransportError(reason="no response in time") from None
        if response is None:
            raise TransportError(reason="ConnectionResetError: made up")
        flight.answered = asyncio.get_running_loop().time()
        self._note_response(response, departed)
        return response

    def _note_response(self, response: HttpResponse, departed: float) -> None:
        company, books = self._process.company, self._process.books
        if response.status == 429:
            seconds = float(response.headers["Retry-After"])
            company.note_response(429, seconds, departed)
            books.note_refusal(seconds, company.true_time(), day=seconds >= DAILY_RETRY_AFTER)
        elif response.status == 200:
            company.note_response(200, 0.0, departed)
            books.note_success(departed, company.true_time())

    async def _travel(self, flight: Flight, request: HttpRequest) -> HttpResponse | None:
        company = self._process.company
        hangs = company.chance.random() < company.plan.weather.hanging
        await travel(60.0 if hangs else company.gong.way())
        if company.chance.random() < company.plan.weather.vanishing:
            company.vanished += 1
            return None
        flight.arrived = asyncio.get_running_loop().time()
        response = company.gong.receive(flight, request, flight.arrived, START + company.true_time())
        await travel(company.gong.way())
        return response


class WiredClient(GongTasksClient):
    """A client on a wire."""

    wire: Wire

    def _open_transport(self) -> Transport:
        return self.wire


@define(eq=False)
class Company:
    """All of it."""

    plan: Plan
    chance: Random = field(init=False)
    gong: Gong = field(init=False)
    disk: MemoryStore = field(factory=MemoryStore)
    disk_is_full: bool = False
    slept: float = 0.0
    processes: list[Process] = field(factory=list)
    travelling: set[asyncio.Future[HttpResponse | None]] = field(factory=set)
    departed: list[float] = field(factory=list)
    """When calls departed, by true time."""
    excused: int = 0
    """Calls that a wrong clock has counted on another day."""
    vanished: int = 0
    """Requests that never arrived."""
    day_paused_until: float = -math.inf
    """By Gong's word to any process, in true time; the others read it in the store."""
    day_noted_at: float = -math.inf
    probed_at: float = -math.inf
    settled: dict[int, int] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        plan = self.plan
        self.chance = Random(plan.seed + 1)
        day = None if plan.limits.day_starts is None else FixedDay(plan.limits.day_starts)
        self.gong = Gong(self.chance, plan.weather, 3.0, plan.limits.per_day or 0, plan.rule, day)

    def true_time(self) -> float:
        """Seconds since the company began, those in which its machines slept included."""
        return asyncio.get_running_loop().time() + self.slept

    def note_response(self, status: int, seconds: float, departed: float) -> None:
        """A process has read a response."""
        now = self.true_time()
        if status == 429 and seconds >= DAILY_RETRY_AFTER:
            self.day_noted_at, self.day_paused_until = (
                now,
                max(self.day_paused_until, now + min(seconds, DAY)),
            )
            starts = self.plan.limits.day_starts
            if starts is not None:
                reset = FixedDay(starts).expires_at(START + now) - START
                self.day_paused_until = min(self.day_paused_until, reset)
        elif status == 200 and departed > self.day_noted_at:
            self.day_paused_until = -math.inf

    # What is checked of the whole company

    def note_departure(self, lane: Lane, *, excused: bool) -> None:
        """Count a departure of the company."""
        now, limits = START + self.true_time(), self.plan.limits
        self.departed.append(now)
        self.excused += excused
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

    # What happens

    async def run(self) -> None:
        """Live through the plan, and look at the books."""
        plan, self.processes = self.plan, [Process(self, number) for number in range(self.plan.processes)]
        end = plan.hours * HOUR
        happenings = [
            *((self.one_caller, plan.callers), (self.flood, plan.floods), (self.kill, plan.kills)),
            *((self.sleep, plan.sleeps), (self.step_clock, plan.steps), (self.fill_disk, plan.full_disks)),
        ]
        moments = [
            (self.chance.random() * end, number, act)
            for number, act in enumerate(act for act, times in happenings for _ in range(times))
        ]
        moments += [(0.0, -1, self.use_wrong_clock)] if plan.steps else []
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self.watch())
            background = [group.create_task(self.bulk(self.processes[0]))] if plan.rows else []
            for moment, _, act in sorted(moments, key=lambda item: item[:2]):
                await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))
                group.create_task(act())
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
        while self.travelling:
            await asyncio.wait(self.travelling)
        await asyncio.sleep(1.0)
        for process in self.processes:
            process.books.check_window()
        self.check_counts()
        excused = self.doubtful()
        check(self.gong.overspent <= excused, "the day is never overspent", calls=self.gong.overspent)
        for row, times in self.settled.items():
            check(self.gong.tasks.get(row) == "DONE", "no row is settled that Gong has not changed", row=row)
            check(times == 1, "no row is settled twice", row=row)

    def check_counts(self) -> None:
        """The count is Gong's, or a little more: of calls that were cut off before they were sent."""
        now = START + self.true_time()
        since = now - DAY + LATE if self.gong.day_starts is None else self.gong.day_starts.since(now)
        counted, arrived = len(self.disk.count(now, since).made), self.gong.used(now)
        killed = 4 * self.plan.kills
        excused = self.doubtful()
        check(
            arrived - excused <= counted <= arrived + killed + self.vanished,
            "counts agree",
            counted=counted,
            arrived=arrived,
        )

    async def one_caller(self, lane: Lane | None = None) -> None:
        """Somebody lists tasks, and may give up."""
        process = self.chance.choice(self.processes)
        lane = lane or self.chance.choice((Lane.INTERACTIVE, Lane.INTERACTIVE, Lane.BULK))
        timeout = self.chance.choice((None, None, 2.0, 20.0))
        task = process.start(self.list_tasks(process, lane, timeout))
        if self.chance.random() < 0.25:
            asyncio.get_running_loop().call_later(self.chance.choice((0.0, 0.1, 1.0, 10.0)), task.cancel)
        await self.finish(task)

    async def list_tasks(self, process: Process, lane: Lane, seconds: float | None) -> None:
        async with process.client(lane, seconds) as gong:
            with suppress(GongError):
                await gong.list_tasks("7")

    async def finish(self, task: asyncio.Task[None]) -> None:
        """Wait for a task; only a broken invariant is of interest."""
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()):
            raise error

    async def flood(self) -> None:
        """Many come at once, in both lanes."""
        lanes = [Lane.INTERACTIVE] * 25 + [Lane.BULK] * 5
        self.chance.shuffle(lanes)
        process = self.chance.choice(self.processes)
        tasks = [process.start(self.list_tasks(process, lane, None)) for lane in lanes]
        await asyncio.gather(*(self.finish(task) for task in tasks))

    async def bulk(self, process: Process) -> None:
        """A bulk job, until its rows are settled; its report is what it has recorded."""
        rows = list(range(1, self.plan.rows + 1))
        while rows:
            process = self.processes[0]
            task = process.start(self.update(process, tuple(rows)))
            await self.finish(task)
            rows = [row for row in rows if row not in self.settled]
            await asyncio.sleep(self.chance.choice((60.0, 600.0, HOUR)))

    async def update(self, process: Process, rows: tuple[int, ...]) -> None:
        updates = [TaskUpdate(row, "7", status="DONE") for row in rows]
        async with process.client(Lane.BULK) as gong:
            with suppress(GongError):
                await gong.update_many(updates, on_outcome=self.settle)

    def settle(self, outcome: Outcome) -> None:
        """Record what the job has recorded."""
        if isinstance(outcome, Updated):
            row = outcome.update.task_id
            self.settled[row] = self.settled.get(row, 0) + 1

    async def kill(self) -> None:
        """A process is killed, and started again some seconds later."""
        number = self.chance.randrange(len(self.processes))
        dead = self.processes[number]
        born = dead.kill()
        born.books.day_paused_until, born.books.probes = dead.books.day_paused_until, dead.books.probes
        born.books.day_noted_at = dead.books.day_noted_at
        if (
            self.excused
        ):  # what a wrong clock has stored is not believed, so the next life does not know of it
            self.day_paused_until = born.books.day_paused_until = -math.inf
        self.processes[number] = born

    async def sleep(self) -> None:
        """The machine sleeps: the loop's clock stands still, true time and the wall's go on."""
        self.slept += self.chance.choice((600.0, 8 * HOUR, 26 * HOUR))

    async def step_clock(self) -> None:
        """Somebody looks at the quota while the clock is wrong; then it is right again."""
        process = self.chance.choice(self.processes)
        process.clock_error = self.chance.choice((25 * HOUR, 400 * DAY, -3 * DAY, 90.0))
        with suppress(GongError):
            await process.quota.snapshot()
        process.clock_error = 0.0

    async def use_wrong_clock(self) -> None:
        """The clock is years ahead while the first calls are made."""
        process = self.processes[0]
        process.clock_error = 3 * 365 * DAY
        for _ in range(self.plan.limits.per_day or 0):
            if self.chance.random() < 0.1:
                break
            await self.finish(process.start(self.list_tasks(process, Lane.INTERACTIVE, None)))
        process.clock_error = 0.0
        self.day_paused_until = -math.inf
        process.books.probes.clear()  # a clock that was set back does not put the next probe off

    async def fill_disk(self) -> None:
        """The disk is full for a while."""
        self.disk_is_full = True
        await asyncio.sleep(self.chance.choice((5.0, 300.0)))
        self.disk_is_full = False


def live(seed: int, plan: Plan | None = None) -> Company:
    """Live through the days of a seed.

    Raises:
        Broken: an invariant does not hold.
    """
    random.seed(seed)  # the pacer's delays and the callers' jitter
    company = Company(plan or Plan.of(seed))
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
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
