"""One of several processes that draw on one company's quota: `python -m tests.shared_quota_job SETTINGS`.

Its callers change one task, each call as soon as the last is answered, until the process is told to end: by the end
of its standard input, or by a signal.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import Any

from gong_tasks_async import (
    AccessKey,
    GongTasksClient,
    Lane,
    QuotaLimits,
    QuotaUnavailable,
    RedisQuota,
    TaskUpdate,
)


async def call_on(gong: GongTasksClient, update: TaskUpdate, counts: Counter[str]) -> None:
    while True:
        try:
            await gong.update_task(update)
        except QuotaUnavailable:
            counts["unavailable"] += 1
            await asyncio.sleep(0.05)
        else:
            counts["answered"] += 1


async def told_to_end() -> None:
    await asyncio.to_thread(sys.stdin.read)


async def work(settings: dict[str, Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    update = TaskUpdate(settings["task_id"], settings["user_id"], status="DONE")
    limits = QuotaLimits(per_second=settings["per_second"], per_day=None)
    quota = RedisQuota(settings["redis"], company="acme", limits=limits, **settings["quota"])
    credentials = AccessKey(settings["key"], settings["secret"])
    async with quota, GongTasksClient(credentials, base_url=settings["base_url"], quota=quota) as gong:
        bulk = gong.with_options(lane=Lane.BULK)
        callers = [asyncio.create_task(call_on(bulk, update, counts)) for _ in range(settings["callers"])]
        ended = asyncio.create_task(told_to_end())
        done, pending = await asyncio.wait([*callers, ended], return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.wait(pending) if pending else None
        for task in done:
            task.result()
    return counts


if __name__ == "__main__":
    print(json.dumps(asyncio.run(work(json.loads(sys.argv[1])))))  # noqa: T201 - the answer to whoever started it
