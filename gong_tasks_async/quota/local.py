"""One process's quota: line -> gate -> slot -> pace -> gate again."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from gong_tasks_async.errors import DeadlineExceeded
from gong_tasks_async.events import Event, EventSink
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.limits import Lane, QuotaLimits, Turn
from gong_tasks_async.quota.line import Line
from gong_tasks_async.quota.pacer import Pacer
from gong_tasks_async.quota.slots import Slots


class LocalQuota:
    """The quota of one process; give the same object to every client of the company in it.

    The order is measured, not chosen: a token drawn before a wait at the gate is stale after it, and a call
    that leaves with a stale token leaves beside the next one's.
    """

    def __init__(
        self, limits: QuotaLimits | None = None, *, on_event: Callable[[Event], None] | None = None
    ) -> None:
        self.limits = limits or QuotaLimits()
        events = EventSink(on_event)
        self._gate = Gate(events)
        self._pacer = Pacer(self.limits, events)
        self._slots = Slots(self._pacer.slots, self.limits.hold)
        self._line = Line(self.limits.bulk_share, on_unused_token=self._slots.give_back)

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Turn:
        """Wait for the right to send one request; see :class:`Quota`."""
        self._gate.refuse_hopeless(deadline, max_wait)
        self._refuse_late(0 if returning else self._line.ahead(lane), deadline)
        has_token = await self._line.join(lane, returning=returning)
        while not has_token or self._gate.remaining():
            try:
                if has_token:  # handed over in the moment in which the gate shut
                    self._slots.give_back()
                await self._draw(deadline, max_wait)
            except BaseException:
                self._line.leave()
                raise
            has_token = not self._line.outranked(lane) or await self._line.give_way(lane)
        self._line.depart(lane)
        return Turn(asyncio.get_running_loop().time())

    def release(self, turn: Turn, *, answered: bool) -> None:
        """Say that the request has ended; see :class:`Quota`."""
        self._slots.cool(turn.departed, answered=answered)

    def pause(self, seconds: float) -> None:
        """Say that Gong answered 429; see :class:`Quota`."""
        self._pacer.slow_down()
        self._gate.shut(seconds)

    async def _draw(self, deadline: float | None, max_wait: float) -> None:
        """Draw the next token, with a slot for it, while the gate is open."""
        await self._gate.passed(deadline, max_wait)
        await self._slots.take()
        try:
            await self._pacer.pace()
            while self._gate.remaining():
                await self._gate.passed(deadline, max_wait)
                await self._pacer.pace()
        except BaseException:
            self._slots.give_back()
            raise

    def _refuse_late(self, ahead: int, deadline: float | None) -> None:
        """Tell a caller at once whose turn cannot come in time, rather than after waiting in vain."""
        if deadline is None:
            return
        estimate = self._gate.remaining() + ahead * self._pacer.spacing
        if asyncio.get_running_loop().time() + estimate > deadline:
            raise DeadlineExceeded(
                reason="its turn in the line cannot come before the deadline", estimate=estimate
            )


class Unlimited:
    """A quota that never makes anybody wait: for tests against a simulator, never for Gong itself."""

    async def acquire(
        self,
        lane: Lane,  # noqa: ARG002 - the protocol's
        *,
        deadline: float | None = None,  # noqa: ARG002 - the protocol's
        max_wait: float = math.inf,  # noqa: ARG002 - the protocol's
        returning: bool = False,  # noqa: ARG002 - the protocol's
    ) -> Turn:
        """Go at once."""
        return Turn(0.0)

    def release(self, turn: Turn, *, answered: bool) -> None:
        """Nothing was taken."""

    def pause(self, seconds: float) -> None:
        """Nobody is asked to wait."""
