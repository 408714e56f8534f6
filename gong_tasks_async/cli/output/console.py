"""The two screens of every command: data on standard output, everything else on standard error.

``--no-color`` and ``NO_COLOR`` turn colours off, ``FORCE_COLOR`` turns them on in a pipe; the option wins.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from gong_tasks_async.cli.invocation import global_option
from gong_tasks_async.cli.output.visible import visible

if TYPE_CHECKING:
    from rich.console import Console


def stdout_console() -> Console:
    """For the data asked for."""
    return _console(stderr=False)


def stderr_console() -> Console:
    """For progress, notes and errors."""
    return _console(stderr=True)


def emit(text: str) -> None:
    """Write data to standard output: one line, or several.

    A pipe gets the text as it is; on a terminal nothing of it is obeyed.
    """
    sys.stdout.write(f"{visible(text) if is_terminal() else text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Write a line to standard error, beside the data; a closed stream is no reason to leave work undone."""
    with suppress(OSError):
        sys.stderr.write(
            f"{visible(text)}\n"
        )  # which a bar watches, to draw itself below; click.echo bypasses it
        sys.stderr.flush()


def note_command(text: str, *commands: str) -> None:
    """Write a note, and below it commands to be typed: each complete, alone on its line, without a full stop."""
    note("\n".join((text, *(f"  {command}" for command in commands))))


def is_terminal(stream: IO[str] | None = None) -> bool:
    """Whether a person watches; ``FORCE_COLOR`` makes rich believe so of a pipe too, so rich is not asked."""
    return (stream or sys.stdout).isatty()


def may_reach_screen() -> bool:
    """Whether standard output may appear on the terminal: it is one, or a pipe whose other end is not known."""
    if is_terminal():
        return True
    try:
        return not stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):  # not a real file
        return False


def _console(*, stderr: bool) -> Console:
    from gong_tasks_async.cli.output.screen import Screen  # noqa: PLC0415 - 65 ms that help and completion need not spend

    # Names and titles are data: no markup, no smiley for ":)", no colour for what looks like a number.
    return Screen(
        stderr=stderr,
        markup=False,
        highlight=False,
        emoji=False,
        no_color=bool(global_option("no_color")) or None,
    )
