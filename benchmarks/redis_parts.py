"""What each part of the shared quota is worth: the same simulated company with the part switched off.

Four processes with four bulk callers each, and one that asks for a person's call now and then, share a quota over a Redis in memory,
in virtual time under one seed: a run differs by the part alone. Last, the script's own cost: what these processes asked
is asked again of a real redis-server, at the same moments of the script's clock.

    python -m benchmarks.redis_parts              # some 2 minutes; needs the extras redis and fakeredis[lua]
    python -m benchmarks.redis_parts --only gate --seconds 120
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from random import Random
from typing import Any
from unittest.mock import patch

from attrs import asdict, define, field, frozen
from fakeredis import FakeAsyncRedis, FakeServer

from benchmarks.grid_servers import NETWORKS, RULES, Server
from benchmarks.script_cost import Request, cost_of_the_script, instructions_of_the_script
from gong_tasks_async import GongError, Lane, Permit, QuotaLimits, RedisQuota
from gong_tasks_async.quota.redis import redis_backend
from gong_tasks_async.quota.redis.commands import SOURCE, translate
from gong_tasks_async.simulator import VirtualClockLoop

BEGAN = 1_800_000_000.0
PROCESSES, CALLERS = 4, 4
A_PERSON_ASKS = 7.0
"""Seconds from one call of a person's to the next."""
MARK = "local ok, result = pcall(main)"
NO_GATE = """
local made = make_rare
make_rare = function()
  local rare = made()
  rare.close = function() end
  return rare
end
"""


@frozen
class Part:
    """One part of the quota: how it is switched off, and in which world that shows."""

    name: str
    off: str = ""
    """Lua that takes its place."""
    rule: str = "sliding second"
    network: str = "30-300 ms"
    limits: QuotaLimits = field(factory=lambda: QuotaLimits(per_day=None, interactive_reserve=0))
    limits_off: QuotaLimits | None = None
    closed: float = 0.0
    """Seconds in the middle for which Gong refuses all calls, and asks for a pause until then."""
    callers: tuple[int, ...] = (CALLERS,) * PROCESSES
    dies: bool = False
    """Whether the server forgets all in the middle."""


def _day(**settings: Any) -> QuotaLimits:
    return QuotaLimits(
        per_day=150, interactive_reserve=settings.pop("reserve", 0), day_starts=None, **settings
    )


PARTS = (
    Part("gate", NO_GATE, closed=20.0),
    Part(
        "spacing",
        "ask.spacing = 0",
        rule="bucket of 2",
        network="loopback",
        callers=(8,),
    ),
    Part("windows", "free_at = function() return 0 end"),
    Part("ladder", "refused = function() end", rule="strict spacing", network="40-120 ms"),
    Part("day", "ask.allowed = 1e15", limits=_day()),
    Part("reserve", limits=_day(reserve=50), limits_off=_day()),
    Part("lanes across processes", "note_urgent = function() end"),
    Part("fair shares (tickets)", "count_ahead = function() return 0 end", callers=(1, 1, 8, 8)),
    Part("returns", "take_back = function() end", network="lognormal 80 ms"),
    Part("catching up", "ask.catch_up = 0", network="loopback"),
    Part("processes remember the day", "while #ARGV > 3 do table.remove(ARGV) end", limits=_day(), dies=True),
)


@define
class World:
    """A server that counts, and what it saw."""

    server: Server
    closed: tuple[float, float]
    """From when until when it refuses all calls."""
    way: Callable[[Random], tuple[float, float]]
    chance: Random
    arrivals: list[float] = field(factory=list)
    by_process: Counter[int] = field(factory=Counter)
    refused: int = 0
    waits: list[float] = field(factory=list)
    """Seconds that a person's call waited."""
    persons: int = 0

    async def call(self, quota: RedisQuota, process: int, lane: Lane) -> None:
        """One call, as a client makes it; refused ones are sent again."""
        began, returning = now(), False
        while True:
            permit: Permit = await quota.acquire(lane, returning=returning)
            there, back = self.way(self.chance)
            await asyncio.sleep(there)
            self.arrivals.append(now())
            begins, ends = self.closed
            is_closed = begins <= now() < ends
            admitted = not is_closed and self.server.admits(now())
            pause = ends - now() if is_closed else 1.0
            await asyncio.sleep(back)
            if not admitted:
                quota.pause(pause)
            quota.release(permit, status=200 if admitted else 429)
            if admitted:
                self.by_process[process] += lane is Lane.BULK
                if lane is Lane.INTERACTIVE:
                    self.persons += 1
                    self.waits.append(permit.departed - began)
                return
            self.refused, returning = self.refused + 1, True


@frozen
class Seen:
    """What one run came to."""

    used: float
    """Of the second's limit."""
    refused: float
    """Of 1,000 calls."""
    most: int
    """Arrivals in one second."""
    shares: float
    """The process with the fewest calls, over that with the most."""
    person_waits: float
    """Seconds, the 95th of 100 of a person's calls."""
    person_calls: int
    calls: int
    scripts: float
    """Runs of the script for each call."""


