"""One quota for all processes of a company, kept in Redis: queue -> one script -> gate again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from attrs import evolve

from gong_tasks_async.errors import ClientStateError, DeadlineExceeded, QuotaUnavailable
from gong_tasks_async.errors.checks import (
    conceals_arguments,
    kind_problem,
    refuse,
    seconds_problem,
)
from gong_tasks_async.events import Event, EventSink, callback_problem
from gong_tasks_async.quota.base import Permit, WaitReason
from gong_tasks_async.quota.day import DAY, bound_pause
from gong_tasks_async.quota.figures import DescribedByFigures, Figures
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.redis.commands import MICRO, Granted, parse_counts
from gong_tasks_async.quota.redis.day_count import CallTimes, DayCount
from gong_tasks_async.quota.redis.dispatcher import Dispatcher
from gong_tasks_async.quota.redis.outage import LocalFallback, fallback_problems
from gong_tasks_async.quota.redis.session import RedisSession

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

CLOSE_TIMEOUT = 1.0
"""Seconds that closing gives to the last report."""


class RedisQuota(DescribedByFigures):
    """The quota of one company, shared by any number of processes through Redis or Valkey.

    Give the same object to every client of the company in this process, and the same settings to every process::

        async with RedisQuota("redis://quota.internal/0", company="acme") as quota:
            async with GongTasksClient(credentials, quota=quota) as gong:
                ...

    A permit costs one round trip. All times are the server's; a 429 in one process pauses all.

    Args:
        url_or_client: ``redis://``, ``rediss://`` (TLS) or ``unix://``; or a ``Redis`` or ``RedisCluster`` of
            ``redis.asyncio`` of your own, which is never closed here.
        company: names what is shared, such as the company's id at Gong.
        limits: how much Gong may be called, by all together. ``day_store`` has no effect: the day is counted in Redis.
        fail: what to do while Redis does not answer: ``closed`` sends nothing, ``local`` falls back to a local quota.
        local_share: the share of the limits that this process takes then; of all processes together, at most 1.
        outage_timeout: seconds for which ``closed`` waits for Redis to come back before it raises.
        timeout: seconds for each round trip.
        on_event: receives pauses, changes of the pace, a day's budget that runs low, and outages of Redis.
        wall_clock: seconds since 1970, for the time of the day until the server's is known.

    Raises:
        ValueError: a setting makes no sense, or the URL cannot be read.
        ModuleNotFoundError: the extra ``redis`` is not installed.
    """

    @conceals_arguments
    def __init__(
        self,
        url_or_client: str | Redis | RedisCluster,
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
        problems = [
            _company_problem(company),
            kind_problem("limits", limits, QuotaLimits, "QuotaLimits(...)", or_none=True),
            *fallback_problems(fail, local_share),
            seconds_problem("outage_timeout", outage_timeout, or_zero=True),
            seconds_problem("timeout", timeout, finite=True),
            callback_problem(on_event),
        ]
        refuse("RedisQuota", problems)
        try:  # the extra may be missing
            from gong_tasks_async.quota.redis.redis_backend import RedisBackend  # noqa: PLC0415 - loads redis
        except ModuleNotFoundError as error:
            error.add_note("RedisQuota needs the redis client: pip install 'gong_tasks_async[redis]'")
            raise
        self.company: str = company
        self.limits: QuotaLimits = evolve(limits or QuotaLimits(), day_store=None)
        self._outage_timeout = outage_timeout
        self._backend = RedisBackend(url_or_client, company, timeout)
        events = EventSink(on_event)
        self._gate = Gate(events, wall_clock)
        self._day = DayCount(self.limits, events, wall_clock)
        local = local_share is not None
        self._session = RedisSession(self._backend, self.limits, self._gate, self._day, events, local=local)
        self._dispatcher = Dispatcher(self._session, self._gate, self._day)
        self._health = self._session.health
        self._health.on_change = self._health_changed
        self._fallback = LocalFallback(self.limits, local_share, self._health) if local_share else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<RedisQuota of {self.company} at {self._backend.address}>"

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Report the last calls, and close the connections that were made here; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        await self._session.close(CLOSE_TIMEOUT)
        while self._receiving and not self._receiving.done():
            self._receiving.cancel()  # again: a client that fails right then loses a cancellation
            await asyncio.wait([self._receiving], timeout=CLOSE_TIMEOUT)
        await self._backend.close()

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Permit:
        """Wait for a permit to send one request; see :class:`Quota`.

        Args:
            lane: the lane of the caller.
            deadline: the latest moment for the permit, by the event loop's clock; None for no limit.
            max_wait: seconds that a pause may last before the error that explains it is raised.
            returning: whether the call has waited before, and goes to the head of its lane.

        Raises:
            QuotaUnavailable: Redis does not answer, and ``fail`` is ``closed``.
        """
        self._start()
        limit = asyncio.timeout_at(deadline)
        try:
            async with limit:
                return await self._acquire(lane, deadline, max_wait, returning=returning)
        except TimeoutError:
            if not limit.expired():
                raise
        late = DeadlineExceeded(reason="no permit came before the deadline")
        raise late if self._health.up else self._health.error()

    def release(self, permit: Permit, *, status: int | None, sent: bool = True) -> None:
        """Note that a request has ended; see :class:`Quota`. It is reported with the next request, or soon.

        Args:
            permit: the permit that was used.
            status: HTTP status of the response; None where none came.
            sent: False where the request never left, so that it does not count.
        """
        if not isinstance(permit.granted, Granted):
            if self._fallback:
                self._fallback.quota.release(permit, status=status, sent=sent)
        elif sent:
            self._session.release(permit.granted, permit.departed, status)
        else:
            self._session.unused(permit.granted)

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        """Pause all processes after a 429; see :class:`Quota`.

        Args:
            seconds: length of the pause, in seconds.
            day_spent: whether Gong means the day's calls.
        """
        self._start()
        seconds = bound_pause(seconds, now=self._day.now(), day=self._day.day, at_least=self.limits.window)
        self._gate.close(seconds, day_spent=day_spent)
        if day_spent:
            self._day.spent.note_gong(seconds)
        self._dispatcher.wake("shut")
        if self._fallback:
            self._fallback.quota.pause(seconds, day_spent=day_spent)
        self._session.pause(seconds, day_spent=day_spent)

    async def reopen(self) -> None:
        """End a pause for all processes, whatever Gong has asked for; what was counted stays counted.

        Raises:
            QuotaUnavailable: Redis does not answer. This process's gate is open all the same.
        """
        self._start()
        self._open_gate()
        await self._session.ask("reopen")

    async def _acquire(
        self, lane: Lane, deadline: float | None, max_wait: float, *, returning: bool
    ) -> Permit:
        self._gate.raise_if_too_long(deadline, max_wait)
        self._day.spent.raise_if_spent(lane)
        give_up = math.inf
        while True:
            if self._health.up:
                try:
                    granted = await self._dispatcher.acquire(lane, deadline, max_wait, returning=returning)
                    return self._session.depart(granted)
                except QuotaUnavailable:
                    returning = True
            now = asyncio.get_running_loop().time()
            give_up = min(give_up, now + self._outage_timeout)
            if self._fallback:
                permit = await self._fallback.acquire(lane, deadline, max_wait, returning=returning)
                if permit:
                    self._session.record_local()
                    return permit
            elif not await self._health.wait_up(give_up - now):
                raise self._health.error()

    async def _figures(self) -> Figures:
        """The company's; or the local quota's, during an outage."""
        self._start()
        try:
            _, (now, next_in, paused_for, day_spent, others, *rest) = await self._session.ask("look")
        except QuotaUnavailable:
            if self._fallback is None:
                raise
            return await self._fallback.quota._figures()  # noqa: SLF001 - of the same base
        reason = WaitReason.DAILY_LIMIT if day_spent else WaitReason.RATE_LIMIT
        return Figures(
            limits=self.limits,
            day=self._day.day,
            now=now / MICRO,
            opens_at=(now + max(next_in, paused_for)) / MICRO,
            paused_for=reason if paused_for else None,
            made=CallTimes(parse_counts(rest[2 * others :]), self._day.day),
            per_second=self._session.pace.rate,
            queue=self._dispatcher.queue,
            others=tuple(zip(rest[: 2 * others : 2], rest[1 : 2 * others : 2], strict=True)),
        )

    def _start(self) -> None:
        """Subscribe, with the first use in the running loop.

        Raises:
            ClientStateError: closed, or used in another event loop before.
        """
        loop = asyncio.get_running_loop()
        if self._closed:
            raise ClientStateError(reason="This quota is closed: make a new one.")
        if self._loop is None:
            self._loop, self._receiving = loop, loop.create_task(self._backend.receive(self._on_message))
        elif self._loop is not loop:
            raise ClientStateError(reason="This quota is used in another event loop: make one in each loop.")

    def _on_message(self, message: str) -> None:
        """Understand what another process has published; anybody may have published anything."""
        kind, *words = message.split(" ")[:4]
        if kind == "shut" and len(words) == 3 and all(word.isdecimal() and len(word) < 20 for word in words):  # noqa: PLR2004
            seconds, day_spent, process = (int(word) for word in words)
            if process != self._session.process:
                self._gate.close(min(seconds / MICRO, DAY), day_spent=bool(day_spent))
        elif kind == "open":
            self._open_gate()
        self._dispatcher.wake(kind)

    def _open_gate(self) -> None:
        self._gate.open()
        self._day.spent.clear()
        self._dispatcher.wake()

    def _health_changed(self) -> None:
        self._dispatcher.wake()
        if self._health.up:
            self._session.flush()
        elif self._fallback and (remaining := self._gate.remaining()):
            self._fallback.quota.pause(remaining, day_spent=self._gate.day_spent)


def _company_problem(company: object) -> str | None:
    named = isinstance(company, str) and company and not set(company) & set("{}")
    return None if named else "company must be a name without braces"
