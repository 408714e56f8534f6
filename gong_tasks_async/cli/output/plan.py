"""A plan, for people and for programs."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING

from gong_tasks_async.cli.output.console import emit

if TYPE_CHECKING:
    from gong_tasks_async.bulk.plan import Plan
    from gong_tasks_async.quota import QuotaSnapshot


def print_plan(plan: Plan, quota: QuotaSnapshot, *, json: bool) -> None:
    """Print what a run would do."""
    if json:
        emit(json_module.dumps(plan_as_json(plan, quota)))
    else:
        _print_text(plan, quota)


def _print_text(plan: Plan, quota: QuotaSnapshot) -> None:
    from gong_tasks_async.bulk.render.format import counted  # noqa: PLC0415 - for the same reason
    from gong_tasks_async.cli.output.text import describe_cost, describe_updates, local  # noqa: PLC0415 - for the same reason

    saved = f"{counted(plan.duplicates, 'duplicate')} merged, {len(plan.unchanged):,} already up to date"
    emit(f"{counted(plan.rows, 'row')}: {saved}")
    if not plan.calls:
        emit("Nothing to change.")
        return
    emit(f"{describe_updates(plan.updates)}.")
    emit(f"{describe_cost(plan, quota)}.")
    if plan.estimate is not None:
        emit(f"If started now, finishes {local(plan.estimate.ends_at)}.")


def plan_as_json(plan: Plan, quota: QuotaSnapshot) -> dict[str, object]:
    """The plan for programs; seconds, and times in ISO 8601."""
    estimate = plan.estimate
    return {
        "rows": plan.rows,
        "duplicates": plan.duplicates,
        "unchanged": len(plan.unchanged),
        "calls": plan.calls,
        "users": plan.users,
        "seconds": estimate and round(estimate.seconds, 1),
        "ends_at": estimate and estimate.ends_at.isoformat(),
        "calls_left_today": quota.left,
        "calls_reserved_for_interactive": quota.reserve,
    }
