"""A chat-bot that lists and closes a person's tasks, while a bulk run is in progress in the same client.

    GONG_ACCESS_KEY=... GONG_ACCESS_KEY_SECRET=... GONG_BASE_URL=... python chat_bot.py ann.smith@example.com

Type `tasks`, `done 9067931441193858457`, or `quit`. Behind the scenes, everybody's overdue tasks are moved to
tomorrow, as fast as the quota allows; yet each command is answered at once, because interactive calls go first.
Otherwise a command would wait behind hundreds of updates.

`gong-tasks simulator` starts a simulated Gong to try it with, and prints what to set.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from gong_tasks_async import (
    DeadlineExceeded,
    GongError,
    GongTasksClient,
    Lane,
    Task,
    TaskNotFoundError,
    TaskStatus,
    TaskUpdate,
)
from gong_tasks_async.bulk.selection import due_on, overdue, select

# Seconds: a chat user waits no longer. A call that cannot end by then fails at once, before anything is sent.
TIMEOUT = 10.0
SHOWN = 5


class ChatBot:
    """Answers one person's messages."""

    def __init__(self, gong: GongTasksClient, user_id: str) -> None:
        # A view: it shares connection and quota with the client, and costs nothing.
        self._gong = gong.with_options(lane=Lane.INTERACTIVE, timeout=TIMEOUT)
        self._user_id = user_id

    async def answer(self, message: str) -> str:
        """Execute a message and describe the result; never raises."""
        try:
            return await self._execute(message)
        except TaskNotFoundError:
            return "You have no such task."
        except DeadlineExceeded:
            return "Gong is busy: look again in a minute."
        except GongError as error:
            return f"That failed: {error}"

    async def _execute(self, message: str) -> str:
        match message.split():
            case ["tasks"]:
                return listed(await self._gong.list_tasks(self._user_id))
            case ["done", number] if number.isdecimal() and int(number):
                update = TaskUpdate(int(number), self._user_id, status=TaskStatus.DONE)
                task = await self._gong.update_task(update)
                return f"Task {task.id} is done."
            case _:
                return "Type `tasks`, or `done` and the number of a task."


def listed(tasks: list[Task]) -> str:
    """Show the most urgent tasks."""
    if not tasks:
        return "Nothing to do."
    last = datetime.max.replace(tzinfo=UTC)
    urgent = sorted(tasks, key=lambda task: task.due_date or last)
    lines = [f"{task.id}  {due(task)}  {title(task)}" for task in urgent[:SHOWN]]
    return "\n".join([*lines, f"... {len(tasks)} in all"])


def due(task: Task) -> str:
    """Format the day on which a task is due."""
    return task.due_date.date().isoformat() if task.due_date else "any time  "


def title(task: Task) -> str:
    """Name a task; those of a flow have no title."""
    return task.title or (task.flow and task.flow.name) or "(untitled)"


async def postpone_everything(gong: GongTasksClient) -> None:
    """Move all overdue tasks to tomorrow: a bulk run, which waits behind interactive calls."""
    bulk = gong.with_options(lane=Lane.BULK)  # for the listing of the users too
    try:
        print(f"(bulk run: {await bulk.update_many(overdue_updates(bulk, datetime.now(UTC)))})")
    except GongError as error:
        print(f"(bulk run: {error})")


async def overdue_updates(gong: GongTasksClient, now: datetime) -> AsyncIterator[TaskUpdate]:
    """Find them user by user, as fast as they are updated, so that memory stays flat."""
    late, to_tomorrow = overdue(now), due_on((now + timedelta(days=1)).date())
    async for listing in gong.list_many(user.id async for user in gong.iter_users() if user.active):
        for update in select(listing.unwrap(), late, to_tomorrow):
            yield update


async def chat(bot: ChatBot) -> None:
    """Answer the terminal's lines; a real bot has its messenger's event here."""
    while (line := await asyncio.to_thread(sys.stdin.readline)) and line.strip() != "quit":
        began = time.perf_counter()
        print(await bot.answer(line))
        print(f"({time.perf_counter() - began:.1f} s)", flush=True)


async def main(address: str) -> int:
    """Chat until the user quits; then the bulk run ends as well."""
    async with GongTasksClient.from_env() as gong:
        users = await gong.find_users([address])
        if address not in users:
            print(f"No user has the address {address}", file=sys.stderr)
            return 1
        bulk_run = asyncio.create_task(postpone_everything(gong))
        await chat(ChatBot(gong, users[address].id))
        bulk_run.cancel()
        await asyncio.gather(bulk_run, return_exceptions=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
