"""A bot that announces each new call: watches users within a twentieth of the day's calls.

Run it against `gong-tasks simulator`, and close or add tasks there; or against Gong, with the users' ids as arguments.
"""

from __future__ import annotations

import asyncio
import sys

from gong_tasks_async import GongTasksClient, TaskAppeared


async def announce(user_ids: list[str]) -> None:
    """Print a line for each new task, until Ctrl-C."""
    async with GongTasksClient.from_env() as gong:
        async for event in gong.watch(user_ids, share=0.05, state="watched.json"):
            if isinstance(event, TaskAppeared):
                print(f"A new call for you, {event.task.user_id}: {event.task.title or event.task.id}")


if __name__ == "__main__":
    asyncio.run(announce(sys.argv[1:]))
