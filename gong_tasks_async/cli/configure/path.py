"""`gong-tasks config path`: where the configuration file is."""

from __future__ import annotations

import os

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.output.console import emit

EXAMPLES = """
gong-tasks config path
"""


@click.command("path", cls=Command, examples=EXAMPLES)
def command() -> None:
    """Print where the configuration file is.

    GONG_TASKS_CONFIG names another.
    """
    from gong_tasks_async.config.folders import config_file  # noqa: PLC0415 - few need it

    emit(str(config_file(os.environ)))
