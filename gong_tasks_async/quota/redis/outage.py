"""Whether Redis answers; what is done while it does not."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from attrs import evolve

from gong_tasks_async.errors import QuotaUnavailable
from gong_tasks_async.errors.checks import number_of
from gong_tasks_async.events import EventSink, QuotaLost, QuotaRegained, logger
from gong_tasks_async.quota.base import Permit
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.local.local_quota import LocalQuota

PROBES = (0.05, 0.1, 0.2, 0.4, 0.5)
"""Seconds before each look for the server, the last of them again and again."""
REJOINING = 1.0
"""Seconds within which all processes that fell back notice that a server is back: until then no permit is granted."""


async def supervise(step: Awaitable[object]) -> bool:
    """Take a step in the background; whether it succeeded. An unforeseen exception is logged, and ends nothing."""
    try:
        await step
    except QuotaUnavailable:
        return False  # the health has emitted it, and looks for the server
    except Exception:  # noqa: BLE001 - logged
        logger.exception("A background step of the shared quota failed")
        return False
    return True


class RedisHealth:
    """Up, or down since a moment; then it is looked for in the background."""

    def __init__(
        self, address: str, events: EventSink, rejoin: Callable[[], Awaitable[None]], *, local_fallback: bool
    ) -> None:
        self._address, self._events, self._rejoin, self._local_fallback = (
            address,
            events,
            rejoin,
            local_fallback,
        )
        self.on_change: Callable[[], None] = lambda: None
        self._reason = ""
        self._back = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.up: bool = True

    def error(self, reason: str = "") -> QuotaUnavailable:
        """The error for a caller now."""
        return QuotaUnavailable(server=self._address, reason=reason or self._reason)

    def mark_down(self, error: QuotaUnavailable) -> None:
        """Note that a step has failed: no other need try before the server is found again."""
        self._reason = error.reason
        if not self.up:
            return
        self.up = False
        self._back.clear()
        self._events.emit(
            QuotaLost(server=self._address, reason=error.reason, local_fallback=self._local_fallback)
        )
        self._task = asyncio.create_task(self._probe())
        self.on_change()

    async def wait_up(self, seconds: float = math.inf) -> bool:
        """Wait so long for it to come back; whether it did."""
        if not self.up and seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if seconds == math.inf else seconds):
                    await self._back.wait()
        return self.up

    async def close(self) -> None:
        """Look for it no more."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _probe(self) -> None:
        lost_at, probes = asyncio.get_running_loop().time(), list(PROBES)
        while not self.up:
            await asyncio.sleep(probes.pop(0) if len(probes) > 1 else probes[0])
            self.up = await supervise(self._rejoin())
        self._back.set()
        seconds = asyncio.get_running_loop().time() - lost_at
        self._events.emit(QuotaRegained(server=self._address, seconds=seconds))
        self.on_change()


class LocalFallback:
    """A local quota with a share of the limits, for an outage."""

    def __init__(self, limits: QuotaLimits, share: float, health: RedisHealth) -> None:
        per_day, reserve = limits.per_day, limits.interactive_reserve
        if per_day is not None:
            per_day = max(1, math.floor(per_day * share))
            reserve = min(math.ceil(reserve * share), per_day - 1)
        per_second = limits.per_second * share
        self.quota: LocalQuota = LocalQuota(
            evolve(limits, per_second=per_second, per_day=per_day, interactive_reserve=reserve)
        )
        self._health = health

    async def acquire(
        self, lane: Lane, deadline: float | None, max_wait: float, *, returning: bool
    ) -> Permit | None:
        """Wait for a permit; None where the shared quota is back before."""
        permit = self.quota.acquire(lane, deadline=deadline, max_wait=max_wait, returning=returning)
        acquiring, back = asyncio.ensure_future(permit), asyncio.ensure_future(self._health.wait_up())
        try:
            await asyncio.wait([acquiring, back], return_when=asyncio.FIRST_COMPLETED)
            return await acquiring if acquiring.done() else None
        finally:
            back.cancel()
            acquiring.cancel()  # a permit that comes in this moment is forgotten: it counts, and is not used


def fallback_problems(fail: object, local_share: object) -> Iterator[str]:
    """What is wrong with the settings of the fallback."""
    if fail not in {"closed", "local"}:
        yield f'fail must be "closed" or "local", not {fail!r}'
    if (fail == "local") != (local_share is not None):
        yield 'fail="local" and local_share belong together: the share must be chosen, such as 0.1'
    if local_share is not None and not 0 < (number_of(local_share) or 0.0) <= 1:
        yield f"local_share must be more than 0 and at most 1, not {local_share!r}"
