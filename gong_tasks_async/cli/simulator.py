"""`gong-tasks simulator`: a fake Gong on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.latency import read_latency
from gong_tasks_async.cli.output.console import emit, stdout_console
from gong_tasks_async.simulator import Account, Engine, Fault, SecondLimit

if TYPE_CHECKING:
    from gong_tasks_async.simulator import Simulator

SHOWN_USERS = 5


def dashed(word: StrEnum) -> str:
    """Spell a word as command lines do."""
    return word.value.replace("_", "-")


def read_fault(text: str) -> tuple[Fault, float]:
    """Read a kind of fault and the share of calls that meet it: `server-error=0.02`."""
    kind, _, rate = text.partition("=")
    try:
        kind_and_rate = Fault(kind.replace("-", "_")), float(rate)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a kind and a rate such as server-error=0.02") from None
    if not 0 <= kind_and_rate[1] <= 1:
        raise click.BadParameter(f"{rate} is not a share between 0 and 1")
    return kind_and_rate


@click.command("simulator", cls=Command)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free one."
)
@click.option("--users", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--tasks", type=click.IntRange(min=0), default=100, show_default=True, help="Tasks of each user."
)
@click.option(
    "--limit",
    type=click.Choice([limit.value for limit in SecondLimit]),
    default=SecondLimit.SLIDING.value,
    show_default=True,
    help="How calls a second are counted.",
)
@click.option("--per-second", type=click.FloatRange(min=0, min_open=True), default=3, show_default=True)
@click.option("--per-day", type=click.IntRange(min=1), default=10_000, show_default=True)
@click.option(
    "--latency",
    type=read_latency,
    metavar="MS[-MS]",
    default="40-120",
    show_default=True,
    help="Milliseconds of a round trip.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Other seeds make other data.")
@click.option(
    "--account",
    type=click.Choice([dashed(account) for account in Account]),
    default=dashed(Account.ACTIVE),
    show_default=True,
)
@click.option(
    "--fault",
    "faults",
    type=read_fault,
    multiple=True,
    metavar="KIND=RATE",
    help=f"A share of calls that go wrong, such as slow=0.1; repeatable. Kinds: {', '.join(map(dashed, Fault))}.",
)
def command(
    *,
    port: int,
    users: int,
    tasks: int,
    limit: str,
    per_second: float,
    per_day: int,
    latency: tuple[float, float],
    seed: int,
    account: str,
    faults: tuple[tuple[Fault, float], ...],
) -> None:
    """Run a simulated Gong on this machine.

    It serves until Ctrl-C, and then prints what it received. Its credentials are invented and valid nowhere else.
    """
    from gong_tasks_async.simulator import Simulator  # noqa: PLC0415 - help need not load it

    engine = Engine(
        users=users,
        tasks_per_user=tasks,
        seed=seed,
        second_limit=SecondLimit(limit),
        per_second=per_second,
        per_day=per_day,
        account=Account(account.replace("-", "_")),
        fault_rates=dict(faults),
    )
    _serve_until_stopped(Simulator(engine, latency=latency, port=port, seed=seed))


def _serve_until_stopped(gong: Simulator) -> None:
    from gong_tasks_async.cli.simulator_tables import ledger_table  # noqa: PLC0415 - help need not load it

    # Supervisors end a program with SIGTERM, and are owed the same neat end as Ctrl-C.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(gong))
    except OSError as error:
        raise click.ClickException(f"the simulator cannot start: {error.strerror}") from error
    finally:
        signal.signal(signal.SIGTERM, before)
    stdout_console().print(ledger_table(gong.ledger, "What the simulated Gong saw"))


async def _serve(gong: Simulator) -> None:
    async with gong:
        emit(_introduction(gong))
        await asyncio.Event().wait()


def _introduction(gong: Simulator) -> str:
    return "\n".join(
        (
            f"A simulated Gong serves at {gong.base_url}; Ctrl-C ends it. In another terminal:",
            "",
            f"  export GONG_BASE_URL={gong.base_url}",
            f"  export GONG_ACCESS_KEY={gong.access_key}",
            f"  export GONG_ACCESS_KEY_SECRET={gong.access_key_secret}",
            "",
            f"User ids to try: {' '.join(gong.engine.user_ids[:SHOWN_USERS])}",
        )
    )
