"""The two screens of every command: data on standard output, everything else on standard error.

``--no-color`` and ``NO_COLOR`` turn colours off, ``FORCE_COLOR`` turns them on in a pipe; the option wins.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console


def stdout_console() -> Console:
    """For what was asked for."""
    return _console(stderr=False)


def stderr_console() -> Console:
    """For progress, notes and troubles."""
    return _console(stderr=True)


def note(text: str) -> None:
    """Write one line to standard error, beside the data; a closed stream is no reason to leave work undone."""
    with suppress(OSError):
        sys.stderr.write(f"{text}\n")  # which a bar watches, to draw itself below; click.echo goes past it
        sys.stderr.flush()


def is_terminal(stream: IO[str] | None = None) -> bool:
    """Whether a person watches; ``FORCE_COLOR`` makes rich believe so of a pipe too, hence not its own word."""
    return (stream or sys.stdout).isatty()


def _console(*, stderr: bool) -> Console:
    from gong_tasks_async.cli.output.screen import Screen  # noqa: PLC0415 - 65 ms that help and completion need not spend

    # Names and titles are data: no smiley for ":)", no colour for what looks like a number.
    return Screen(stderr=stderr, highlight=False, emoji=False, no_color=_without_colour() or None)


def _without_colour() -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.find_root().params.get("no_color"))
