"""`gong-tasks users`: users and their ids."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.output.listing import Listing, OutputFormat, output_option
from gong_tasks_async.cli.output.user_rows import USERS
from gong_tasks_async.cli.session import client_options, open_client, run
from gong_tasks_async.models import User

if TYPE_CHECKING:
    from gong_tasks_async.cli.config.configuration import Configuration

EXAMPLES = """
gong-tasks users --active
gong-tasks users --email 'ana*'
gong-tasks users --output csv > users.csv
"""


@click.command("users", cls=Command, examples=EXAMPLES)
@click.option("--active", is_flag=True, help="Only those who are active.")
@click.option(
    "--email", "pattern", metavar="PATTERN", help="Only addresses like this, such as '*@example.com' or ana."
)
@output_option
@client_options
def command(*, active: bool, pattern: str | None, output: OutputFormat, configuration: Configuration) -> None:
    """List users and their ids.

    One call for each hundred of them. A PATTERN without an asterisk is looked for anywhere in the address.
    """

    def wanted(user: User) -> bool:
        return (not active or user.active is True) and (pattern is None or matches(user, pattern))

    with Listing(USERS, output) as listing:
        run(_list(configuration, wanted, listing))


async def _list(configuration: Configuration, wanted: Callable[[User], bool], listing: Listing[User]) -> None:
    async with open_client(configuration) as client, aclosing(client.iter_users()) as users:
        async for user in users:
            if wanted(user):
                listing.add([user])


def matches(user: User, pattern: str) -> bool:
    """Whether a user's address is like a pattern of a shell, without regard to case."""
    folded = pattern.casefold()
    whole = folded if any(sign in folded for sign in "*?[") else f"*{folded}*"
    return fnmatchcase((user.email_address or "").casefold(), whole)
