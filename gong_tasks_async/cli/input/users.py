"""Users by id or e-mail address, or all active users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.input.problems import Problem
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.models.checks import is_address

if TYPE_CHECKING:
    from gong_tasks_async.cli.input.rows import ParsedRow
    from gong_tasks_async.client import GongTasksClient


async def user_ids(client: GongTasksClient, named: Iterable[str]) -> list[str]:
    """The ids of users that are named by id or e-mail address, in their order, each once.

    Looking addresses up takes a call for each page of the company's users; ids alone take none.

    Raises:
        click.UsageError: some addresses are unknown; all of them are listed at once.
        GongError: the users cannot be read.
    """
    wanted = list(dict.fromkeys(named))
    addresses = [name for name in wanted if is_address(name)]
    found = await client.find_users(addresses) if addresses else {}
    if unknown := [address for address in addresses if address not in found]:
        raise click.UsageError(
            f"no user has the address {', '.join(unknown)}; `gong-tasks users` lists all users"
        )
    return list(dict.fromkeys(found[name].id if name in found else name for name in wanted))


async def active_user_ids(client: GongTasksClient) -> list[str]:
    """The ids of all users but inactive ones.

    Raises:
        GongError: the users cannot be read.
    """
    ids = [user.id async for user in client.iter_users() if user.active is not False]
    note(f"{len(ids):,} active users")
    return ids


def resolve_owners(
    rows: Sequence[ParsedRow], ids: Mapping[str, str]
) -> tuple[list[TaskUpdate], list[Problem]]:
    """The updates, each address replaced by its user's id; and the rows whose address is unknown."""
    updates: list[TaskUpdate] = []
    problems: list[Problem] = []
    for row in rows:
        user_id = ids.get(row.user) if is_address(row.user) else row.user
        if user_id is None:
            problems.append(Problem(row.place, f"no user of this company has the e-mail address {row.user}"))
        else:
            updates.append(row.update(user_id))
    return updates, problems
