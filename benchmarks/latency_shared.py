"""How long a person's call waits for its permit behind the bulk rows of another process: one shared quota, a real Redis."""

from __future__ import annotations

import asyncio
import random
import sys
from subprocess import PIPE, Popen

from benchmarks.jobs_cost import redis_server
from benchmarks.stub_server import PROJECT
from gong_tasks_async import Lane, Permit, QuotaLimits, RedisQuota

COMPANY = "acme"
ROUND_TRIP = 0.1
"""Seconds until a call is answered."""
TIMEOUT = 10.0
"""Seconds in which Redis answers on a busy machine."""
GAP = (0.3, 1.5)
"""Seconds from one person's answer to the next one's call."""


def behind_another_process(rows: int, people: int) -> list[float]:
    """Seconds that each person's call waited, while so many rows wait in another process."""
    with redis_server() as url:
        command = [sys.executable, "-m", "benchmarks.latency_shared", url, str(rows)]
        with Popen(command, cwd=PROJECT, stdout=PIPE, text=True) as process:  # noqa: S603 - this file
            try:
                assert process.stdout is not None  # noqa: S101 - it was asked for
                process.stdout.readline()  # its first rows have left, the others wait
                return asyncio.run(_people(url, people))
            finally:
                process.kill()


def _quota(url: str) -> RedisQuota:
    return RedisQuota(url, company=COMPANY, limits=QuotaLimits(per_day=None), timeout=TIMEOUT)


async def _people(url: str, people: int) -> list[float]:
    loop, chance, waits = asyncio.get_running_loop(), random.Random(1), []
    async with _quota(url) as quota:
        for _ in range(people):
            await asyncio.sleep(chance.uniform(*GAP))
            came = loop.time()
            permit = await quota.acquire(Lane.INTERACTIVE)
            waits.append(loop.time() - came)
            await _answered(quota, permit)
    return waits


async def _rows(url: str, rows: int) -> None:
    """So many bulk rows that always wait: each one comes back as the next."""
    async with _quota(url) as quota:
        left = asyncio.Event()

        async def endlessly() -> None:
            while True:
                permit = await quota.acquire(Lane.BULK)
                left.set()
                await _answered(quota, permit)

        async with asyncio.TaskGroup() as group:
            for _ in range(rows):
                group.create_task(endlessly())
            await left.wait()
            print(flush=True)


async def _answered(quota: RedisQuota, permit: Permit) -> None:
    await asyncio.sleep(ROUND_TRIP)
    quota.release(permit, status=200)


if __name__ == "__main__":
    asyncio.run(_rows(sys.argv[1], int(sys.argv[2])))
