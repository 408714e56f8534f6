"""What `gong-tasks demo` does, and shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console

from gong_tasks_async import AccessKey, BulkReport, GongTasksClient, TaskStatus, TaskUpdate, UserTasks
from gong_tasks_async.cli.output.console import note, stderr_console, stdout_console
from gong_tasks_async.cli.output.progress import bulk_progress
from gong_tasks_async.cli.simulator_tables import ledger_table, tasks_table
from gong_tasks_async.simulator import Engine, Simulator

LATENCY: Final = (0.04, 0.12)
"""Seconds of a round trip: what a call across a continent takes."""

SHOWN_PER_USER: Final = 2


def enough_tasks(tasks: int, users: int) -> int:
    """How many tasks each user needs for enough of them to be open, as nine of ten are."""
    return 2 * _share(tasks, users) + 5


def _share(tasks: int, users: int) -> int:
    return -(-tasks // users)


async def demonstrate(engine: Engine, tasks: int) -> BulkReport:
    """List the open tasks, mark some of them done, and print what the simulated Gong saw."""
    screen = stdout_console()
    async with Simulator(engine, latency=LATENCY) as fake:
        credentials = AccessKey(fake.access_key, fake.access_key_secret)
        async with GongTasksClient(credentials, base_url=fake.base_url) as gong:
            found = await _list_all(gong, engine.user_ids)
            _show_found(screen, found)
            report = await _mark_done(gong, _changes(found, tasks))
    screen.print(str(report), soft_wrap=True)
    screen.print(ledger_table(engine.ledger, "What the simulated Gong saw (limit: 3 calls a second)"))
    return report


async def _list_all(gong: GongTasksClient, user_ids: Sequence[str]) -> list[UserTasks]:
    note(f"Listing the open tasks of {len(user_ids)} users")
    return [listed async for listed in gong.list_many(user_ids)]


def _show_found(screen: Console, found: Sequence[UserTasks]) -> None:
    count = sum(len(listed.unwrap()) for listed in found)
    first = [task for listed in found for task in listed.tasks[:SHOWN_PER_USER]]
    screen.print(tasks_table(first, f"{count:,} open tasks of {len(found)} users; some of them"))


def _changes(found: Sequence[UserTasks], tasks: int) -> list[TaskUpdate]:
    share = _share(tasks, len(found))
    chosen = [task for listed in found for task in listed.tasks[:share]]
    return [task.update(status=TaskStatus.DONE) for task in chosen[:tasks]]


async def _mark_done(gong: GongTasksClient, changes: Sequence[TaskUpdate]) -> BulkReport:
    note(f"Marking {len(changes)} of them done")
    with bulk_progress(stderr_console()) as progress:
        bar = progress.add_task("Done", total=len(changes))
        return await gong.update_many(changes, on_outcome=lambda _: progress.advance(bar))
