"""The bar of a long input that is being read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from gong_tasks_async.cli.output.console import is_terminal, stderr_console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SHOWN_FROM: Final = 10_000
"""Rows; fewer are read in less time than it takes to import what draws a bar."""


@contextmanager
def reading_bar() -> Generator[Callable[[int, int], None]]:
    """Give a function that shows how many rows are read, of about how many (0: not known); on a terminal only."""
    with ExitStack() as stack:
        drawn: list[tuple[Progress, TaskID]] = []

        def show(done: int, expected: int) -> None:
            if done < SHOWN_FROM or not is_terminal(sys.stderr):
                return
            if not drawn:
                drawn.append(_drawn(stack))
            progress, bar = drawn[0]
            progress.update(bar, completed=done, total=max(done, expected) if expected else None)

        yield show


def _drawn(stack: ExitStack) -> tuple[Progress, TaskID]:
    from gong_tasks_async.cli.output.progress import bulk_progress  # noqa: PLC0415 - 65 ms that a short input need not spend

    progress = stack.enter_context(bulk_progress(stderr_console(), transient=True))
    return progress, progress.add_task("Reading rows", total=None)
