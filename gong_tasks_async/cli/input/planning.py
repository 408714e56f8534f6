"""From the command line to a plan: read or list, look users up, deduplicate, refuse conflicts."""

from __future__ import annotations

from attrs import evolve, frozen

from gong_tasks_async.bulk.plan import Plan, PlanConflictError, plan_updates
from gong_tasks_async.bulk.render.format import counted, one_line
from gong_tasks_async.cli.input.row_checks import conflicts
from gong_tasks_async.cli.input.rows import ParsedInput
from gong_tasks_async.cli.input.source import Source, refuse
from gong_tasks_async.cli.input.task_selection import select_tasks
from gong_tasks_async.cli.input.users import resolve_owners
from gong_tasks_async.cli.output.console import note, stderr_console
from gong_tasks_async.cli.output.progress import bulk_progress
from gong_tasks_async.client import GongTasksClient
from gong_tasks_async.models import TaskUpdate


@frozen
class PlannedSource:
    """The plan of a source, and its rows."""

    plan: Plan
    rows: tuple[TaskUpdate, ...]
    """What a job consists of: the file's rows, or the selected tasks that would change."""


async def plan_source(
    client: GongTasksClient, source: Source, parsed_input: ParsedInput | None, *, look: bool = False
) -> PlannedSource:
    """Find out what is to be done; ``look`` lists the owners' tasks to skip unchanged tasks.

    Raises:
        BadInputError: rows conflict, or name unknown users.
        GongError: the tasks or users cannot be listed.
    """
    if parsed_input is None:
        return await _selected(client, source)
    updates = await _updates(client, source, parsed_input)
    try:
        return PlannedSource(await client.plan_updates(updates, skip_unchanged=look), tuple(updates))
    except PlanConflictError as error:
        refuse(source, list(conflicts(parsed_input.rows, list(error.conflicts))))
        raise  # not reached: there is at least one contradiction


async def _updates(client: GongTasksClient, source: Source, parsed_input: ParsedInput) -> list[TaskUpdate]:
    """The rows' updates, with ids in the place of addresses."""
    _note_unread(parsed_input)
    addresses = parsed_input.addresses
    found = await client.find_users(addresses) if addresses else {}
    updates, problems = resolve_owners(
        parsed_input.rows, {address: user.id for address, user in found.items()}
    )
    refuse(source, problems)
    return updates


def _note_unread(parsed_input: ParsedInput) -> None:
    if parsed_input.unread:
        note(f"Not read: {', '.join(parsed_input.unread)}, overridden by --set-*.")
    if parsed_input.unknown:
        note(f"Not read: {', '.join(map(one_line, parsed_input.unknown))} (not columns of an update).")
    if parsed_input.unedited:
        note(f"{counted(parsed_input.unedited, 'row')} as listed: no change.")


async def _selected(client: GongTasksClient, source: Source) -> PlannedSource:
    with bulk_progress(stderr_console()) as progress:
        bar = progress.add_task("Listing tasks", total=None)
        selected = await select_tasks(
            client, source, lambda done, total: progress.update(bar, completed=done, total=total)
        )
    plan = plan_updates(selected.updates, selected.tasks)
    return PlannedSource(await estimated(client, plan), plan.updates)


async def estimated(client: GongTasksClient, plan: Plan) -> Plan:
    """The plan, with the time it takes at the current quota."""
    if not plan.calls:
        return evolve(plan, estimate=None)
    return plan.with_estimate(await client.quota.estimate(plan.calls))
