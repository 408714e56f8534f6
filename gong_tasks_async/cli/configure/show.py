"""`gong-tasks config show`: the configuration that commands use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.output.console import emit, note_command
from gong_tasks_async.cli.output.listing import OutputFormat, json_line, output_option
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
def command(*, output: OutputFormat, configuration: Configuration) -> None:
    """Show the configuration that commands use; no secret.

    What was given on the command line comes first, then the environment, then the file.
    """
    facts = _facts(configuration)
    if output is OutputFormat.TABLE:
        draw_facts({_label(name): text for name, text in facts.items()})
    elif output in (OutputFormat.JSON, OutputFormat.JSONL):
        emit(json_line(facts))
    else:
        raise click.UsageError("config show writes table, json or jsonl")
    note_command("To change a value:", "gong-tasks config set --help")


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
