"""A company whose processes share one quota through Redis.

What may happen: callers that give up, 429s, lost and hanging responses, processes that are killed, an outage of Redis, a
server's clock that is set back, a process that was given other limits by mistake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from typing import Self
from unittest.mock import patch

from attrs import define, evolve, field

from gong_tasks_async import GongError, RedisQuota
from tests.simulation.books import Books, check
from tests.simulation.company import Act, Company
from tests.simulation.happenings import kill, lose_redis, one_caller, reopen, set_clock_back
from tests.simulation.plan import START, SharedPlan
from tests.simulation.process import Process

HEARD_AFTER = 0.1
"""Seconds within which each process has heard of another one's pause; a permit that was granted ahead is given back then."""
STALLED_AFTER = 120.0
"""Seconds in which a call departs, unless Gong has paused all: an outage, a lease and the slowest spacings together."""


@define(eq=False, kw_only=True)
class SharedCompany(Company):
    """All processes have a ``RedisQuota`` of one company."""

    plan: SharedPlan
    connect: Callable[[], Awaitable[object]]
    """Makes a connection to the server."""
    set_connected: Callable[[bool], None] = lambda _: None
    server_behind: float = 0.0
    all_books: Books = field(init=False)

    @classmethod
    def of(cls, seed: int) -> Self:
        """The company of a seed, over a fake Redis whose clock is the event loop's."""
        from fakeredis import FakeAsyncRedis, FakeServer

        server = FakeServer()

        async def connect() -> object:
            return FakeAsyncRedis(server=server)

        def set_connected(connected: bool) -> None:
            server.connected = connected

        return cls(plan=SharedPlan.of(seed), connect=connect, set_connected=set_connected)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        disturbed = bool(self.plan.set_back or self.plan.outage)
        self.all_books = Books(
            self.plan.limits,
            alone=False,
            heard_after=float("inf") if disturbed else HEARD_AFTER,
            stalled_after=STALLED_AFTER,
            keeps_window=not (disturbed or self.plan.mistaken),
        )

    def clocks(self, loop: asyncio.AbstractEventLoop) -> AbstractContextManager[object]:
        return patch("time.time", lambda: START + loop.time() - self.server_behind)

    async def start_process(self, number: int, before: Process | None = None) -> Process:
        limits = self.plan.limits
        if before is not None:
            await before.quota.close()  # type: ignore[attr-defined]  # a RedisQuota
        elif self.plan.mistaken and number == 1:
            limits = evolve(limits, per_second=4.0)
        process = Process(self, number, limits, self.all_books)
        client = await self.connect()
        process.quota = RedisQuota(
            client,  # type: ignore[arg-type]  # a fake
            company="acme",
            limits=limits,
            outage_timeout=30.0,
            wall_clock=process.wall,
        )
        with suppress(GongError):
            await process.quota.snapshot()  # it subscribes
        return process

    def happenings(self) -> list[tuple[Act, int]]:
        plan = self.plan
        return [
            *((one_caller, plan.callers), (kill, plan.kills), (lose_redis, bool(plan.outage))),
            *((set_clock_back, bool(plan.set_back)), (reopen, plan.reopened and not plan.outage)),
        ]

    def excused(self) -> int:
        return 1

    def counted_ahead(self) -> int:
        """One of each process: permits are granted a little ahead, and the books are all processes' together."""
        return len(self.processes)

    async def check_counts(self) -> None:
        """Redis counts what has departed, and a little more: calls that were cut off or never reported."""
        counted, departed = (await self.processes[0].quota.snapshot()).used, len(self.flights)
        check(
            departed - 4 * bool(self.plan.set_back) <= counted <= departed + 4 + 8 * self.plan.kills,
            "counts agree",
            used=counted,
            departed=departed,
        )

    async def wind_down(self) -> None:
        await super().wind_down()
        for process in self.processes:
            await process.quota.close()  # type: ignore[attr-defined]  # a RedisQuota