def now() -> float:
    return asyncio.get_running_loop().time()


async def _live(part: Part, limits: QuotaLimits, seconds: float, asked: list[tuple[float, Request]]) -> Seen:
    closed = (seconds / 2, seconds / 2 + part.closed)
    world = World(RULES[part.rule](), closed, NETWORKS[part.network], Random(1))
    redis = FakeServer()

    async def bulk(quota: RedisQuota, process: int) -> None:
        with suppress(GongError):
            while True:
                await world.call(quota, process, Lane.BULK)

    async def person(quota: RedisQuota) -> None:
        with suppress(GongError):
            while True:
                await asyncio.sleep(A_PERSON_ASKS)
                await world.call(quota, 0, Lane.INTERACTIVE)

    async with AsyncExitStack() as stack:
        quotas = [
            await stack.enter_async_context(
                RedisQuota(FakeAsyncRedis(server=redis), company="acme", limits=limits, wall_clock=time.time)
            )
            for _ in part.callers
        ]
        tasks = [
            asyncio.create_task(bulk(quota, process))
            for process, (quota, callers) in enumerate(zip(quotas, part.callers, strict=True))
            for _ in range(callers)
        ]
        tasks += [asyncio.create_task(person(quotas[0]))]
        await asyncio.sleep(seconds / 2)
        if part.dies:
            await FakeAsyncRedis(server=redis).flushall()
        await asyncio.sleep(seconds / 2)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    calls, waits = len(world.arrivals), sorted(world.waits)
    shares = [world.by_process[process] for process in range(len(part.callers))]
    return Seen(
        used=(calls - world.refused) / seconds / world.server.per_second,
        refused=1000 * world.refused / max(1, calls),
        most=most_in_a_second(world.arrivals),
        shares=min(shares) / max(1, *shares),
        person_waits=waits[int(0.95 * len(waits))] if waits else 0.0,
        person_calls=world.persons,
        calls=calls,
        scripts=len(asked) / max(1, calls),
    )


def most_in_a_second(arrivals: list[float]) -> int:
    arrivals = sorted(arrivals)
    first, most = 0, 0
    for place, moment in enumerate(arrivals):
        while arrivals[first] <= moment - 1.0 + 1e-9:
            first += 1
        most = max(most, place - first + 1)
    return most


def run(part: Part, *, on: bool, seconds: float) -> tuple[Seen, list[tuple[float, Request]]]:
    """Live through it; what was seen, and what the script was asked when."""
    source = SOURCE if on else SOURCE.replace(MARK, f"{translate(part.off)}\n{MARK}")
    limits = part.limits if on or part.limits_off is None else part.limits_off
    asked: list[tuple[float, Request]] = []
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        clock = runner.get_loop().time
        execute = redis_backend.RedisBackend._run  # noqa: SLF001 - watched

        async def watched(self: redis_backend.RedisBackend, request: Request) -> list[object]:
            asked.append((BEGAN + clock(), request))
            return await execute(self, request)

        with (
            patch("time.time", lambda: BEGAN + clock()),
            patch.object(redis_backend, "SOURCE", source),
            patch.object(redis_backend, "DIGEST", ""),
            patch.object(redis_backend.RedisBackend, "_run", watched),
        ):
            seen = runner.run(_live(part, limits, seconds, asked))
    return seen, asked


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=240.0, help="of virtual time for each run")
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for part in PARTS:
        if options.only and not any(word in part.name for word in options.only):
            continue
        for on in (True, False):
            seen, _ = run(part, on=on, seconds=options.seconds)
            rows.append({"part": part.name, "on": on, **asdict(seen)})
            if not options.json:
                _print_row(rows[-1])
    seen, asked = run(Part("all"), on=True, seconds=options.seconds)
    per_run, per_permit = cost_of_the_script(asked, seen.calls)
    script = {"us a run": per_run, "us a permit": per_permit, "runs a permit": seen.scripts}
    if instructions := instructions_of_the_script(asked):
        script |= {"instructions a run": instructions, "instructions a permit": instructions * seen.scripts}
    if options.json:
        print(json.dumps({"parts": rows, "script": [script]}))
    else:
        print(
            "\nthe script in a real Redis: "
            + ", ".join(f"{value:,.2f} {name}" for name, value in script.items())
        )


def _print_row(row: dict[str, Any]) -> None:
    mark = "" if row["on"] else "without "
    print(
        f"{mark + row['part']:<36} used {row['used']:.3f}  refused {row['refused']:6.1f}  most {row['most']:>2}"
        f"  shares {row['shares']:.2f}  a person waits {row['person_waits']:6.2f} s"
        f"  person's calls {row['person_calls']:>3}  calls {row['calls']:>5}  scripts {row['scripts']:.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
