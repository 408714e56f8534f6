"""`gong-tasks users`: users and their ids, or some of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.users import named_users
from gong_tasks_async.cli.output.formats import Output, output_option
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.output.user_rows import USERS
from gong_tasks_async.cli.session import client_options, open_client, run
from gong_tasks_async.models import User
from gong_tasks_async.models.addresses import address_key

if TYPE_CHECKING:
    from gong_tasks_async.client import GongTasksClient
    from gong_tasks_async.config.configuration import Configuration

EXAMPLES = """
gong-tasks users --active
gong-tasks users 234599484848423 'Ana Example'
gong-tasks users --email 'ana*'
gong-tasks users --output csv > users.csv
"""


@click.command("users", cls=Command, examples=EXAMPLES)
@click.argument("named", nargs=-1, metavar="[ID|EMAIL|NAME]...")
@click.option("--active", is_flag=True, help="Only active users.")
@click.option(
    "--email", "pattern", metavar="PATTERN", help="Only addresses like this, such as '*@example.com' or ana."
)
@output_option
@client_options
def command(
    *,
    named: tuple[str, ...],
    active: bool,
    pattern: str | None,
    output: Output,
    configuration: Configuration,
) -> None:
    """List users and their ids, or show some.

    One call for each hundred users, or for each ID. A PATTERN without an asterisk is found anywhere in the address.
    """

    def is_meant(user: User) -> bool:
        return (not active or user.active is True) and (pattern is None or matches(user, pattern))

    with Listing(USERS, output) as listing:
        run(_list(configuration, named, is_meant, listing))


async def _list(
    configuration: Configuration,
    named: Sequence[str],
    is_meant: Callable[[User], bool],
    listing: Listing[User],
) -> None:
    async with open_client(configuration) as client, aclosing(_users(client, named)) as users:
        async for user in users:
            if is_meant(user):
                listing.add([user])


async def _users(client: GongTasksClient, named: Sequence[str]) -> AsyncGenerator[User]:
    if not named:
        async with aclosing(client.iter_users()) as users:
            async for user in users:
                yield user
        return
    for user_id, found in (await named_users(client, named)).items():
        yield found or await client.get_user(user_id)


def matches(user: User, pattern: str) -> bool:
    """Whether one of a user's addresses is like a shell's pattern, without regard to case."""
    folded = address_key(pattern)
    whole = folded if any(sign in folded for sign in "*?[") else f"*{folded}*"
    addresses = (user.email_address or "", *user.other_addresses)
    return any(fnmatchcase(address_key(address), whole) for address in addresses)
