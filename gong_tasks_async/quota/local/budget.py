"""Calls a day: counted before they are sent, kept across restarts, with a reserve for people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from gong_tasks_async.errors import DailyQuotaError
from gong_tasks_async.events import BudgetSpent, EventSink, logger
from gong_tasks_async.quota.day import Day, FixedDay, RollingDay
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.local.day_store import Count, DayStore, MemoryStore, SqliteStore, Taken
from gong_tasks_async.quota.low_watch import LowWatch

T = TypeVar("T")
N = TypeVar("N", int, float)


class Budget:
    """The day's calls of one company, as this process and all that share its store have made them."""

    def __init__(self, limits: QuotaLimits, events: EventSink, wall_clock: Callable[[], float]) -> None:
        self._limits = limits
        self._events = events
        self._now = wall_clock
        self._day: Day = RollingDay() if limits.day_starts is None else FixedDay(limits.day_starts)
        self._store: DayStore = MemoryStore() if limits.day_store is None else SqliteStore(limits.day_store)
        self._in_memory = self._store if isinstance(self._store, MemoryStore) else None
        self._allowed = {lane: limits.allowed(lane) for lane in Lane}
        self.spent: dict[Lane, float] = {}
        """The lanes whose day was found spent, and until when; nearly always none."""
        self._low = LowWatch(limits.per_day, events)

    @property
    def day(self) -> Day:
        """When calls stop counting."""
        return self._day

    def raise_if_spent(self, lane: Lane) -> None:
        """Raise at once what was found out before, without asking the store again.

        Raises:
            DailyQuotaError: the day is spent for this lane.
        """
        until = self.spent.get(lane, 0.0)
        if self._now() < until:
            raise self._spent_error(until)

    def try_take(self, lane: Lane) -> int:
        """As :meth:`take`, where the count is kept in memory; 0 where it is kept in a file, which takes a moment."""
        if self._in_memory is None:
            return 0
        if self.spent:
            self.raise_if_spent(lane)
        now, allowed = self._now(), self._allowed[lane]
        taken = self._in_memory.take(now, self._day.since(now), allowed)
        if isinstance(taken, Taken) and taken.used < self._low.starts_at and now < self._low.again_at:
            return taken.ticket
        return self._ticket(lane, taken)

    async def take(self, lane: Lane) -> int:
        """Count one call, and return the ticket with which it can be given back.

        Raises:
            DailyQuotaError: the day is spent for this lane, by our count or by Gong's word.
            QuotaStoreError: the count cannot be kept.
        """
        self.raise_if_spent(lane)
        now, allowed = self._now(), self._allowed[lane]
        return self._ticket(
            lane, await self._with_store(self._store.take, now, self._day.since(now), allowed)
        )

    def _ticket(self, lane: Lane, taken: Taken | Count) -> int:
        if isinstance(taken, Taken):
            if taken.used >= self._low.starts_at or self._now() >= self._low.again_at:
                now = self._now()
                self._low.check(taken.used, now, self._day.expires_at(now))
            return taken.ticket
        until = self.spent[lane] = self.resets_at(taken, self._allowed[lane])
        self._events.emit(BudgetSpent(lane=lane.value, resets_at=_moment(until)))
        raise self._spent_error(until)

    def give_back(self, ticket: int) -> None:
        """Forget a call that was never sent, or that Gong does not count."""
        self._in_background(self._give_back, ticket)

    def _give_back(self, ticket: int) -> None:
        self._store.give_back(ticket)
        self.spent.clear()  # what was found out before holds no longer

    def shut(self, seconds: float) -> None:
        """Remember that Gong itself has called the day spent, also for those who share the store."""
        until = self._now() + seconds
        for lane in Lane:
            self._events.emit(BudgetSpent(lane=lane.value, resets_at=_moment(until)))
        self._in_background(self._store.shut, until)

    async def count(self) -> Count:
        """What is known now."""
        return await self._with_store(self._store.count, self._day.since(self._now()))

    def resets_at(self, count: Count, allowed: int) -> float:
        """When the next call is possible, the day being spent."""
        expires_at = self._day.expires_at(count.made[-allowed]) if len(count.made) >= allowed else 0.0
        return max(expires_at, count.paused_until)

    async def _with_store(self, step: Callable[..., T], *args: float) -> T:
        """Take a step of the store: at once in memory, off the event loop where it may wait for a disk."""
        if isinstance(self._store, MemoryStore):
            return step(*args)
        under_way = asyncio.get_running_loop().run_in_executor(None, step, *args)
        try:
            return await asyncio.shield(under_way)
        except asyncio.CancelledError:
            under_way.add_done_callback(self._undo)
            raise

    def _undo(self, under_way: asyncio.Future[Any]) -> None:
        """Give back a call that was counted for somebody who has been cancelled meanwhile."""
        if under_way.exception() is None and isinstance(taken := under_way.result(), Taken):
            self.give_back(taken.ticket)

    def _in_background(self, step: Callable[[N], None], arg: N) -> None:
        """Take a step that nobody waits for; should it fail, the count is too high rather than too low."""
        if isinstance(self._store, MemoryStore):
            step(arg)
            return
        with suppress(RuntimeError):  # the loop ends, and takes no more work for its threads
            under_way = asyncio.get_running_loop().run_in_executor(None, step, arg)
            under_way.add_done_callback(_log_failure)

    def _spent_error(self, until: float) -> DailyQuotaError:
        return DailyQuotaError(
            errors=("the day's calls are spent; this one was not sent",),
            retry_after=max(0.0, until - self._now()),
            resets_at=_moment(until),
        )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _log_failure(under_way: asyncio.Future[None]) -> None:
    if not under_way.cancelled() and (error := under_way.exception()):
        logger.error("The day's count could not be corrected: %s", error)
