"""`gong-tasks workspaces`: the company's workspaces and their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from gong_tasks_async import Workspace, to_json
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.output.formats import Output, output_option
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.session import client_options, open_client, run

if TYPE_CHECKING:
    from gong_tasks_async.config.configuration import Configuration

EXAMPLES = """
gong-tasks workspaces
gong-tasks workspaces --output csv
"""

_COLUMNS: Final[tuple[Column[Workspace], ...]] = (
    Column("id", lambda workspace: workspace.id),
    Column("name", lambda workspace: workspace.name),
    Column("description", lambda workspace: workspace.description),
)
WORKSPACES: Final = Layout[Workspace](
    what="workspaces",
    to_json=to_json,
    csv=_COLUMNS,
    table=(
        Column("Id", lambda workspace: workspace.id),
        Column("Name", lambda workspace: workspace.name, least=12),
        Column("Description", lambda workspace: workspace.description, least=20),
    ),
)


@click.command("workspaces", cls=Command, examples=EXAMPLES)
@output_option
@client_options
def command(*, output: Output, configuration: Configuration) -> None:
    """List workspaces and their ids.

    `list --workspace` and `bulk run --workspace` take the ids. Needs the scope api:workspaces:read.
    """
    with Listing(WORKSPACES, output) as listing:
        listing.add(run(_list(configuration)))


async def _list(configuration: Configuration) -> list[Workspace]:
    async with open_client(configuration) as client:
        return await client.list_workspaces()
