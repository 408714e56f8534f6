"""A company lives through a scenario: its processes, its people, its bulk job, its neighbours."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random

from attrs import define, field

from gong_tasks_async.bulk import Outcome, Updated
from gong_tasks_async.errors import GongError
from gong_tasks_async.http.messages import HttpResponse
from gong_tasks_async.http.retry import RetryPolicy
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.quota import Lane, LocalQuota
from gong_tasks_async.quota.day import day_of
from gong_tasks_async.quota.local.day_store import MemoryStore
from gong_tasks_async.simulation.forecast import Forecast
from gong_tasks_async.simulation.gong import Conditions, Flight, Gong
from gong_tasks_async.simulation.network import Network, Wire, WiredClient
from gong_tasks_async.simulation.records import Records
from gong_tasks_async.simulation.scenario import Scenario, Sharing
from gong_tasks_async.simulator import VirtualClockLoop

HOUR = 3_600.0
START = 1_790_000_000.0
"""The wall clock when a simulation begins: September 2026. Which day it is plays no part."""
RUN_AGAIN_AFTER = 60.0
"""Seconds until a bulk job that had to stop is started again, as a supervisor would."""
USER = "7"


def simulate(scenario: Scenario) -> Forecast:
    """Live through a scenario; the same one comes to the same end.

    Raises:
        RuntimeError: an event loop runs in this thread already.
    """
    state = random.getstate()
    random.seed(scenario.seed)  # of the pacer's delays and the callers' jitter
    try:
        with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
            return runner.run(_Company(scenario).run())
    finally:
        random.setstate(state)


@define(eq=False)
class _Company:
    scenario: Scenario
    chance: Random = field(init=False)
    gong: Gong = field(init=False)
    network: Network = field(init=False)
    quotas: list[LocalQuota] = field(init=False)
    records: Records = field(factory=Records)
    settled: set[int] = field(factory=set[int])
    runs: int = 0

    def __attrs_post_init__(self) -> None:
        scenario = self.scenario
        self.chance = Random(scenario.seed)  # noqa: S311 - no secret
        quickest, slowest = scenario.round_trip
        self.gong = Gong(
            chance=self.chance,
            conditions=Conditions(ways=(quickest / 2, slowest / 2)),
            per_second=scenario.limits.per_second,
            per_day=scenario.limits.per_day,
            rule=scenario.rule,
            day=day_of(scenario.limits.day_starts),
        )
        self.network = Network(self.gong, self.chance, _wall)
        self.quotas = self._make_quotas()

    def _make_quotas(self) -> list[LocalQuota]:
        limits, processes = self.scenario.limits_of_each, self.scenario.processes
        if self.scenario.sharing is Sharing.SHARED:
            return [LocalQuota(limits, wall_clock=_wall, store=MemoryStore())] * processes
        day = MemoryStore()
        separate = self.scenario.sharing is Sharing.SEPARATE
        return [
            LocalQuota(limits, wall_clock=_wall, store=MemoryStore() if separate else day)
            for _ in range(processes)
        ]

    def _client(self, process: int, lane: Lane) -> WiredClient:
        wire = Wire(self.network, process, lane, self.records)
        return WiredClient(wire, self.quotas[process], RetryPolicy()).with_options(lane=lane)

    async def run(self) -> Forecast:
        """Live until the job is done, or the time is up."""
        background = [asyncio.create_task(self._neighbour(rate)) for rate in self.scenario.neighbours if rate]
        if self.scenario.calls_a_minute:
            background.append(asyncio.create_task(self._people()))
        with suppress(TimeoutError):
            async with asyncio.timeout(self.scenario.hours * HOUR):
                await (self._bulk() if self.scenario.rows else asyncio.Event().wait())
        seconds = asyncio.get_running_loop().time()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        return self.records.to_forecast(
            seconds=seconds,
            rows=self.scenario.rows,
            settled=len(self.settled),
            runs=self.runs,
            per_second=self.scenario.limits.per_second,
            day_used=self.gong.used(_wall()),
        )

    async def _bulk(self) -> None:
        """The job, started again where a run had to stop."""
        while len(self.settled) < self.scenario.rows:
            self.runs += 1
            async with self._client(0, Lane.BULK) as gong:
                await gong.update_many(self._pending(), wait_for_day=True, on_outcome=self._settle)
            await asyncio.sleep(0 if len(self.settled) == self.scenario.rows else RUN_AGAIN_AFTER)

    async def _pending(self) -> AsyncIterator[TaskUpdate]:
        for row in range(1, self.scenario.rows + 1):
            if row not in self.settled:
                yield TaskUpdate(row, USER, status="DONE")

    def _settle(self, outcome: Outcome) -> None:
        if isinstance(outcome, Updated):
            self.settled.add(outcome.update.task_id)

    async def _people(self) -> None:
        """People call at random moments, each in a process by chance."""
        async with asyncio.TaskGroup() as calls:
            while True:
                await asyncio.sleep(self.chance.expovariate(self.scenario.calls_a_minute / 60))
                calls.create_task(self._one_call(self.chance.randrange(self.scenario.processes)))

    async def _one_call(self, process: int) -> None:
        asked = asyncio.get_running_loop().time()
        answered = _LastFlight(self.records)
        wire = Wire(self.network, process, Lane.INTERACTIVE, answered)
        async with WiredClient(wire, self.quotas[process], RetryPolicy()) as gong:
            try:
                await gong.list_tasks(USER)
            except GongError:
                self.records.unanswered += 1
            else:
                self.records.note_wait(asked, answered.departed)

    async def _neighbour(self, rate: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.chance.expovariate(rate))
            self.records.note_neighbour(loop.time(), self.gong.admit(loop.time(), _wall()) is None)


@define(eq=False)
class _LastFlight:
    """Passes on what it observes, and remembers when the last request departed."""

    records: Records
    departed: float = 0.0

    def note_departure(self, flight: Flight) -> None:
        self.departed = flight.departed
        self.records.note_departure(flight)

    def note_response(self, flight: Flight, response: HttpResponse) -> None:
        self.records.note_response(flight, response)


def _wall() -> float:
    return START + asyncio.get_running_loop().time()
