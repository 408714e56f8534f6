"""`gong-tasks profiles`: the companies of the configuration file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click
from attrs import frozen

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.output.console import note_command
from gong_tasks_async.cli.output.formats import Output, output_option
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.listing import Listing

if TYPE_CHECKING:
    from gong_tasks_async.config.config_file import ConfigFile

EXAMPLES = """
gong-tasks profiles
gong-tasks profiles --output jsonl
"""


@frozen
class ProfileRow:
    """One profile."""

    name: str
    default: bool
    base_url: str | None = None
    credentials: str = "none"
    company: str | None = None
    problems: tuple[str, ...] = ()


_COLUMNS: Final[tuple[Column[ProfileRow], ...]] = (
    Column("name", lambda row: row.name),
    Column("default", lambda row: "yes" if row.default else ""),
    Column("base_url", lambda row: row.base_url),
    Column("credentials", lambda row: row.credentials),
    Column("company", lambda row: row.company),
    Column("problems", lambda row: "; ".join(row.problems)),
)
PROFILES: Final = Layout[ProfileRow](
    what="profiles",
    to_json=lambda row: {column.title: column.cell(row) or None for column in _COLUMNS},
    csv=_COLUMNS,
    table=tuple(
        Column(column.title.replace("_", " ").capitalize().replace("url", "URL"), column.cell)
        for column in _COLUMNS
    ),
)


@click.command("profiles", cls=Command, examples=EXAMPLES)
@output_option
def command(*, output: Output) -> None:
    """List the profiles of the configuration file.

    A profile with problems does not disable the others.
    """
    from gong_tasks_async.config.config_file import read_config_file  # noqa: PLC0415 - brings aiohttp
    from gong_tasks_async.config.folders import config_file  # noqa: PLC0415 - as above

    file = read_config_file(config_file(os.environ))
    with Listing(PROFILES, output) as listing:
        listing.add(profile_rows(file))
    if not file.names:
        note_command("To make one:", "gong-tasks login")


def profile_rows(file: ConfigFile) -> list[ProfileRow]:
    """All profiles, those with problems last."""
    default = file.default_name
    sound = [
        ProfileRow(name, name == default, profile.base_url, profile.credentials_kind, profile.company)
        for name, profile in file.profiles.items()
    ]
    broken = [
        ProfileRow(name, name == default, credentials="?", problems=problems)
        for name, problems in file.broken.items()
    ]
    return [*sound, *broken]
