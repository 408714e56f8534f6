"""A plan, for people and for programs."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gong_tasks_async.bulk.plan import Plan
    from gong_tasks_async.quota import QuotaSnapshot


def print_plan(plan: Plan, quota: QuotaSnapshot, *, json: bool) -> None:
    """Tell what would be done."""
    if json:
        click.echo(json_module.dumps(plan_as_json(plan, quota)))
    else:
        _tell_people(plan, quota)


def _tell_people(plan: Plan, quota: QuotaSnapshot) -> None:
    from gong_tasks_async.cli.output.text import cost, counted, local, wanted  # noqa: PLC0415 - for the same reason

    saved = f"{counted(plan.duplicates, 'twin')} merged, {len(plan.unchanged):,} already as wanted"
    click.echo(f"{counted(plan.rows, 'row')}: {saved}")
    if not plan.calls:
        click.echo("Nothing to change.")
        return
    click.echo(f"{wanted(plan.updates)}.")
    click.echo(f"{cost(plan, quota)}.")
    if plan.estimate is not None:
        click.echo(f"Begun now, it ends {local(plan.estimate.ends_at)}.")


def plan_as_json(plan: Plan, quota: QuotaSnapshot) -> dict[str, object]:
    """The same for programs; seconds, and moments in ISO 8601."""
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
        "calls_kept_for_people": quota.reserve,
    }
