"""The group of all commands; each is imported when it is invoked, so that `--help` is quick.

To add a command, write a module of its name here, with a click command called `command` in it, and give it a
line in `COMMANDS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

import click

from gong_tasks_async import __version__
from gong_tasks_async.errors import GongError

COMMANDS = {
    "worker": "Take rows of a company's jobs, beside any number of other workers.",
    "jobs": "Follow, cancel, resume and report the jobs that workers do.",
    "demo": "Watch the library at work on a simulated Gong; no account is needed.",
    "simulator": "Run a fake Gong on this machine, to try things against.",
}
INTERRUPTED = 130
"""What shells report of a program that Ctrl-C has ended."""


class CommandsOnDemand(click.Group):
    """A group that knows its commands by name, and imports the one that is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import the command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"gong_tasks_async.cli.{cmd_name.replace('-', '_')}")
        return cast("click.Command", module.command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the table's lines, where click would import every command for its own."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what goes wrong is told in a line, never in a traceback."""
        try:
            return super().invoke(ctx)
        except GongError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=CommandsOnDemand)
@click.version_option(__version__)
def gong_tasks() -> None:
    """Gong Engage tasks on the command line."""
