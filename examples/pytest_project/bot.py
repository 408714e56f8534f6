"""A bot's module, unaware of tests."""

from __future__ import annotations

from datetime import datetime

from gong_tasks_async import GongError, GongTasksClient, Lane
from gong_tasks_async.bulk.selection import dismiss, overdue, select


async def greeting(gong: GongTasksClient, user_id: str) -> str:
    """Greet a user with the number of open tasks, within 5 seconds, whether Gong answers or not."""
    try:
        tasks = await gong.with_options(lane=Lane.INTERACTIVE, timeout=5).list_tasks(user_id)
    except GongError:
        return "Good morning! Gong does not answer just now."
    return f"Good morning! You have {len(tasks)} open tasks."


async def clean_up(gong: GongTasksClient, user_id: str, now: datetime) -> int:
    """Dismiss a user's overdue tasks; return how many there were."""
    tasks = await gong.list_tasks(user_id)
    report = await gong.update_many(list(select(tasks, overdue(now), dismiss)))
    return report.updated
