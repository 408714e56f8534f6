"""This library's client as the others meet it. Imports nothing that is optional: a contender runs without orjson."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from attrs import frozen

from gong_tasks_async import AccessKey, GongTasksClient, LocalQuota, QuotaLimits, TaskUpdate, Unlimited

CREDENTIALS = AccessKey("key", "secret")
USER = "234599484848423"

# On, and as in life but for the numbers: every turn passes the line, the gate, the slots, the bucket and the day's
# budget, and none of them ever makes anybody wait. A slot cools for a millisecond, so that, as at 3 calls a
# second, only a few do so at the same time.
NEVER_WAITING = QuotaLimits(per_second=1e6, window=0.001, headroom=0.0, adaptive=False, per_day=10**9)


@frozen
class Connected:
    """One client, ready to call: the two things that are measured."""

    patch: Callable[[int], Awaitable[object]]
    """Mark the task of this id done."""
    listing: Callable[[int], Awaitable[object]]
    """List a page of so many tasks."""


Connect = Callable[[str, AsyncExitStack], Awaitable[Connected]]


async def connect(base_url: str, stack: AsyncExitStack, *, limiter: bool = True) -> Connected:
    gong = await stack.enter_async_context(opened(base_url, limiter=limiter))
    return Connected(
        patch=lambda task_id: gong.update_task(TaskUpdate(task_id, USER, status="DONE")),
        listing=lambda count: gong.list_tasks(str(count)),
    )


async def ours_unlimited(base_url: str, stack: AsyncExitStack) -> Connected:
    return await connect(base_url, stack, limiter=False)


def opened(base_url: str, *, limiter: bool = True) -> GongTasksClient:
    quota = LocalQuota(NEVER_WAITING) if limiter else Unlimited()
    return GongTasksClient(CREDENTIALS, base_url=base_url, quota=quota)
