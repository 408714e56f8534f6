"""What happened, as values: for logs, metrics and progress bars. None of them holds a credential."""

from gong_tasks_async.events.base import Event
from gong_tasks_async.events.calls import (
    CallAttempted,
    CallEnded,
    CallEvent,
    CallQueued,
    CallSent,
    FieldUnreadable,
    ResponseDelayed,
    RetryPlanned,
    UpdateUnreadable,
)
from gong_tasks_async.events.quota import (
    BudgetChanged,
    BudgetLow,
    BudgetSpent,
    PaceChanged,
    Paused,
    QuotaLost,
    QuotaRegained,
    Resumed,
)
from gong_tasks_async.events.rows import RowClaimed, RowEnded
from gong_tasks_async.events.sink import EventSink, callback_problem, logger

__all__ = [
    "BudgetChanged",
    "BudgetLow",
    "BudgetSpent",
    "CallAttempted",
    "CallEnded",
    "CallEvent",
    "CallQueued",
    "CallSent",
    "Event",
    "EventSink",
    "FieldUnreadable",
    "PaceChanged",
    "Paused",
    "QuotaLost",
    "QuotaRegained",
    "ResponseDelayed",
    "Resumed",
    "RetryPlanned",
    "RowClaimed",
    "RowEnded",
    "UpdateUnreadable",
    "callback_problem",
    "logger",
]
