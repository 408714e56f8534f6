"""`gong-tasks config`: where the configuration is, what it comes to, and how to change it."""

from __future__ import annotations

import click

from gong_tasks_async.cli.lazy_group import LazyGroup

COMMANDS = {
    "path": "Print where the configuration file is.",
    "show": "Show the configuration that commands use.",
    "set": "Set a value of a profile.",
}


@click.group("config", cls=LazyGroup, package=__name__, lines=COMMANDS)
def command() -> None:
    """Show or change the configuration: path, show, set."""
