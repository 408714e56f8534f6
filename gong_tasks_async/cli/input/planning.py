"""From the command line to a plan: read or list, look users up, deduplicate, refuse conflicts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from attrs import evolve, frozen

from gong_tasks_async.bulk import PlanConflictError
from gong_tasks_async.bulk.plan import Plan, plan_updates
from gong_tasks_async.bulk.render.format import counted, one_line
from gong_tasks_async.cli.input.row_checks import conflicts
from gong_tasks_async.cli.input.rows import ParsedInput
from gong_tasks_async.cli.input.source import Source, refuse
from gong_tasks_async.cli.input.task_selection import select_tasks
from gong_tasks_async.cli.input.users import names_of, resolve_owners
from gong_tasks_async.cli.output.console import note, stderr_console
from gong_tasks_async.cli.output.progress import bulk_progress
from gong_tasks_async.cli.owners import price_of_names, with_all_names
from gong_tasks_async.client import GongTasksClient
from gong_tasks_async.models import TaskUpdate, User

ROWS_FOR_A_LOOK: Final = 5
"""Updates for each owner from which a listing of the owner's tasks is worth its call."""
ROWS_FOR_A_NAME: Final = 100
"""Updates for which a call that brings names to their report is worth it."""
REDRAW: Final = 0.25
"""Seconds between two looks at the number of calls, for the bar."""


@frozen
class PlannedSource:
    """The plan of a source."""

    plan: Plan
    unlisted: int = 0
    """Users of a selection whose tasks could not be listed."""


async def plan_source(
    client: GongTasksClient,
    source: Source,
    parsed_input: ParsedInput | None,
    *,
    look: bool | None = False,
    names: bool = False,
    calls: Callable[[], int] | None = None,
) -> PlannedSource:
    """Plan a source's updates.

    Args:
        client: of the company.
        source: what to update.
        parsed_input: the rows of its file; None for a selection.
        look: whether the owners' tasks are listed, to drop unchanged ones and to notice later changes; None to do so
            where it costs at most one call for five updates. A selection lists them anyway.
        names: whether a person reads the plan: where tasks are listed, their owners' names are looked up. Else they are
            for the report, and worth a call for each hundred updates.
        calls: how many calls were made, for a bar while the tasks are listed.

    Raises:
        BadInputError: rows conflict, or name unknown users.
        GongError: the tasks or users cannot be listed.
    """
    if parsed_input is None:
        planned = await _selected(client, source)
    else:
        planned = PlannedSource(
            await _plan_rows(client, source, parsed_input, look, names=names, calls=calls)
        )
    return evolve(planned, plan=evolve(planned.plan, source=source.file or source.label))


async def _plan_rows(
    client: GongTasksClient,
    source: Source,
    parsed_input: ParsedInput,
    look: bool | None,
    *,
    names: bool,
    calls: Callable[[], int] | None,
) -> Plan:
    updates, found = await _updates(client, source, parsed_input)
    try:
        plan = plan_updates(updates)
    except PlanConflictError as error:
        refuse(source, list(conflicts(parsed_input.rows, list(error.conflicts))))
        raise  # not reached: there is at least one conflict
    if look or (look is None and _is_worth_a_look(plan)):
        async with _looking(plan.users, calls):
            plan = await client.plan_updates(updates, guard=True)
            return evolve(plan, users_by_id=names_of(await _named(client, plan, found, wanted=names)))
    return evolve(await estimated(client, plan), users_by_id=names_of(found))


async def _named(
    client: GongTasksClient, plan: Plan, found: Mapping[str, User], *, wanted: bool
) -> Mapping[str, User | None]:
    owners = {update.user_id: found.get(update.user_id) for update in plan.updates}
    price = price_of_names(sum(user is None for user in owners.values()))
    return await with_all_names(client, owners) if wanted or price * ROWS_FOR_A_NAME <= plan.calls else owners


def _is_worth_a_look(plan: Plan) -> bool:
    if plan.users * ROWS_FOR_A_LOOK <= plan.calls:
        return True
    if plan.calls:
        listings = counted(plan.users, "listing")
        note(
            f"Changes made meanwhile are not noticed, and it cannot be undone: that takes {listings} for "
            f"{counted(plan.calls, 'update')}; add --guard."
        )
    return False


async def _updates(
    client: GongTasksClient, source: Source, parsed_input: ParsedInput
) -> tuple[Sequence[TaskUpdate], Mapping[str, User]]:
    """The rows' updates, with ids in the place of addresses; and those users, by id."""
    _note_unread(parsed_input)
    addresses = parsed_input.addresses
    found = await client.find_users(addresses) if addresses else {}
    ids = {address: user.id for address, user in found.items()}
    updates, problems = resolve_owners(parsed_input.rows, ids)
    refuse(source, problems)
    return updates, {user.id: user for user in found.values()}


def _note_unread(parsed_input: ParsedInput) -> None:
    if parsed_input.unread:
        note(f"Not read: {', '.join(parsed_input.unread)}, overridden by --set-*.")
    if parsed_input.unknown:
        note(f"Not read: {', '.join(map(one_line, parsed_input.unknown))} (not columns of an update).")
    if parsed_input.unedited:
        note(f"{counted(parsed_input.unedited, 'row')} as listed: no change.")
    if parsed_input.hidden:
        of = f"{parsed_input.hidden:,} of {counted(len(parsed_input.rows), 'row')}"
        note(
            f"Hidden in the sheet, as by a filter, and updated too: {of}. To leave them out, copy the visible ones to another file."
        )


async def _selected(client: GongTasksClient, source: Source) -> PlannedSource:
    started = asyncio.get_running_loop().time(), time.time()
    with bulk_progress(stderr_console()) as progress:
        bar = progress.add_task("Listing tasks", total=None)
        selected = await select_tasks(
            client, source, lambda done, total: progress.update(bar, completed=done, total=total)
        )
    plan = plan_updates(selected.updates, selected.tasks)
    if plan.look is not None:
        owners = frozenset(selected.users)
        look = evolve(plan.look, owners=owners, loop_time=started[0], wall_time=started[1])
        plan = evolve(plan, look=look, users_by_id=names_of(selected.users))
    return PlannedSource(await estimated(client, plan), selected.unlisted)


@asynccontextmanager
async def _looking(owners: int, calls: Callable[[], int] | None) -> AsyncGenerator[None]:
    """A bar while the owners' tasks are listed."""
    with bulk_progress(stderr_console(), hidden=calls is None) as progress:
        bar = progress.add_task("Listing tasks", total=owners)
        before = calls() if calls else 0

        async def redraw() -> None:
            while calls is not None:
                progress.update(bar, completed=min(owners, calls() - before))
                await asyncio.sleep(REDRAW)

        redrawing = asyncio.create_task(redraw())
        try:
            yield
            progress.update(bar, completed=owners)
        finally:
            redrawing.cancel()
            await asyncio.gather(redrawing, return_exceptions=True)  # the plan counts, not its bar


async def estimated(client: GongTasksClient, plan: Plan) -> Plan:
    """The plan, with the time it takes at the current quota."""
    if not plan.calls:
        return evolve(plan, estimate=None)
    return plan.with_estimate(await client.quota.estimate(plan.calls))
