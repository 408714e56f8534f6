"""A plan, for people and for programs."""

from __future__ import annotations

import json
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from gong_tasks_async.bulk.render.format import one_line
from gong_tasks_async.cli.local_time import local_time
from gong_tasks_async.cli.output.console import emit, note
from gong_tasks_async.cli.output.data_file import write_text
from gong_tasks_async.cli.output.formats import Output, OutputFormat
from gong_tasks_async.cli.output.job_rows import planned_rows
from gong_tasks_async.cli.output.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gong_tasks_async.bulk.plan import LostValue, Plan, SampledTask
    from gong_tasks_async.quota import QuotaSnapshot

SHOWN = 10
"""Values that cannot be restored, as far as they are listed."""


def print_plan(plan: Plan, quota: QuotaSnapshot, output: Output) -> None:
    """Print what a run would do: its numbers, or in the formats of rows each update."""
    if output.is_table:
        _print_text(plan, quota)
    elif output.form is OutputFormat.JSON:
        write_text(json.dumps(plan_as_json(plan, quota)), output)
    else:
        with Listing(planned_rows(plan.users_by_id), output) as listing:
            listing.add(plan.updates)


def _print_text(plan: Plan, quota: QuotaSnapshot) -> None:
    from gong_tasks_async.bulk.render.format import counted  # noqa: PLC0415 - for the same reason
    from gong_tasks_async.cli.output.text import describe_cost, describe_updates, local  # noqa: PLC0415 - for the same reason

    saved = f"{counted(plan.duplicates, 'duplicate')} merged, {len(plan.unchanged):,} already up to date"
    emit(f"{counted(plan.rows, 'row')}: {saved}")
    if not plan.calls:
        emit("Nothing to change.")
        return
    emit(f"{describe_updates(plan.updates)}.")
    for line in sample_lines(plan):
        emit(f"  {line}")
    emit(f"{describe_cost(plan, quota)}.")
    if plan.estimate is not None:
        emit(f"If started now, finishes {local(plan.estimate.ends_at)}.")


def note_lost(lost: Sequence[LostValue]) -> None:
    """Note what an undo cannot restore."""
    from gong_tasks_async.bulk.render.format import counted  # noqa: PLC0415 - for the same reason

    for reason, values in groupby(sorted(lost, key=attrgetter("reason")), key=attrgetter("reason")):
        found = list(values)
        note(f"{counted(len(found), 'value')} cannot be restored: {reason}")
        for value in found[:SHOWN]:
            note(f"  task {value.task_id} of user {value.user_id}")
        if len(found) > SHOWN:
            note(f"  and {len(found) - SHOWN:,} more")


def print_sample(plan: Plan) -> None:
    """Note the first tasks of a plan, where they are known, for people to recognize."""
    for line in sample_lines(plan):
        note(f"  {line}")


def sample_lines(plan: Plan) -> Iterator[str]:
    """A line for each task of the sample: what it is, whose, and what changes."""
    for task in plan.sample:
        owner = plan.users_by_id.get(task.update.user_id) or f"user {task.update.user_id}"
        what = " \N{MIDDLE DOT} ".join(
            filter(None, (task.title or f"task {task.update.task_id}", task.account, owner))
        )
        yield f"{one_line(what)}: {', '.join(_values(task))}"
    if plan.sample and (more := plan.calls - len(plan.sample)) > 0:
        yield f"and {more:,} more"


def _values(task: SampledTask) -> Iterator[str]:
    before, update = task.before, task.update
    if update.status is not None:
        yield f"{before.status or 'no status'} -> {update.status}"
    if update.due_date is not None:
        yield f"due {local_time(before.due_date) or 'never'} -> {local_time(update.due_date)}"
    if update.priority is not None:
        yield f"priority {before.priority or 'none'} -> {update.priority}"


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
