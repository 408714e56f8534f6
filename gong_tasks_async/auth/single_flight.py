"""Single flight: one run of a coroutine, however many wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from gong_tasks_async.errors import ClientStateError

T = TypeVar("T")


class _Uncancelled(asyncio.Task[T]):
    """A task that finishes although the loop shuts down, or all tasks are cancelled; both wait for it."""

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel only for a timeout within: timeouts are callbacks, outside of any task."""
        loop = self.get_loop()
        if not loop.is_running() or asyncio.current_task(loop) not in {None, self}:
            return False
        return super().cancel(msg)


class SingleFlight(Generic[T]):
    """Start a coroutine unless one is in flight, and share its result with every waiter.

    A waiter that is cancelled does not stop it.

    Args:
        protected: whether it finishes although the loop shuts down: a refresh token that was sent is used up, and its
            successor must not be lost.
    """

    def __init__(self, *, protected: bool = True) -> None:
        self._kind: type[asyncio.Task[T]] = _Uncancelled if protected else asyncio.Task
        self._task: asyncio.Task[T] | None = None

    async def run(self, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result of the run in flight, or of a new one.

        Raises:
            ClientStateError: the one in flight belongs to another event loop, or was dropped by :meth:`cancel`.
            Exception: what the run raised, to every waiter.
        """
        task = self._task
        if task is None or task.done() or task.get_loop().is_closed():
            task = self._task = self._kind(start(), loop=asyncio.get_running_loop())
            task.add_done_callback(_retrieve_exception)
        if task.get_loop() is not asyncio.get_running_loop():
            raise ClientStateError(
                reason="These credentials are being refreshed in another event loop: make others for each loop."
            )
        await asyncio.wait([task])
        if task.cancelled():
            raise ClientStateError(reason="The client was closed while it waited for credentials.")
        return task.result()

    async def wait(self) -> None:
        """Wait until nothing is in flight."""
        task = self._task
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait([task])

    def cancel(self) -> None:
        """Drop what is in flight."""
        if self._task is not None and self._task.get_loop() is asyncio.get_running_loop():
            self._task.cancel()


def _retrieve_exception(task: asyncio.Task[Any]) -> None:
    # Where no waiter is left, asyncio would complain about an exception that was never retrieved.
    if not task.cancelled():
        task.exception()
