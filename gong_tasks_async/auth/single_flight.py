"""One run of something, however many wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from gong_tasks_async.errors import ClientStateError

T = TypeVar("T")


class _Uncancelled(asyncio.Task[T]):
    """Comes to its end although the loop is torn down, or somebody cancels all tasks; both wait for it."""

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel for a timeout within only: those are callbacks, outside of any task."""
        loop = self.get_loop()
        if not loop.is_running() or asyncio.current_task(loop) not in {None, self}:
            return False
        return super().cancel(msg)


class SingleFlight(Generic[T]):
    """Starts a coroutine unless one is under way, and gives its end to everybody who waits.

    Somebody who stops waiting does not stop it: a refresh token that was sent is used up, and its successor must
    not be lost.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[T] | None = None

    async def run(self, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the run under way, or of a new one.

        Raises:
            ClientStateError: the one under way belongs to another event loop.
            Exception: what the run raised, to everybody who waits for it.
        """
        if self._task is None or self._task.done():
            self._task = _Uncancelled(start(), loop=asyncio.get_running_loop())
            self._task.add_done_callback(_looked_at)
        if self._task.get_loop() is not asyncio.get_running_loop():
            raise ClientStateError(
                reason="These credentials are being renewed in another event loop: make others for each loop."
            )
        return await asyncio.shield(self._task)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        task = self._task
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait([task])


def _looked_at(task: asyncio.Task[Any]) -> None:
    # Where everybody has stopped waiting, asyncio would complain about an exception that nobody took.
    if not task.cancelled():
        task.exception()
