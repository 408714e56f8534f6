"""Outage: while no connection can be made, the whole run waits, and one row at a time probes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gong_tasks_async.errors import GongError, TransportError

T = TypeVar("T")

FIRST_WAIT = 1.0
FIRST_CONTACT = 45.0
"""Seconds for which a run waits that has never reached anything: its address is most likely wrong."""
LONGEST_WAIT = 30.0
"""Seconds before a probe; each wait is twice as long as the one before."""


def is_outage(error: GongError) -> bool:
    """Whether no connection was made: refused, or the host's name was not resolved."""
    return isinstance(error, TransportError) and not error.connected and error.retryable


class Outage:
    """Passes calls on while connections can be made.

    Args:
        timeout: seconds of an outage after which its error is raised.
        sleep: waits between two probes.
    """

    def __init__(self, timeout: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._timeout = timeout
        self._sleep = sleep
        self._began_at: float | None = None
        self._wait = FIRST_WAIT
        self._over: GongError | None = None
        self._reached = False
        self._probing = asyncio.Lock()

    async def call(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Make a call, again and again until a connection can be made.

        Raises:
            GongError: what the call raised; that no connection was made, only after the timeout.
        """
        while True:
            try:
                result = await (attempt() if self._began_at is None else self._probe(attempt))
            except GongError as error:
                self._reached = self._reached or not is_outage(error)
                if not is_outage(error) or self._over is not None:
                    raise
                self._begin(error)
            else:
                self._reached = True
                return result

    async def _probe(self, attempt: Callable[[], Awaitable[T]]) -> T:
        async with self._probing:
            if self._over is not None:
                raise self._over
            if self._began_at is not None:
                await self._sleep(self._wait)
                self._wait = min(LONGEST_WAIT, self._wait * 2)
            try:
                result = await attempt()
            except GongError as error:
                if not is_outage(error):
                    self._end()
                raise
            self._end()
            return result

    def _begin(self, error: GongError) -> None:
        now = asyncio.get_running_loop().time()
        if self._began_at is None:
            self._began_at, self._wait = now, FIRST_WAIT
        timeout = self._timeout if self._reached else min(self._timeout, FIRST_CONTACT)
        if now - self._began_at >= timeout:
            self._over = error
            raise error

    def _end(self) -> None:
        self._began_at = None
