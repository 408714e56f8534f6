"""The confirmation before a run."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager

import click

from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.cli.exit_codes import ExitCode
from gong_tasks_async.cli.output.console import is_terminal, note, stderr_console
from gong_tasks_async.cli.output.text import describe_cost, describe_updates
from gong_tasks_async.quota import QuotaSnapshot


def confirmation(plan: Plan, quota: QuotaSnapshot) -> str:
    """The question: ``Set 8,000 tasks of 212 users to DISMISSED? About 46 min, ...``."""
    return f"{describe_updates(plan.updates)}? {describe_cost(plan, quota)}."


def confirm(text: str) -> None:
    """Ask, and return if the answer is yes.

    Raises:
        click.UsageError: stdin is not a terminal.
        click.exceptions.Exit: the answer is no.
        click.Abort: the answer is Ctrl-C.
    """
    if not is_terminal(sys.stdin):
        preview = ", or --dry-run to preview" if "dry_run" in click.get_current_context().params else ""
        raise click.UsageError(f"cannot prompt: stdin is not a terminal: {text}\nAdd --yes to agree{preview}")
    stderr_console().print(text, markup=False)  # wrapped between words; a prompt breaks anywhere
    with _signals_answer():
        agreed = click.confirm("Go ahead?", err=True)
    if not agreed:
        note("Nothing was changed.")
        raise click.exceptions.Exit(ExitCode.INTERRUPTED)


@contextmanager
def _signals_answer() -> Generator[None]:
    """Let signals end the question: in an event loop they would only cancel the task that it blocks."""
    ends = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(end, signal.default_int_handler) for end in ends]
    try:
        yield
    finally:
        for end, handler in zip(ends, before, strict=True):
            signal.signal(end, handler)
