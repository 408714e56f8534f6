"""The one question before many changes are made."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.cli.exit_codes import ExitCode
from gong_tasks_async.cli.output.console import is_terminal, note, stderr_console
from gong_tasks_async.cli.output.text import cost, counted, wanted
from gong_tasks_async.quota import QuotaSnapshot


def confirmation(plan: Plan, quota: QuotaSnapshot, *, look: bool = False) -> str:
    """What is asked: ``Set 8,000 tasks of 212 people to DISMISSED? About 46 min, ...``."""
    listing = (
        f" Before that, {counted(plan.users, 'call')} to leave out what is as wanted already." if look else ""
    )
    return f"{wanted(plan.updates)}? {cost(plan, quota)}.{listing}"


def confirm(text: str) -> None:
    """Ask, and return if the answer is yes.

    Raises:
        click.UsageError: there is nobody to ask.
        click.exceptions.Exit: the answer is no.
        click.Abort: the answer is Ctrl-C.
    """
    if not is_terminal(sys.stdin):
        raise click.UsageError(
            f"nobody can be asked here: {text}\nSay --yes to answer, or --dry-run to be told no more than that"
        )
    stderr_console().print(text, markup=False)  # between words, where a prompt would be broken anywhere
    with _signals_answer():
        agreed = click.confirm("Go ahead?", err=True)
    if not agreed:
        note("Nothing was changed.")
        raise click.exceptions.Exit(ExitCode.INTERRUPTED)


@contextmanager
def _signals_answer() -> Iterator[None]:
    """In an event loop Ctrl-C and SIGTERM cancel the running task, of which a question that blocks it never hears."""
    ends = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(end, signal.default_int_handler) for end in ends]
    try:
        yield
    finally:
        for end, handler in zip(ends, before, strict=True):
            signal.signal(end, handler)
