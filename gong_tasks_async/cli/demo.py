"""`gong-tasks demo`: the library at work on a simulated Gong in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import click
from rich.console import Console

from gong_tasks_async import AccessKey, BulkReport, GongTasksClient, TaskStatus, TaskUpdate, UserTasks
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.cli.output.console import note, stderr_console, stdout_console
from gong_tasks_async.cli.output.progress import bulk_progress
from gong_tasks_async.cli.simulator_tables import ledger_table, tasks_table
from gong_tasks_async.simulator import Engine, SecondLimit, Simulator

LATENCY: Final = (0.04, 0.12)
"""Seconds of a round trip: what a call across a continent takes."""

SHOWN_PER_USER: Final = 2


@click.command("demo", cls=Command)
@click.option(
    "--tasks", type=click.IntRange(1, 1000), default=36, show_default=True, help="How many to mark done."
)
@click.option(
    "--users", type=click.IntRange(1, 100), default=4, show_default=True, help="Whose tasks to list."
)
@click.option(
    "--limit",
    type=click.Choice([limit.value for limit in SecondLimit if limit is not SecondLimit.NONE]),
    default=SecondLimit.SLIDING.value,
    show_default=True,
    help="How the simulated Gong counts its 3 calls a second.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Other seeds make other tasks.")
def command(tasks: int, users: int, limit: str, seed: int) -> None:
    """See the library at work on a simulated Gong; needs no account.

    Lists the open tasks of several users, marks some of them done, and prints what that cost. The simulated
    Gong runs in this process, and refuses more than 3 calls in any second.
    """
    engine = Engine(
        users=users, tasks_per_user=_enough(tasks, users), seed=seed, second_limit=SecondLimit(limit)
    )
    report = asyncio.run(_demonstrate(engine, tasks))
    for failure in report.failures:
        note(line_for_operator(failure.error))
    click.get_current_context().exit(0 if report.complete and not report.failed else 1)


def _enough(tasks: int, users: int) -> int:
    """How many tasks each user needs for enough of them to be open, as nine of ten are."""
    return 2 * _share(tasks, users) + 5


def _share(tasks: int, users: int) -> int:
    return -(-tasks // users)


async def _demonstrate(engine: Engine, tasks: int) -> BulkReport:
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
