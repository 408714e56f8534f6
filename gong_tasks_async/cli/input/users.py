"""Whose tasks are meant: ids, e-mail addresses, or everybody who is active."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.output.console import note

if TYPE_CHECKING:
    from gong_tasks_async.client import GongTasksClient


async def user_ids(client: GongTasksClient, named: Iterable[str]) -> list[str]:
    """The ids of users that are named by id or e-mail address, in their order, each once.

    Looking addresses up takes a call for each page of the company's users; ids alone take none.

    Raises:
        click.UsageError: some addresses are nobody's; all of them are named at once.
        GongError: the users cannot be read.
    """
    wanted = list(dict.fromkeys(named))
    addresses = [name for name in wanted if "@" in name]
    found = await client.find_users(addresses) if addresses else {}
    if unknown := [address for address in addresses if address not in found]:
        raise click.UsageError(
            f"nobody has the address {', '.join(unknown)}; `gong-tasks users` lists those there are"
        )
    return list(dict.fromkeys(found[name].id if name in found else name for name in wanted))


async def active_user_ids(client: GongTasksClient) -> list[str]:
    """The ids of everybody who is not said to be inactive.

    Raises:
        GongError: the users cannot be read.
    """
    ids = [user.id async for user in client.iter_users() if user.active is not False]
    note(f"{len(ids):,} active users")
    return ids
