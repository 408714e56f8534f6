"""The program that the torture of distributed jobs kills: one life of one worker.

Its calls carry the number of its life, so that whoever answers them knows who sent what.
"""

from __future__ import annotations

import asyncio
import os
import sys

import aiohttp

from gong_tasks_async import AccessKey, Quota, QuotaLimits, Unlimited
from gong_tasks_async.distributed import Worker, run_worker
from gong_tasks_async.settings import ClientSettings

LIFE = "x-life"
COMPANY = "acme"


def unlimited(company: str, limits: QuotaLimits) -> Quota:  # noqa: ARG001 - the interface
    return Unlimited()


async def main(url: str, life: str, concurrency: int, lease: float, key: str, secret: str, gong: str) -> None:
    async with aiohttp.ClientSession(headers={LIFE: life}) as session:
        default = ClientSettings(credentials=AccessKey(key, secret), base_url=gong, session=session)
        worker = Worker(
            url,
            company=COMPANY,
            credentials={"default": default},
            quota=unlimited,
            concurrency=concurrency,
            lease=lease,
        )
        asyncio.get_running_loop().call_soon(os.write, sys.stdout.fileno(), b"ready")  # to signals, by then
        await run_worker(worker)


if __name__ == "__main__":
    redis_url, life_number, rows_at_once, lease_seconds, *gong_settings = sys.argv[1:]
    asyncio.run(main(redis_url, life_number, int(rows_at_once), float(lease_seconds), *gong_settings))
