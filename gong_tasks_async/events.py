"""What happened, as values: for logs, metrics and progress bars. None of them holds a credential."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from attrs import asdict, field, frozen

logger = logging.getLogger("gong_tasks_async")
# Without a handler of its own a library writes warnings to standard error where nothing is configured:
# https://docs.python.org/3/howto/logging.html#configuring-logging-for-a-library
logger.addHandler(logging.NullHandler())


def _now() -> datetime:
    return datetime.now(UTC)


@frozen(kw_only=True)
class Event:
    """Something that happened, and when (UTC)."""

    at: datetime = field(factory=_now)


@frozen(kw_only=True)
class CallEvent(Event):
    """Something that happened to one call; all its events have the same ``call_id``."""

    call_id: int
    """Counts the calls of this process."""
    operation: str
    """``list_tasks``, ``update_task``, ``list_users`` ..."""
    lane: str
    """``interactive`` or ``bulk``."""


@frozen(kw_only=True)
class CallQueued(CallEvent):
    """A call begins to wait for its first permit."""

    def __str__(self) -> str:
        return f"{self.operation}: queued in the {self.lane} lane"


@frozen(kw_only=True)
class CallSent(CallEvent):
    """A request of a call leaves."""

    method: str
    url: str
    template: str
    """The path with names for what varies: ``/v2/tasks/{taskId}``."""
    attempt: int
    """1 for the first request of the call."""

    def __str__(self) -> str:
        return f"{self.method} {self.url}: attempt {self.attempt}"


@frozen(kw_only=True)
class CallAttempted(CallEvent):
    """One request was sent, and got a response (``status``) or none (``status is None``)."""

    method: str
    url: str
    template: str
    status: int | None
    attempt: int
    seconds: float
    """From sending until the response was read, or failed."""
    request_id: str | None = None
    """Gong's reference for this request: quote it to Gong's support."""

    def __str__(self) -> str:
        return f"{self.method} {self.url}: {self.status or 'no response'} after {self.seconds:.3f} s (attempt {self.attempt})"


@frozen(kw_only=True)
class CallEnded(CallEvent):
    """A call has its result, or its error."""

    waited: float
    """Seconds in which it waited for valid credentials and for permits."""
    attempts: int
    """Requests sent."""
    status: int | None
    """Of the last response, if there was one."""
    error: str | None
    """The class of what was raised; None where the call succeeded, ``CancelledError`` where it was cancelled."""
    request_id: str | None
    seconds: float
    """For the whole call."""

    def __str__(self) -> str:
        return f"{self.operation}: {self.error or 'done'} after {self.seconds:.3f} s, {self.waited:.3f} s of them waiting"


@frozen(kw_only=True)
class ResponseDelayed(Event):
    """A request has had no response for ``seconds``, and still waits for one."""

    method: str
    url: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.method} {self.url}: no response for {self.seconds:g} s; still waiting"


@frozen(kw_only=True)
class UpdateUnreadable(Event):
    """Gong confirmed an update of a bulk run with a task that cannot be read; the update was made."""

    task_id: int
    path: str
    """Where in the response, in Gong's spelling."""
    expected: str
    request_id: str | None = None

    def __str__(self) -> str:
        return f"task {self.task_id}: updated, but the response cannot be read: {self.path} is not {self.expected}"


@frozen(kw_only=True)
class RetryPlanned(CallEvent):
    """An attempt failed and will be repeated after ``wait`` seconds."""

    method: str
    url: str
    template: str
    attempt: int
    wait: float
    reason: str

    def __str__(self) -> str:
        return f"{self.method} {self.url}: retry in {self.wait:.1f} s, because of {self.reason}"


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

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, found {self.found}; kept in extra"


@frozen(kw_only=True)
class Paused(Event):
    """Gong paused all calls for ``seconds``."""

    seconds: float

    def __str__(self) -> str:
        return f"Gong paused all calls for {self.seconds:g} s"


@frozen(kw_only=True)
class Resumed(Event):
    """The pause is over, and the first call leaves."""

    def __str__(self) -> str:
        return "the pause is over"


@frozen(kw_only=True)
class PaceChanged(Event):
    """Refusals lowered the pace, or quiet raised it again; both in calls a second."""

    before: float
    after: float

    def __str__(self) -> str:
        return f"pace: {self.before:.2f} to {self.after:.2f} calls a second"


@frozen(kw_only=True)
class BudgetChanged(Event):
    """A call was counted against the day: for a gauge of what is left."""

    used: int
    left: int
    per_day: int

    def __str__(self) -> str:
        return f"daily budget: {self.left:,} of {self.per_day:,} calls left"


@frozen(kw_only=True)
class BudgetLow(Event):
    """The day's calls run low: emitted once at a quarter, a tenth, and a fiftieth of them."""

    left: int
    per_day: int

    def __str__(self) -> str:
        return f"daily budget is low: {self.left:,} of {self.per_day:,} calls left"


@frozen(kw_only=True)
class BudgetSpent(Event):
    """The day's calls are spent for a lane, by our count or by a 429 of Gong."""

    lane: str
    resets_at: datetime

    def __str__(self) -> str:
        return f"daily budget is spent for the {self.lane} lane; it resets at {self.resets_at.isoformat(timespec='seconds')}"


@frozen(kw_only=True)
class QuotaLost(Event):
    """The Redis that holds the shared quota does not answer; ``local_fallback``: whether calls continue without it."""

    server: str
    reason: str
    local_fallback: bool

    def __str__(self) -> str:
        return f"the shared quota on {self.server} is away ({self.reason}); " + (
            "local fallback" if self.local_fallback else "no call is sent"
        )


@frozen(kw_only=True)
class QuotaRegained(Event):
    """The shared quota answers again, after ``seconds``."""

    server: str
    seconds: float

    def __str__(self) -> str:
        return f"the shared quota on {self.server} is back after {self.seconds:.1f} s"


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

    __slots__ = ("_on_event",)

    def __init__(self, on_event: Callable[[Event], None] | None = None) -> None:
        if on_event is not None:
            _check_callback(on_event)
        self._on_event = on_event

    @property
    def wants_call_events(self) -> bool:
        """False where no event of each call would be read, so that none need be made."""
        return self._on_event is not None or logger.isEnabledFor(logging.DEBUG)

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


def _check_callback(on_event: object) -> None:
    """Refuse what would never run: the coroutine of an async callback is not awaited.

    Raises:
        TypeError: it is no plain function.
    """
    if not callable(on_event):
        raise TypeError(f"on_event must be a function of one event, not {type(on_event).__name__}")
    if inspect.iscoroutinefunction(on_event) or inspect.iscoroutinefunction(type(on_event).__call__):
        raise TypeError(
            "on_event must be a plain function, which is not awaited: for a coroutine function, put the events "
            "into an asyncio.Queue (on_event=queue.put_nowait) and read that in a task"
        )
