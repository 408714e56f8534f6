"""What the company's state means, in the figures that a quota tells."""

from __future__ import annotations

from gong_tasks_async.quota.base import QuotaEstimate, QuotaSnapshot
from gong_tasks_async.quota.day import ready_at
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.redis.commands import QuotaState
from gong_tasks_async.quota.redis.day_count import DayCount, moment


def snapshot_of(state: QuotaState, limits: QuotaLimits, day: DayCount) -> QuotaSnapshot:
    """How things stand."""
    made = day.made(state.day)
    return QuotaSnapshot(
        used=state.used,
        left=None if limits.per_day is None else max(0, limits.per_day - state.used),
        reserve=limits.interactive_reserve,
        resets_at=moment(day.day.expires_at(made[0])) if made else None,
        per_second=1.0 / state.spacing,
        paused_until=moment(state.now + state.shut_for) if state.shut_for else None,
        waiting={Lane.INTERACTIVE: state.people, Lane.BULK: state.machines},
    )


def estimate_of(
    calls: int, lane: Lane, state: QuotaState, limits: QuotaLimits, day: DayCount
) -> QuotaEstimate:
    """How long so many calls will take, behind those that wait anywhere."""
    ends = ready_at(
        state.people + (state.machines if lane is Lane.BULK else 0) + calls,
        now=state.now + max(state.shut_for, state.next_in),
        spacing=state.spacing,
        allowed=None if limits.per_day is None else limits.allowed(lane),
        made=day.made(state.day),
        day=day.day,
    )
    return QuotaEstimate(calls, ends - state.now, moment(ends))
