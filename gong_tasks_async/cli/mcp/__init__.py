"""`gong-tasks mcp`: an MCP server with which an assistant lists and updates a person's tasks, within the quota."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.session import client_options

if TYPE_CHECKING:
    from gong_tasks_async.config.configuration import Configuration

EXAMPLES = """
gong-tasks mcp --profile acme
gong-tasks mcp --profile acme --allow-writes --max-rows 50
gong-tasks mcp --http --port 8765 --token-variable GONG_MCP_TOKEN
"""
LOOPBACK = "127.0.0.1"


@click.command("mcp", cls=Command, examples=EXAMPLES)
@click.option(
    "--allow-writes", is_flag=True, help="Offer the tools that update tasks; without it, none is there."
)
@click.option(
    "--max-rows", type=click.IntRange(min=1), default=200, show_default=True, help="Rows of one bulk update."
)
@click.option(
    "--daily-calls",
    type=click.IntRange(min=1),
    default=1_000,
    show_default=True,
    help="Calls that the assistant may cause in 24 hours.",
)
@click.option("--http", is_flag=True, help="Serve streamable HTTP instead of standard input and output.")
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on, with --http.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="With --http.")
@click.option(
    "--token-variable",
    metavar="NAME",
    default="GONG_MCP_TOKEN",
    show_default=True,
    help="Environment variable with the bearer token that HTTP clients must send.",
)
@client_options
def command(
    *,
    allow_writes: bool,
    max_rows: int,
    daily_calls: int,
    http: bool,
    host: str,
    port: int,
    token_variable: str,
    configuration: Configuration,
) -> None:
    """Serve the Model Context Protocol, for assistants.

    The assistant sees tools to list tasks and users, and with --allow-writes to update tasks, one by one or in bulk after a plan. Its calls go
    before bulk runs, wait 20 seconds at the most, and count in the same quota as every other call of the company.
    """
    try:
        from gong_tasks_async.cli.mcp.server import serve  # noqa: PLC0415 - needs an extra
    except ModuleNotFoundError as error:
        raise click.UsageError(
            "the MCP server needs an extra: pip install 'gong_tasks_async[cli,mcp]'"
        ) from error
    from gong_tasks_async.cli.mcp.http import HttpSettings  # noqa: PLC0415 - as above
    from gong_tasks_async.cli.mcp.tools import Limits  # noqa: PLC0415 - as above

    limits = Limits(allow_writes=allow_writes, max_rows=max_rows, daily_calls=daily_calls)
    serve(configuration, limits, HttpSettings.read(host, port, token_variable) if http else None)
