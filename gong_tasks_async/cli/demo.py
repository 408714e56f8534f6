"""`gong-tasks demo`: the library at work on a simulated Gong in the same process."""

from __future__ import annotations

import asyncio

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.simulator import Engine, SecondLimit


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
    from gong_tasks_async.cli.demonstration import demonstrate, enough_tasks  # noqa: PLC0415 - help need not load it

    engine = Engine(
        users=users, tasks_per_user=enough_tasks(tasks, users), seed=seed, second_limit=SecondLimit(limit)
    )
    report = asyncio.run(demonstrate(engine, tasks))
    for failure in report.failures:
        note(line_for_operator(failure.error))
    click.get_current_context().exit(0 if report.complete and not report.failed else 1)
