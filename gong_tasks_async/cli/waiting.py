"""Waits made visible: no command is silent for long without a note of what it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from gong_tasks_async.bulk.render.format import duration
from gong_tasks_async.cli.local_time import local_time_zone
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.events import LONG_PAUSE, BudgetSpent, Event, Paused

PATIENCE: Final = 15.0
"""Seconds without any event after which the first note is written; twice as long for each further one."""

LAG: Final = 2.0
"""Seconds by which a sleep may last longer; beyond, the loop stood still, as at a question."""


class PauseNotices:
    """Notify of long pauses, each once, however many calls were rate-limited."""

    def __init__(self) -> None:
        self._notified_until = 0.0

    def __call__(self, event: Event) -> None:
        """Take an event of the client."""
        if not isinstance(event, Paused) or event.seconds < LONG_PAUSE:
            return
        until = event.at.timestamp() + event.seconds
        if until - self._notified_until >= LONG_PAUSE:
            self._notified_until = until
            note(f"Paused by Gong for {duration(event.seconds)}, until {_clock(event)}.")


def _clock(event: Paused) -> str:
    return local_time_zone(event.at + timedelta(seconds=event.seconds))


class SilenceWatch:
    """Writes a note where nothing was heard for long: no response, no retry, no pause that explains it.

    Args:
        on_event: receives each event of the client.
    """

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._heard = asyncio.get_running_loop().time()
        self._noted = 0.0

    def __call__(self, event: Event) -> None:
        """Take an event of the client; a pause is known to last, and needs no further note."""
        seconds = event.seconds if isinstance(event, Paused) else 0.0
        if isinstance(event, BudgetSpent):
            seconds = max(0.0, (event.resets_at - event.at).total_seconds())
        self._heard = max(self._heard, asyncio.get_running_loop().time() + seconds)
        self._noted = 0.0
        self._on_event(event)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch while the block runs."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = self._heard + max(PATIENCE, 2 * self._noted)
            wait = max(0.1, due - loop.time())
            began = loop.time()
            await asyncio.sleep(wait)
            if loop.time() - began > wait + LAG:
                self._heard = loop.time()
            silent = loop.time() - self._heard
            if silent >= max(PATIENCE, 2 * self._noted):
                self._noted = silent
                note(f"No response from Gong for {duration(silent)}; still waiting. Ctrl-C ends it.")
