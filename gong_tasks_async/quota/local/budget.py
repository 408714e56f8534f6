"""Calls a day: counted before they are sent, kept across restarts, with a reserve for interactive calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from logging import DEBUG
from typing import Any, TypeVar, TypeVarTuple

from gong_tasks_async.errors import QuotaStoreError
from gong_tasks_async.events import EventSink, logger
from gong_tasks_async.quota.day import DAY, Day, FixedDay, day_of
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.local.day_store import Count, DayStore, MemoryStore, Taken
from gong_tasks_async.quota.low_watch import LowWatch
from gong_tasks_async.quota.spent import SpentLanes

T = TypeVar("T")
Args = TypeVarTuple("Args")


class Budget:
    """The day's calls of one company, as this process and all that share its store have made them."""

    def __init__(
        self,
        limits: QuotaLimits,
        events: EventSink,
        wall_clock: Callable[[], float],
        store: DayStore | None = None,
    ) -> None:
        self.day: Day = day_of(limits.day_starts)
        """When calls stop counting."""
        self.resets: bool = isinstance(self.day, FixedDay)
        """Whether all calls stop counting at once; a plain attribute, since each call asks."""
        self._hears = events.hears
        self._now = wall_clock
        self._store: DayStore = store or _make_store(limits)
        self._memory = self._store if type(self._store) is MemoryStore else None
        """The store, where it is in memory and no other code has a say in it."""
        self._allowed = {lane: limits.allowed(lane) for lane in Lane}
        self.spent: SpentLanes = SpentLanes(events, wall_clock)
        self._low = LowWatch(limits.per_day, events)
        self._ample = min(self._low.low_from - 1, *self._allowed.values())
        """With fewer calls than these, either lane may call, and nothing is to be said about how many are left."""

    def count_now(self, lead: float = 0.0) -> int:
        """As :meth:`take_now`, where many calls are left: the ticket alone; 0 where that has to look closer."""
        store = self._memory
        if store is None:
            return 0
        now = self._now()
        ticket = store.count_now(now + lead, self.day, self._ample)
        if ticket and self._hears(DEBUG):
            self._low.check(store.used, now, self.day.expires_at)
        return ticket

    def take_now(self, lane: Lane, lead: float = 0.0) -> Taken | None:
        """As :meth:`take`, where no disk has to be waited for and the day is not spent; else None."""
        store = self._store
        if not isinstance(store, MemoryStore):
            return None
        if ticket := self.count_now(lead):
            return Taken(ticket, counted_at=store.latest) if self.resets else Taken(ticket)
        if self.spent:
            return None
        now = self._now()
        taken = store.take(now + lead, self.day.since(now), self._allowed[lane])
        if not isinstance(taken, Taken):
            return None
        self._low.check(taken.used, now, self.day.expires_at)
        return taken._replace(counted_at=now + lead) if self.resets else taken

    async def take(self, lane: Lane, lead: float = 0.0) -> Taken | Count:
        """Count one call: its ticket, by which it can be given back, or the count where Gong calls the day spent.

        ``lead`` is the seconds until the call will depart: it counts from then on, so that it is not freed before Gong frees it.

        Raises:
            DailyQuotaError: the day is spent for this lane by our own count.
            QuotaStoreError: the count cannot be kept.
        """
        if self.spent:
            self.spent.raise_if_spent(lane)
        now, allowed = self._now(), self._allowed[lane]
        taken = await self._with_store(self._store.take, now + lead, self.day.since(now), allowed)
        if isinstance(taken, Taken):
            self._low.check(taken.used, now, self.day.expires_at)
            return taken._replace(counted_at=now + lead) if self.resets else taken
        if len(taken.made) < allowed:
            return taken
        until = min(self._now() + DAY, self.day.expires_at(taken.made[-allowed]))
        raise self.spent.note(lane, until)

    def is_of_another_day(self, taken: Taken) -> bool:
        """Whether a reset lies between the moment for which a call was counted and now, when it is about to depart.

        The windows, a slower pace or a slow disk may hold a call longer than was expected, and a clock may be set.
        """
        day, counted_at = self.day, taken.counted_at
        return (
            isinstance(day, FixedDay)
            and counted_at is not None
            and not day.are_in_one(counted_at, self._now())
        )

    def give_back(self, taken: Taken | int) -> None:
        """Forget a call that was never sent, or that Gong does not count."""
        self._in_background(self._give_back, taken.ticket if isinstance(taken, Taken) else taken)

    def pause(self, seconds: float) -> None:
        """Note that Gong itself calls the day spent, also for the processes that share the store."""
        now = self._now()
        self.spent.note_gong(seconds)
        self._in_background(self._store.pause, now + seconds, now)

    def reopen(self) -> None:
        """Forget a pause of the day, without waiting for the disk."""
        self.spent.clear()
        self._in_background(self._store.reopen)

    async def reopen_now(self) -> None:
        """Forget a pause of the day; that is on disk afterwards."""
        self.spent.clear()
        await self._with_store(self._store.reopen)

    async def is_reopened(self) -> bool:
        """Whether the store holds no pause of the day; false where it cannot be read."""
        try:
            return await self._with_store(self._store.is_reopened)
        except QuotaStoreError:
            return False

    async def count(self) -> Count:
        """What is known now."""
        now = self._now()
        return await self._with_store(self._store.count, now, self.day.since(now))

    async def close(self) -> None:
        """Close the store."""
        await self._with_store(self._store.close)

    def _give_back(self, ticket: int) -> None:
        self._store.give_back(ticket)
        self.spent.clear()  # what was found out before holds no longer

    async def _with_store(self, step: Callable[[*Args], T], *args: *Args) -> T:
        """Take a step of the store: at once in memory, off the event loop where it may wait for a disk."""
        if isinstance(self._store, MemoryStore):
            return step(*args)
        future = asyncio.get_running_loop().run_in_executor(None, step, *args)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(self._undo)
            raise

    def _undo(self, future: asyncio.Future[Any]) -> None:
        """Give back a call that was counted for a caller who has been cancelled meanwhile."""
        if future.exception() is None and isinstance(taken := future.result(), Taken):
            self.give_back(taken)

    def _in_background(self, step: Callable[[*Args], None], *args: *Args) -> None:
        """Take a step that no caller waits for; should it fail, the count is too high rather than too low."""
        if isinstance(self._store, MemoryStore):
            step(*args)
            return
        with suppress(RuntimeError):  # the loop ends, and takes no more work for its threads
            future = asyncio.get_running_loop().run_in_executor(None, step, *args)
            future.add_done_callback(_log_failure)


def _make_store(limits: QuotaLimits) -> DayStore:
    if limits.day_store is None:
        return MemoryStore()
    # sqlite3 takes a while to import, and most counts are kept in memory.
    from gong_tasks_async.quota.local.day_file import SqliteStore  # noqa: PLC0415

    numbers = f"per_second={limits.per_second:g}, per_day={limits.per_day}, window={limits.window:g}"
    counted = (
        f"interactive_reserve={limits.interactive_reserve}, count_rate_limited={limits.count_rate_limited}"
    )
    return SqliteStore(limits.day_store, f"{numbers}, day_starts={limits.day_starts}, {counted}")


def _log_failure(future: asyncio.Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()):
        logger.error("The day's count could not be corrected: %s", error)
