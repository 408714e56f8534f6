"""Users by id, e-mail address or name, or all active users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from gong_tasks_async.bulk.render.format import one_line
from gong_tasks_async.cli.input.problems import Problem
from gong_tasks_async.cli.invocation import to_type
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.models import TaskUpdate, User
from gong_tasks_async.models.addresses import name_key
from gong_tasks_async.models.checks import is_address

if TYPE_CHECKING:
    from gong_tasks_async.cli.input.rows import ParsedRow
    from gong_tasks_async.client import GongTasksClient


NAMED = 5
"""Users of one name that an error lists."""


async def user_ids(client: GongTasksClient, named: Iterable[str]) -> list[str]:
    """The ids of :func:`named_users`."""
    return list(await named_users(client, named))


async def active_user_ids(client: GongTasksClient) -> list[str]:
    """The ids of :func:`active_users`."""
    return list(await active_users(client))


async def named_users(client: GongTasksClient, named: Iterable[str]) -> dict[str, User | None]:
    """Users that are named by id, e-mail address or name: by their ids, in their order, each once.

    Ids alone take no call, and are not looked up: None. Addresses and names take a call for each page of the company's
    users.

    Raises:
        click.UsageError: some are unknown, or several users have a name; all of them are listed at once.
        GongError: the users cannot be read.
    """
    wanted = list(dict.fromkeys(name.strip() for name in named))
    addresses = [name for name in wanted if is_address(name)]
    names = [name for name in wanted if name not in addresses and not name.isdecimal()]
    found: dict[str, User] = dict(await client.find_users(addresses)) if addresses else {}
    problems = [f"no user has the address {name}" for name in addresses if name not in found]
    if names:
        everyone = [user async for user in client.iter_users()]
        for name in names:
            user, problem = user_of_name(name, everyone)
            if user is not None:
                found[name] = user
            problems += [problem] if problem else []
    if problems:
        raise click.UsageError(f"{'; '.join(problems)}. List all users:\n  {to_type('users')}")
    return {found[name].id if name in found else name: found.get(name) for name in wanted}


def user_of_name(name: str, everyone: Sequence[User]) -> tuple[User | None, str | None]:
    """The one active user of this name, else the one whose name contains it; or what is wrong with that."""
    wanted = name_key(name)
    active = [user for user in everyone if user.active is not False]
    for is_meant in (str.__eq__, str.__contains__):
        meant = [user for user in active if wanted and is_meant(name_key(user.name), wanted)]
        if len(meant) == 1:
            return meant[0], None
        if meant:
            listed = "; ".join(
                f"{one_line(user.name)}, {user.email_address}, {user.id}" for user in meant[:NAMED]
            )
            return None, f"{len(meant)} users are called {name!r}: {listed}"
    return None, f"no user is called {name!r}"


async def active_users(client: GongTasksClient) -> dict[str, User | None]:
    """All users but inactive ones, by id.

    Raises:
        GongError: the users cannot be read.
    """
    users: dict[str, User | None] = {
        user.id: user async for user in client.iter_users() if user.active is not False
    }
    note(f"{len(users):,} active users")
    return users


def display_name(user: User) -> str:
    """How people know a user: the name, else the address, else the id."""
    return user.name or user.email_address or user.id


def names_of(users: Mapping[str, User | None]) -> dict[str, str]:
    """The names of those users that were looked up."""
    return {user_id: display_name(user) for user_id, user in users.items() if user is not None}


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
