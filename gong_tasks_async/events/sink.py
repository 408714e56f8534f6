"""Where events go: to the callback, and to the log."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Final

from attrs import asdict

from gong_tasks_async.errors.checks import refuse
from gong_tasks_async.events.base import Event
from gong_tasks_async.events.calls import FieldUnreadable, ResponseDelayed, RetryPlanned, UpdateUnreadable
from gong_tasks_async.events.quota import BudgetLow, BudgetSpent, Paused, QuotaLost, QuotaRegained

logger: Final = logging.getLogger("gong_tasks_async")
# Without a handler of its own a library writes warnings to standard error where nothing is configured:
# https://docs.python.org/3/howto/logging.html#configuring-logging-for-a-library
logger.addHandler(logging.NullHandler())

LONG_PAUSE = 10.0
"""Seconds; a pause of a second is usual, a long one is worth a warning."""


WARNINGS = (
    BudgetLow,
    BudgetSpent,
    FieldUnreadable,
    QuotaLost,
    QuotaRegained,
    ResponseDelayed,
    UpdateUnreadable,
)
"""What an operator should look at."""


def _level(event: Event) -> int:
    if isinstance(event, Paused):
        return logging.WARNING if event.seconds >= LONG_PAUSE else logging.INFO
    if isinstance(event, WARNINGS):
        return logging.WARNING
    return logging.INFO if isinstance(event, RetryPlanned) else logging.DEBUG


class EventSink:
    """Passes events to the user's callback and to the log.

    Long pauses, a low budget, and an outage of the shared quota are logged as warnings, short pauses and retries as infos, everything else as
    debug, on the logger ``gong_tasks_async``: in words, with the event's fields in the record as ``gong_event``. A callback that raises
    is logged and does not disturb the call.
    """

    __slots__ = ("_on_event", "hears")

    def __init__(self, on_event: Callable[[Event], None] | None = None) -> None:
        refuse("on_event", [callback_problem(on_event)])
        self._on_event = on_event
        self.hears: Callable[[int], bool] = logger.isEnabledFor if on_event is None else _hears_all
        """Whether an event of a level of :mod:`logging` would be read; an attribute, since each call asks."""

    @property
    def wants_call_events(self) -> bool:
        """False where no event of each call would be read, so that none need be made."""
        return self.hears(logging.DEBUG)

    def emit(self, event: Event) -> None:
        """Log the event, and hand it to the callback."""
        level = _level(event)
        if logger.isEnabledFor(level):
            logger.log(
                level, "%s", event, extra={"gong_event": {"event": type(event).__name__, **asdict(event)}}
            )
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:
            logger.exception("on_event failed for %s", event)


def _hears_all(_: int) -> bool:
    """Whether a callback is passed an event: of any level."""
    return True


def callback_problem(on_event: object) -> str | None:
    """A callback that runs; the coroutine of an async one would not be awaited."""
    if on_event is None:
        return None
    if not callable(on_event):
        return f"on_event must be a function of one event, not {type(on_event).__name__}"
    if inspect.iscoroutinefunction(on_event) or inspect.iscoroutinefunction(type(on_event).__call__):
        return (
            "on_event must be a plain function, which is not awaited: for a coroutine function, put the events "
            "into an asyncio.Queue (on_event=queue.put_nowait) and read that in a task"
        )
    return None
