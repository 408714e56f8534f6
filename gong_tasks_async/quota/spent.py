"""What was found out of the day's calls: which lanes have none left, and until when. Of either quota's count."""

from __future__ import annotations

from collections.abc import Callable

from gong_tasks_async.errors import DailyQuotaError
from gong_tasks_async.events import BudgetSpent, EventSink
from gong_tasks_async.quota.day import to_datetime
from gong_tasks_async.quota.limits import Lane

LOOK_AGAIN = 60.0
"""Seconds after which the count is asked once more whether the day is still spent: another process may have given
calls back."""


class SpentLanes(dict[Lane, tuple[float, float]]):
    """The lanes whose day was found spent: when, and until when; nearly always none, so look before a call."""

    def __init__(self, events: EventSink, now: Callable[[], float]) -> None:
        super().__init__()
        self._events = events
        self._now = now

    def until(self, lane: Lane) -> float:
        """Until when the day is known to be spent for a lane by our own count; 0 where it is not."""
        found, until = self.get(lane, (0.0, 0.0))
        now = self._now()
        # A clock that was set back has not found it out yet, and one set forward may have had it wrong.
        return until if found <= now < min(until, found + LOOK_AGAIN) else 0.0

    def raise_if_spent(self, lane: Lane) -> None:
        """Raise at once what was found out before, without asking for the count again.

        Raises:
            DailyQuotaError: the day is spent for this lane.
        """
        if self and (until := self.until(lane)):
            raise self._error(until)

    def note(self, lane: Lane, until: float) -> DailyQuotaError:
        """Remember that the day is spent for a lane, and emit it; the error to raise."""
        known = self.get(lane)
        self[lane] = self._now(), until
        if known is None or known[1] != until:
            self._emit(lane, until)
        return self._error(until)

    def note_gong(self, seconds: float) -> None:
        """Emit that Gong itself calls the day spent, for everybody."""
        for lane in Lane:
            self._emit(lane, self._now() + seconds)

    def _emit(self, lane: Lane, until: float) -> None:
        self._events.emit(BudgetSpent(lane=lane.value, resets_at=to_datetime(until)))

    def _error(self, until: float) -> DailyQuotaError:
        return DailyQuotaError(
            errors=("the day's calls are spent; request not sent",),
            retry_after=max(0.0, until - self._now()),
            resets_at=to_datetime(until),
        )
