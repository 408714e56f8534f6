"""Calls a second: aiolimiter's token bucket, one token deep, and the windows of the ladder's rung."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable

from aiolimiter import AsyncLimiter

from gong_tasks_async.events import EventSink, PaceChanged
from gong_tasks_async.quota.ladder import SLOWEST_RUNG, Ladder, spacing_at
from gong_tasks_async.quota.limits import QuotaLimits
from gong_tasks_async.quota.local.arrivals import Arrivals


class Pacer:
    """Spaces departures evenly, and holds the next one back while the rung's windows are full.

    The bucket holds one token, since a deeper one lets bursts through: measured with aiolimiter 1.3,
    ``AsyncLimiter(3, 1)`` lets 5 calls into one second, ``AsyncLimiter(1, 1/3)`` spaces them. It is not first come,
    first served, so the queue lets one caller at a time come here.
    """

    def __init__(
        self, limits: QuotaLimits, events: EventSink, chance: Callable[[], float] = random.random
    ) -> None:
        self._events = events
        self._chance = chance
        self._ladder = Ladder(limits)
        self._arrivals = Arrivals(retention=max(limits.hold, spacing_at(SLOWEST_RUNG, limits)))
        self.limiter: AsyncLimiter = self._new_limiter()
        """The token bucket; to be drawn from directly only where :meth:`is_due`."""
        self._delay = 0.0
        self.due_from: float = -math.inf
        """The moment from which on a call is due, whatever comes; inf where :meth:`is_due` has to look."""
        self._next_after = self._ladder.spacing
        """Seconds after a departure from which on the next call is due, while no window is near full; inf where it is not
        time alone that it waits for."""
        self._departed = -math.inf
        """When the last call departed, or the one whose 429 was noted last."""
        self._response: asyncio.Future[None] | None = None
        self.news: int = 0
        """Counts responses and the like: without one, time alone only makes room."""

    @property
    def spacing(self) -> float:
        """Seconds from one departure to the next."""
        return self._ladder.spacing

    @property
    def rate(self) -> float:
        """Calls a second at the pace of now, with round trips as they are of late."""
        return self._ladder.rate

    async def pace(self) -> None:
        """Wait until a call may depart, and take its token. One caller at a time; it departs at once."""
        if not self.is_free():
            await self._wait_free()
        news, delay, self._delay = self.news, self._delay, 0.0
        if delay:
            self._note_pace()
            await asyncio.sleep(delay)
        await self.limiter.acquire()
        # Meanwhile a response may have come that changed the rung, or the trust in the round trip.
        waited = self.news != news and await self._wait_free()
        if waited or self.limiter.time_period != self._ladder.spacing:
            # A limiter cannot change its rate. A new one, emptied at once, counts on from this very departure.
            self.limiter = self._new_limiter()
            self._note_pace()
            await self.limiter.acquire()

    def expected_wait(self) -> float:
        """Seconds until the next token; a window that is full may make a call depart later."""
        now = asyncio.get_running_loop().time()
        return max(0.0, self._departed + self._ladder.spacing - now) + self._delay

    def is_due(self, now: float) -> bool:
        """Whether a call may depart at once: a token is there at the pace of now, and the windows have room."""
        ladder = self._ladder
        return (
            self._departed + ladder.spacing <= now
            and not self._delay
            and self.limiter.time_period == ladder.spacing
            and self._arrivals.free_at(ladder.windows, now) <= now
        )

    def is_free(self) -> bool:
        """Whether the windows have room for a call now."""
        now = asyncio.get_running_loop().time()
        return self._arrivals.free_at(self._ladder.windows, now) <= now

    def depart(self, now: float) -> int:
        """Count a call that departs; returns what to name it by."""
        arrivals, self._departed = self._arrivals, now
        call = arrivals.depart(now)
        has_room = call - arrivals.dropped < self._ladder.never_full
        self.due_from = now + self._next_after if has_room else math.inf
        return call

    def answer(self, call: int, departed: float, *, refused: bool) -> None:
        """Note the response to a call. What a 429 means is noted by :meth:`slow_down`."""
        now, ladder = asyncio.get_running_loop().time(), self._ladder
        if not self._arrivals.arrive(call, now):
            self.due_from = math.inf
        ladder.answered(departed, now)
        if refused:
            self._departed = departed
        elif ladder.accepted(departed):
            self._note_pace()
            self._emit_change(ladder.rung + 1)
        self.news += 1
        if self._response is not None:
            self._wake()

    def cut_off(self, call: int) -> None:
        """Note that a call ended without a response: it counts as arrived now, though it may still be on its way."""
        self._arrivals.arrive(call, asyncio.get_running_loop().time())
        self._note_news()

    def forget(self, call: int) -> None:
        """Count a call no longer: it never left."""
        self._arrivals.forget(call)
        self._note_news()

    def slow_down(self) -> None:
        """Note a 429 that means the second, not the day."""
        rung = self._ladder.rung
        self.news += 1
        if self._ladder.refused(self._departed, asyncio.get_running_loop().time()):
            self._delay = self._chance() * self._ladder.spacing
        self._note_pace()
        if self._ladder.rung != rung:
            self._emit_change(rung)

    def bind(self, shift: float) -> None:
        """Move to another event loop, whose clock shows ``shift`` seconds more."""
        self.limiter, self._response = self._new_limiter(), None
        self._departed += shift
        self._ladder.shift(shift)
        self._arrivals.shift(shift)
        self._note_pace()

    def _new_limiter(self) -> AsyncLimiter:
        """A bucket of one token, which belongs to the event loop that draws from it first."""
        return AsyncLimiter(1, self._ladder.spacing)

    def _note_pace(self) -> None:
        """Have the next call look whether it is due; those after it too, until one has waited for the delay or a new bucket."""
        spacing = self._ladder.spacing
        is_kept = self.limiter.time_period == spacing and not self._delay
        self.due_from, self._next_after = math.inf, spacing if is_kept else math.inf

    def _emit_change(self, rung: int) -> None:
        """Emit that the pace has changed from that of a rung to the one of now."""
        self._events.emit(PaceChanged(before=self._ladder.rate_at(rung), after=self._ladder.rate))

    def _note_news(self) -> None:
        """Have the one that waits look again: a window may have room."""
        self.news += 1
        if self._response is not None:
            self._wake()

    async def _wait_free(self) -> bool:
        """Wait until the windows have room; whether that took any time."""
        loop, waited = asyncio.get_running_loop(), False
        while (free_at := self._arrivals.free_at(self._ladder.windows, now := loop.time())) > now:
            waited = True
            self._response = loop.create_future()
            timer = loop.call_at(free_at, self._wake)
            try:
                await self._response
            finally:
                self._response = None
                timer.cancel()
        return waited

    def _wake(self) -> None:
        if self._response and not self._response.done():
            self._response.set_result(None)
