"""Call a user's function, and do not wait for it for ever."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from contextvars import copy_context
from threading import Thread
from typing import Any, Final, TypeVar

T = TypeVar("T")


class NoResultError(Exception):
    """There was no result; the text is the reason."""


class _DaemonThreads(Executor):
    """A thread for each call, which neither the end of the event loop nor that of the process waits for."""

    def submit(self, function: Callable[..., T], /, *args: Any, **settings: Any) -> Future[T]:
        """Start a thread with the function."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # from here on, nobody can cancel it while the thread sets its result

        def work() -> None:
            try:
                result = function(*args, **settings)
            except BaseException as error:  # noqa: BLE001 - handed on
                future.set_exception(error)
            else:
                future.set_result(result)

        Thread(target=work, name="gong-tasks function", daemon=True).start()
        return future


_THREADS: Final = _DaemonThreads()


async def call_within(function: Callable[[], object], seconds: float) -> object:
    """Call a plain or coroutine function, and abandon what does not end in time.

    Not ``asyncio.timeout``: that waits for whatever swallows its cancellation. A plain function runs in a thread: it may
    wait for a vault or a disk, which must hold up neither other calls nor the end of the program.

    Raises:
        NoResultError: there is no result in time, or the function ended cancelled, which must not look as if the caller
            had been cancelled.
        Exception: what it raised.
    """
    return await _result_within(_called(function), seconds)


async def _called(function: Callable[[], object]) -> object:
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
        result = function()
    else:
        result = await asyncio.get_running_loop().run_in_executor(_THREADS, copy_context().run, function)
    return await result if inspect.isawaitable(result) else result


async def _result_within(awaitable: Coroutine[object, object, object], seconds: float) -> object:
    task = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_retrieve_exception)
    if not task.done():
        raise NoResultError(f"did not return within {seconds:g} s")
    if task.cancelled():
        raise NoResultError("raised CancelledError")
    return task.result()


def _retrieve_exception(task: asyncio.Future[object]) -> None:
    # asyncio would complain about an exception that was never retrieved.
    if not task.cancelled():
        task.exception()
