"""Who is next in this process, and its turn among all: one caller at a time stands at the script."""

from __future__ import annotations

import asyncio
import math

from gong_tasks_async.errors import DeadlineExceeded
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.lanes import LaneQueue
from gong_tasks_async.quota.limits import Lane
from gong_tasks_async.quota.redis.backend import Backend
from gong_tasks_async.quota.redis.commands import (
    DaySpent,
    GateClosed,
    Granted,
    Reply,
    TooLate,
    YieldToInteractive,
)
from gong_tasks_async.quota.redis.day_count import DayCount
from gong_tasks_async.quota.redis.session import Demand, RedisSession
from gong_tasks_async.quota.redis.subscriber import Subscriber

CLOCK_SKEW = 0.05
"""Seconds; so much later than ours the server's gate may open, since it was shut by a message. No news for anybody."""


class Wakeup:
    """One waiter at a time: whoever stands at the front of the line."""

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake the waiter, if there is one."""
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds: float) -> None:
        """Wait so long, or until it rings."""
        self._waiter = asyncio.get_running_loop().create_future()
        timer = asyncio.get_running_loop().call_later(seconds, self.ring)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None


class Dispatcher:
    """The front of this process's line.

    A turn is given ahead: the script says when to go, and the one at the front waits for that moment here. A pause
    voids it, whoever calls it: that is heard on the channel. Where it might not have been heard, the script is
    asked again before the call leaves.
    """

    def __init__(
        self, member: RedisSession, gate: Gate, day: DayCount, server: Backend, bulk_share: float
    ) -> None:
        self._member = member
        self._gate = gate
        self._day = day
        self._line = LaneQueue(bulk_share, on_unused_token=self._nobody_takes_it)
        self._bell = Wakeup()
        self._handed: Granted | None = None
        """The turn on its way from one caller to another."""
        self._orphan: asyncio.Task[Reply] | None = None
        """A question whose asker was cancelled before the answer came."""
        self.hearing = Subscriber(server, self._hear)

    @property
    def has_waiters(self) -> bool:
        """Whether somebody will ask for a turn as soon as the one at the front has left."""
        return self._line.waiting(Lane.INTERACTIVE) + self._line.waiting(Lane.BULK) > 0

    async def turn(self, lane: Lane, deadline: float | None, max_wait: float, *, returning: bool) -> Granted:
        """Wait for the company's next turn that falls to this caller.

        Raises:
            DeadlineExceeded, RateLimitError, DailyQuotaError, QuotaUnavailable: see :meth:`Quota.acquire`.
        """
        if deadline is not None:
            self._refuse_late(0 if returning else self._line.count_ahead(lane), deadline)
        handed = not self._line.try_take_head() and await self._join(lane, returning=returning)
        while True:
            turn = self._take_handed() if handed else await self._draw(lane, deadline, max_wait)
            if turn is None:
                handed = self._line.must_yield(lane) and await self._line.yield_head(lane, with_token=False)
            elif self._line.must_yield(lane):
                self._handed = turn
                handed = await self._line.yield_head(lane)
            else:
                self._line.leave_sending(lane)
                return turn

    def wake(self) -> None:
        """Something has happened that the one at the front should know."""
        self._bell.ring()

    async def close(self) -> None:
        """Stop listening."""
        await self.hearing.close()

    async def _join(self, lane: Lane, *, returning: bool) -> bool:
        if lane is Lane.INTERACTIVE:
            self._bell.ring()  # a machine that leaves room for others leaves the front to us
        return await self._line.wait_for_head(lane, returning=returning)

    def _take_handed(self) -> Granted | None:
        turn, self._handed = self._handed, None
        if turn is not None and not self._member.is_valid(turn):
            self._member.outbox.unused(turn)
            return None
        return turn

    def _nobody_takes_it(self) -> None:
        if self._handed is not None:
            self._member.outbox.unused(self._handed)
            self._handed = None

    async def _draw(self, lane: Lane, deadline: float | None, max_wait: float) -> Granted | None:
        """At the front, wait for a turn; None where somebody of higher rank has come meanwhile. Or leave the front."""
        try:
            while True:
                await self._gate.wait_open(deadline, max_wait)
                answer = await self._asked(lane, deadline)
                if isinstance(answer, Granted):
                    if await self._awaited(answer):
                        return answer
                elif isinstance(answer, YieldToInteractive):
                    await self._bell.wait(answer.seconds)
                    if self._line.must_yield(lane):
                        return None
                else:
                    await self._refused(answer, lane)
        except BaseException:
            self._line.leave()
            raise

    async def _asked(self, lane: Lane, deadline: float | None) -> Reply:
        """Ask the script; the answer to somebody who was cancelled meanwhile is given back."""
        if self._orphan is not None:
            await asyncio.wait(
                [self._orphan]
            )  # what it brings goes back with our own question, and comes to us
            self._orphan = None
        loop = asyncio.get_running_loop()
        patience = math.inf if deadline is None else max(0.0, deadline - loop.time())
        asking = loop.create_task(self._member.take(lane, patience, self._demand))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(self._undo)
            self._orphan = asking
            raise

    async def _awaited(self, turn: Granted) -> bool:
        """Wait for the moment of a turn; tell whether it is good still."""
        loop = asyncio.get_running_loop()
        due = loop.time() + turn.wait
        good = False
        try:
            while self._member.is_valid(turn) and (remaining := due - loop.time()) > 0:
                await self._bell.wait(remaining)
            good = self._member.is_valid(turn) and (self.hearing.sure or await self._member.confirm(turn))
        finally:
            if not good:
                self._member.outbox.unused(turn)
        return good

    async def _refused(self, answer: Reply, lane: Lane) -> None:
        """Wait as the script says, or raise what it says."""
        match answer:
            case GateClosed(seconds=seconds) if seconds <= CLOCK_SKEW:
                await asyncio.sleep(seconds)
            case GateClosed(seconds=seconds, day_spent=day_spent):
                self._gate.close(seconds, day_spent=day_spent)
            case DaySpent(seconds=seconds):
                raise self._day.spent(lane, seconds)
            case TooLate(seconds=seconds):
                raise DeadlineExceeded(reason="its turn cannot come before the deadline", estimate=seconds)

    def _refuse_late(self, ahead: int, deadline: float) -> None:
        """Tell a caller at once whose turn cannot come in time, behind those of this process alone."""
        estimate = self._gate.remaining() + ahead * self._member.spacing
        if asyncio.get_running_loop().time() + estimate > deadline:
            raise DeadlineExceeded(
                reason="its turn in the line cannot come before the deadline", estimate=estimate
            )

    def _demand(self) -> Demand:
        return Demand(self._line.waiting(Lane.INTERACTIVE), self._line.waiting(Lane.BULK))

    def _hear(self, news: str) -> None:
        self._member.hear(news)
        self._bell.ring()

    def _undo(self, asking: asyncio.Task[Reply]) -> None:
        if asking.exception() is None and isinstance(turn := asking.result(), Granted):
            self._member.outbox.unused(turn)
