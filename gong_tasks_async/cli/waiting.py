"""Waits made visible: no command is silent for long without a note of what it waits for."""

from __future__ import annotations

from datetime import timedelta

from gong_tasks_async.bulk.render.format import duration
from gong_tasks_async.cli.local_time import local_time_zone
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.events import Event, Paused, ResponseDelayed
from gong_tasks_async.events.sink import LONG_PAUSE


class PauseNotices:
    """Notify of late responses and of long pauses, each once, however many calls were rate-limited."""

    def __init__(self) -> None:
        self._notified_until = 0.0

    def __call__(self, event: Event) -> None:
        """Take an event of the client."""
        if isinstance(event, ResponseDelayed):
            note(f"No response from Gong for {duration(event.seconds)}; still waiting. Ctrl-C ends it.")
        if not isinstance(event, Paused) or event.seconds < LONG_PAUSE:
            return
        until = event.at.timestamp() + event.seconds
        if until - self._notified_until >= LONG_PAUSE:
            self._notified_until = until
            note(f"Paused by Gong for {duration(event.seconds)}, until {_clock(event)}.")


def _clock(event: Paused) -> str:
    return local_time_zone(event.at + timedelta(seconds=event.seconds))
