"""How things stand with today's calls, and the end of a pause that was a mistake."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, TypeAlias

from gong_tasks_async.bulk.render.format import duration
from gong_tasks_async.cli.input.confirm import confirm
from gong_tasks_async.cli.invocation import global_option
from gong_tasks_async.cli.job_server import MissingExtraError, read_job_server
from gong_tasks_async.cli.local_time import local_time
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.output.formats import Output
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.output.tables import draw_facts
from gong_tasks_async.cli.output.task_rows import spelled
from gong_tasks_async.cli.session import run
from gong_tasks_async.quota import LocalQuota, QuotaLimits, QuotaSnapshot
from gong_tasks_async.quota.redis.redis_quota import RedisQuota

if TYPE_CHECKING:
    from gong_tasks_async.config.configuration import Configuration

Numbers: TypeAlias = "Mapping[str, int | float | str | None]"


def show(
    *,
    reopen: bool,
    yes: bool,
    output: Output,
    configuration: Configuration,
    shared: bool,
    url: str | None,
    company: str | None,
) -> None:
    """Write how things stand; end a pause first, where that is wanted.

    Args:
        reopen: whether a pause is to be ended.
        yes: whether to do so without asking.
        output: where to write, and how.
        configuration: whose quota it is, and its limits.
        shared: whether it is the one in Redis.
        url: that Redis, in place of the profile's.
        company: the name of the quota there, in place of the profile's.
    """
    limits, shared = configuration.limits, shared or url is not None or company is not None
    open_quota = _shared_quota(limits, url, company) if shared else partial(LocalQuota, limits)
    if not shared:
        configuration.make_folders()
    now = run(_snapshot(open_quota()))
    if reopen:
        now = _reopen(open_quota, now, yes=yes)
    if output.is_table:
        draw_facts(facts(limits, now, shared=shared))
    else:
        with Listing(_NUMBERS, output, single=True) as listing:
            listing.add([numbers(limits, now)])


def _shared_quota(limits: QuotaLimits, url: str | None, company: str | None) -> Callable[[], RedisQuota]:
    if find_spec("redis") is None:
        raise MissingExtraError("a shared quota needs redis: pip install 'gong_tasks_async[redis]'")
    server = read_job_server(os.environ, profile=global_option("profile"), company=company, url=url)
    return lambda: RedisQuota(server.url, company=server.company, limits=limits)


async def _snapshot(quota: LocalQuota | RedisQuota) -> QuotaSnapshot:
    async with quota:
        return await quota.snapshot()


def _reopen(
    open_quota: Callable[[], LocalQuota | RedisQuota], now: QuotaSnapshot, *, yes: bool
) -> QuotaSnapshot:
    """End a pause, once it is confirmed; the count of the day's calls stays."""
    if now.paused_until is None:
        note("Nothing is paused.")
        return now
    if not yes:
        confirm(
            f"Gong paused all calls until {local_time(now.paused_until)}, as far as is known here. If that still holds, the next "
            "call is answered 429, and the pause begins again. End it now?"
        )
    now = run(_reopened(open_quota()))
    note("The pause is ended.")
    return now


async def _reopened(quota: LocalQuota | RedisQuota) -> QuotaSnapshot:
    async with quota:
        await quota.reopen()
        return await quota.snapshot()


def left_for_bulk(now: QuotaSnapshot) -> int | None:
    """The calls of today that bulk runs may make; None if unlimited."""
    return None if now.left is None else max(0, now.left - now.reserve)


def numbers(limits: QuotaLimits, now: QuotaSnapshot) -> Numbers:
    """How things stand, for programs; times as ISO-8601."""
    return {
        "used": now.used,
        "left": now.left,
        "left_for_bulk": left_for_bulk(now),
        "per_day": limits.per_day,
        "reserve": now.reserve,
        "per_second": round(now.per_second, 3),
        "resets_at": spelled(now.resets_at) or None,
        "paused_until": spelled(now.paused_until) or None,
    }


def facts(limits: QuotaLimits, now: QuotaSnapshot, *, shared: bool = False) -> dict[str, str]:
    """How things stand, for people; times by the clocks of this machine."""
    counted = "of all processes that share the quota" if shared else "from this machine"
    return {
        "Used today": f"{now.used:,} calls {counted}",
        "Left": _left(limits, now),
        "Pace": f"{now.per_second:.2f} calls a second{_time_for_the_rest(now)}",
        "Resets": _reset(limits, now),
        "Gong": f"paused all calls until {local_time(now.paused_until)}"
        if now.paused_until
        else "takes calls",
    }


def _left(limits: QuotaLimits, now: QuotaSnapshot) -> str:
    if now.left is None:
        return "unlimited"
    return f"{now.left:,} of {limits.per_day:,}, the last {now.reserve:,} reserved for interactive calls"


def _time_for_the_rest(now: QuotaSnapshot) -> str:
    calls = left_for_bulk(now)
    return f"; {calls:,} of them take {duration(calls / now.per_second)}" if calls else ""


def _reset(limits: QuotaLimits, now: QuotaSnapshot) -> str:
    if now.resets_at is None:
        return "nothing has been used"
    if limits.day_starts is None:
        return f"rolling 24 h; first calls free up at {local_time(now.resets_at)}"
    return f"full budget again at {local_time(now.resets_at)}"


def _number_column(name: str) -> Column[Numbers]:
    return Column(name, lambda now: "" if now[name] is None else str(now[name]))


_NUMBERS: Final = Layout[Numbers](
    what="numbers",
    to_json=lambda now: now,
    csv=[
        _number_column(name)
        for name in (
            "used",
            "left",
            "left_for_bulk",
            "per_day",
            "reserve",
            "per_second",
            "resets_at",
            "paused_until",
        )
    ],
    table=(),
)
