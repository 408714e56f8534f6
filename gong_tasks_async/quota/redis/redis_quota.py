"""One quota for all processes of a company, kept in Redis: line -> one script -> gate again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from attrs import evolve

from gong_tasks_async.errors import ClientStateError, DeadlineExceeded, QuotaUnavailable
from gong_tasks_async.events import Event, EventSink
from gong_tasks_async.quota.base import Permit, QuotaEstimate, QuotaSnapshot
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.redis.commands import Granted
from gong_tasks_async.quota.redis.day_count import DayCount
from gong_tasks_async.quota.redis.dispatcher import Dispatcher
from gong_tasks_async.quota.redis.fallback import LocalFallback, scale_limits
from gong_tasks_async.quota.redis.session import RedisSession
from gong_tasks_async.quota.redis.settings import check_settings, open_server
from gong_tasks_async.quota.redis.snapshot import estimate_of, snapshot_of

if TYPE_CHECKING:
    from redis.asyncio import Redis

TOO_MANY_REQUESTS = 429
FLUSH_DELAY = 0.05
"""Seconds for which what has ended waits for company, where no turn is asked for that it could travel with."""
FLUSH_RETRY = 1.0
"""Seconds after which it is looked again whether it has travelled, where a turn will be asked for."""
CLOSE_TIMEOUT = 1.0
"""Seconds that closing gives to what is yet to be told."""


class RedisQuota:
    """The quota of one company, shared by any number of processes and machines through Redis or Valkey.

    Give the same object to every client of the company in this process, and the same settings to every process::

        async with RedisQuota("redis://quota.internal/0", company="acme") as quota:
            async with GongTasksClient(credentials, quota=quota) as gong:
                ...

    One turn costs one round trip. All times are the server's; one 429 anywhere quiets all.

    Args:
        url_or_client: ``redis://``, ``rediss://`` (TLS) or ``unix://``; or a ``redis.asyncio.Redis`` of your own, which
            is never closed here.
        company: names what is shared, such as the company's id at Gong.
        limits: how much Gong may be called, by all together. ``day_store`` has no effect: the day is counted in Redis.
        fail: what to do while Redis does not answer: ``closed`` sends nothing, ``local`` goes on alone.
        local_share: the share of the limits that this process takes when it goes on alone; that of all processes
            together should not exceed 1.
        outage_timeout: seconds for which ``closed`` waits for Redis to come back before it raises.
        timeout: seconds for each round trip.
        on_event: told of pauses, of the pace, of the day's budget, and when Redis is lost and found again.
        wall_clock: seconds since 1970, to tell the time of the day until the server's is known.

    Raises:
        ValueError: a setting makes no sense, or the URL cannot be read.
        ModuleNotFoundError: the extra ``redis`` is not installed.
    """

    def __init__(
        self,
        url_or_client: str | Redis,
        *,
        company: str,
        limits: QuotaLimits | None = None,
        fail: Literal["closed", "local"] = "closed",
        local_share: float | None = None,
        outage_timeout: float = 0.0,
        timeout: float = 1.0,
        on_event: Callable[[Event], None] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        check_settings(company, fail, local_share, outage_timeout, timeout)
        self.limits = evolve(limits or QuotaLimits(), day_store=None)
        self.company = company
        self._outage_timeout = outage_timeout
        self._server = open_server(url_or_client, company, timeout)
        events = EventSink(on_event)
        self._gate = Gate(events)
        self._day = DayCount(self.limits, events, wall_clock)
        self._solo = LocalFallback(scale_limits(self.limits, local_share), self._day) if local_share else None
        self._member = RedisSession(
            self._server,
            self.limits,
            self._gate,
            self._day,
            events,
            self._contact_changed,
            self._tell_soon,
            alone=self._solo is not None,
        )
        self._contact = self._member.contact
        self._front = Dispatcher(self._member, self._gate, self._day, self._server, self.limits.bulk_share)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._telling: asyncio.TimerHandle | None = None

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Permit:
        """Wait for the right to send one request; see :class:`Quota`.

        Raises:
            QuotaUnavailable: Redis does not answer, and ``fail`` is ``closed``.
        """
        self._start()
        if deadline is None:
            return await self._acquire(lane, None, max_wait, returning=returning)
        limit = asyncio.timeout_at(deadline)
        try:
            async with limit:
                return await self._acquire(lane, deadline, max_wait, returning=returning)
        except TimeoutError:
            if not limit.expired():
                raise
            error = DeadlineExceeded(reason="its turn did not come before the deadline")
            raise (error if self._contact.up else self._contact.error()) from None

    def release(self, turn: Permit, *, status: int | None, sent: bool = True) -> None:  # noqa: ARG002 - counted
        """Say that the request has ended; see :class:`Quota`. The others are told with the next turn, or soon."""
        if not isinstance(turn.granted, Granted):
            if self._solo:
                self._solo.release(turn, status=status)
            return
        if status is None:
            self._member.outbox.cut_off(turn.granted)
        else:
            uncount = status == TOO_MANY_REQUESTS and not self.limits.count_rate_limited
            self._member.outbox.answered(turn.granted, turn.departed, uncount=uncount)
            if uncount:
                self._day.reopened()

    async def reopen(self) -> None:
        """End a pause in this process; see :class:`Quota`."""
        self._gate.open()

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        """Say that Gong answered 429; see :class:`Quota`. All other processes are told at once."""
        self._start()
        self._gate.close(seconds, day_spent=day_spent)
        if day_spent:
            self._day.gong_says_spent(seconds)
        self._front.wake()
        if self._solo:
            self._solo.pause(seconds, day_spent=day_spent)
        if self._contact.up:
            self._in_background(self._member.pause(seconds, day_spent=day_spent))

    async def snapshot(self) -> QuotaSnapshot:
        """How things stand now, for the whole company; for this process alone while it goes on alone.

        Raises:
            QuotaUnavailable: Redis does not answer, and ``fail`` is ``closed``.
        """
        self._start()
        try:
            state = await self._member.look()
        except QuotaUnavailable:
            if self._solo is None:
                raise
            return await self._solo.quota.snapshot()
        return snapshot_of(state, self.limits, self._day)

    async def estimate(self, calls: int, lane: Lane = Lane.BULK) -> QuotaEstimate:
        """How long so many calls will take from now, behind those that wait anywhere.

        Raises:
            QuotaUnavailable: Redis does not answer, and ``fail`` is ``closed``.
            ValueError: ``calls`` is less than 1.
        """
        if calls < 1:
            raise ValueError(f"calls must be at least 1, not {calls}")
        self._start()
        try:
            state = await self._member.look()
        except QuotaUnavailable:
            if self._solo is None:
                raise
            return await self._solo.quota.estimate(calls, lane)
        return estimate_of(calls, lane, state, self.limits, self._day)

    async def close(self) -> None:
        """Tell what is yet to be told, and close the connections that were made here; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._telling:
            self._telling.cancel()
        if self._loop:
            self._in_background(self._member.tell())
            await asyncio.wait(self._tasks, timeout=CLOSE_TIMEOUT)
            for task in self._tasks:
                task.cancel()
        await self._front.close()
        await self._contact.close()
        await self._server.close()

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.company} at {self._server.place}>"

    async def _acquire(
        self, lane: Lane, deadline: float | None, max_wait: float, *, returning: bool
    ) -> Permit:
        self._gate.raise_if_too_long(deadline, max_wait)
        self._day.raise_if_spent(lane)
        give_up = math.inf
        while True:
            if self._contact.up:
                try:
                    turn = await self._front.turn(lane, deadline, max_wait, returning=returning)
                    return Permit(asyncio.get_running_loop().time(), granted=turn)
                except QuotaUnavailable:
                    returning = True
            now = asyncio.get_running_loop().time()
            give_up = min(give_up, now + self._outage_timeout)
            if self._solo is not None and not self._contact.up:
                alone = await self._solo.turn(lane, deadline, max_wait, returning=returning)
                if alone is not None:
                    return alone
            elif self._solo is None and not await self._contact.wait_up(give_up - now):
                raise self._contact.error()

    def _start(self) -> None:
        """Begin to listen, with the first use in the running loop.

        Raises:
            ClientStateError: closed, or used in another event loop before.
        """
        if self._closed:
            raise ClientStateError(reason="This quota is closed: make a new one.")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._front.hearing.start()
        elif self._loop is not asyncio.get_running_loop():
            raise ClientStateError(reason="This quota is used in another event loop: make one in each loop.")

    def _contact_changed(self) -> None:
        self._front.wake()
        if self._solo and self._contact.up:
            self._solo.end()
        elif self._solo and (remaining := self._gate.remaining()):
            self._solo.pause(remaining, day_spent=self._gate.day_spent)
        if self._contact.up:
            self._tell_soon()

    def _tell_soon(self) -> None:
        if self._telling is None and not self._closed:
            after = FLUSH_RETRY if self._front.has_waiters else FLUSH_DELAY
            self._telling = asyncio.get_running_loop().call_later(after, self._tell)

    def _tell(self) -> None:
        self._telling = None
        if not self._member.outbox or not self._contact.up:
            return
        if self._front.has_waiters:
            self._tell_soon()
        else:
            self._in_background(self._member.tell())

    def _in_background(self, telling: Coroutine[object, object, None]) -> None:
        """Tell the server something that nobody waits for; what could not be told is kept by the member."""
        task = asyncio.create_task(_unheard(telling))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _unheard(telling: Coroutine[object, object, None]) -> None:
    with suppress(QuotaUnavailable):  # the contact has told it
        await telling
