"""Call a user's function, and do not wait for it for ever."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable


class NoResultError(Exception):
    """There was no result; the text is the reason."""


async def call_within(function: Callable[[], object], seconds: float) -> object:
    """Call a plain or coroutine function, and abandon what does not end even when cancelled.

    Not ``asyncio.timeout``: that waits for whatever swallows its cancellation. A plain function runs in the event loop
    and cannot be abandoned.

    Raises:
        NoResultError: there is no result in time, or the function ended cancelled, which must not look as if the caller
            had been cancelled.
        Exception: what it raised.
    """
    try:
        result = function()
    except asyncio.CancelledError:
        raise NoResultError("raised CancelledError") from None
    return await _result_within(result, seconds) if inspect.isawaitable(result) else result


async def _result_within(awaitable: Awaitable[object], seconds: float) -> object:
    task = asyncio.ensure_future(_awaited(awaitable))
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


async def _awaited(awaitable: Awaitable[object]) -> object:
    return await awaitable


def _retrieve_exception(task: asyncio.Future[object]) -> None:
    # asyncio would complain about an exception that was never retrieved.
    if not task.cancelled():
        task.exception()
