"""`gong-tasks config set`: one value of a profile."""

from __future__ import annotations

import os

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.invocation import global_option
from gong_tasks_async.cli.output.console import note

EXAMPLES = """
gong-tasks config set default_profile acme
gong-tasks config set per_day 20000 --profile acme
gong-tasks config set day_starts '00:00 America/Los_Angeles' --profile acme
"""

OF_THE_FILE = "default_profile"


@click.command("set", cls=Command, examples=EXAMPLES)
@click.argument("key")
@click.argument("value")
def command(*, key: str, value: str) -> None:
    """Set a value of a profile, or the default profile.

    Comments and everything else in the file stay. Without --profile, the default profile is changed. Secrets are
    stored by `gong-tasks login`.
    """
    from gong_tasks_async.config.config_file import read_config_file  # noqa: PLC0415 - brings aiohttp
    from gong_tasks_async.config.edit_file import set_values  # noqa: PLC0415 - as above
    from gong_tasks_async.config.folders import config_file  # noqa: PLC0415 - as above
    from gong_tasks_async.config.profile import typed_value  # noqa: PLC0415 - as above

    path = config_file(os.environ)
    profile = None if key == OF_THE_FILE else _profile(read_config_file(path).default_name)
    set_values(path, profile, {key: value if key == OF_THE_FILE else typed_value(key, value)})
    note(f"{path}: {f'profile {profile}: ' if profile else ''}{key} is set.")


def _profile(default: str | None) -> str:
    named: str | None = global_option("profile") or default
    if named is None:
        raise click.UsageError("name the profile: --profile NAME")
    return named
