"""Celery: a task is one `asyncio.run`; the quota outlives it, so that its counts and its pace do too."""

from __future__ import annotations

import asyncio
import os

from celery import Celery

from gong_tasks_async import GongTasksClient, LocalQuota

app = Celery("calls", broker=os.environ.get("CELERY_BROKER", "memory://"))

# One for each worker process. Several processes share a company's quota through Redis: RedisQuota.
quota = LocalQuota()


@app.task(autoretry_for=(OSError,), retry_backoff=True)
def dismiss(user_id: str) -> int:
    """Dismiss a user's open tasks; the number of those that are."""
    return asyncio.run(_dismiss(user_id))


async def _dismiss(user_id: str) -> int:
    async with GongTasksClient.from_env(quota=quota) as gong:
        tasks = await gong.list_tasks(user_id)
        report = await gong.update_many([task.update(status="DISMISSED") for task in tasks])
        return report.updated + report.unchanged
