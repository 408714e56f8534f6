"""`gong-tasks config show`: the configuration that commands use."""

from __future__ import annotations

import os
from operator import itemgetter
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.output.console import note_command
from gong_tasks_async.cli.output.formats import Output, output_option
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.output.tables import draw_facts
from gong_tasks_async.cli.session import client_options

if TYPE_CHECKING:
    from gong_tasks_async.config.configuration import Configuration

EXAMPLES = """
gong-tasks config show
gong-tasks config show --profile acme --output json
"""


@click.command("show", cls=Command, examples=EXAMPLES)
@output_option
@client_options
def command(*, output: Output, configuration: Configuration) -> None:
    """Show the configuration that commands use; no secret.

    What was given on the command line comes first, then the environment, then the file.
    """
    facts = _facts(configuration)
    if output.is_table:
        draw_facts({_label(name): text for name, text in facts.items()})
    else:
        with Listing(_layout(facts), output, single=True) as listing:
            listing.add([facts])
    note_command("To change a value:", "gong-tasks config set --help")


def _layout(facts: dict[str, str]) -> Layout[dict[str, str]]:
    columns = [Column[dict[str, str]](name, itemgetter(name)) for name in facts]
    return Layout(what="settings", to_json=dict, csv=columns, table=columns)


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize().replace("url", "URL")


def _facts(configuration: Configuration) -> dict[str, str]:
    from gong_tasks_async.config.folders import config_file, state_folder  # noqa: PLC0415 - loaded already

    limits = configuration.limits
    return {
        "file": str(config_file(os.environ)),
        "state_folder": str(state_folder(os.environ)),
        "profile": configuration.profile,
        "base_url": configuration.base_url,
        "credentials": configuration.source,
        "per_second": f"{limits.per_second:g}",
        "per_day": "unlimited" if limits.per_day is None else str(limits.per_day),
        "interactive_reserve": str(limits.interactive_reserve),
    }
