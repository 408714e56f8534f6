"""What happened, as values: for logs, metrics and progress bars. None of them holds a credential."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from attrs import field, frozen

logger = logging.getLogger("gong_tasks_async")


def _now() -> datetime:
    return datetime.now(UTC)


@frozen(kw_only=True)
class Event:
    """Something that happened, and when (UTC)."""

    at: datetime = field(factory=_now)


@frozen(kw_only=True)
class CallAttempted(Event):
    """One request was sent, and got a response (``status``) or none (``status is None``)."""

    method: str
    url: str
    status: int | None
    attempt: int
    seconds: float
    request_id: str | None = None
    """Gong's reference for this request: quote it to Gong's support."""


@frozen(kw_only=True)
class ResponseDelayed(Event):
    """A request has had no response for ``seconds``, and still waits for one."""

    method: str
    url: str
    seconds: float


@frozen(kw_only=True)
class UpdateUnreadable(Event):
    """Gong confirmed an update of a bulk run with a task that cannot be read; the update was made."""

    task_id: int
    path: str
    """Where in the response, in Gong's spelling."""
    expected: str
    request_id: str | None = None


@frozen(kw_only=True)
class RetryPlanned(Event):
    """An attempt failed and will be repeated after ``wait`` seconds."""

    method: str
    url: str
    attempt: int
    wait: float
    reason: str


@frozen(kw_only=True)
class FieldUnreadable(Event):
    """A field of a response is not as Gong's reference has it: it is None there, and its raw value stands in ``extra``.

    Emitted once for each place of a response, however many tasks it concerns.
    """

    path: str
    """Where it stood the first time, in Gong's spelling: ``$.tasks[3].contact.data.emails``."""
    expected: str
    found: str
    """Of which kind the value is. Not the value, which may hold personal data."""


@frozen(kw_only=True)
class Paused(Event):
    """Gong asked everybody to wait for ``seconds``."""

    seconds: float


@frozen(kw_only=True)
class Resumed(Event):
    """The pause is over, and the first call leaves."""


@frozen(kw_only=True)
class PaceChanged(Event):
    """Refusals lowered the pace, or quiet raised it again; both in calls a second."""

    before: float
    after: float


@frozen(kw_only=True)
class BudgetLow(Event):
    """The day's calls run low: told once at a quarter, a tenth, and a fiftieth of them."""

    left: int
    per_day: int


@frozen(kw_only=True)
class BudgetSpent(Event):
    """The day's calls are spent for a lane, by our count or by Gong's word."""

    lane: str
    resets_at: datetime


@frozen(kw_only=True)
class QuotaLost(Event):
    """The Redis that holds the shared quota does not answer; ``local_fallback`` tells whether calls go on without it."""

    server: str
    reason: str
    local_fallback: bool


@frozen(kw_only=True)
class QuotaRegained(Event):
    """The shared quota answers again, after ``seconds``."""

    server: str
    seconds: float


LONG_PAUSE = 10.0
"""Seconds; a pause of a second is everyday life, but nobody shall wait for long without a word."""


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
    """Hands events to whoever asked for them: the user's callback, and the log.

    Long pauses, a budget that runs low, and a shared quota that is lost are logged as warnings, short ones and retries as infos, everything else as debug, on the
    logger ``gong_tasks_async``. A callback that raises is logged and does not disturb the call.
    """

    __slots__ = ("_on_event",)

    def __init__(self, on_event: Callable[[Event], None] | None = None) -> None:
        self._on_event = on_event

    @property
    def wants_call_events(self) -> bool:
        """False where nobody would read an event for each call, so that none need be made."""
        return self._on_event is not None or logger.isEnabledFor(logging.DEBUG)

    def emit(self, event: Event) -> None:
        """Log the event, and hand it to the callback."""
        logger.log(_level(event), "%s", event)
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:
            logger.exception("on_event failed for %s", event)
