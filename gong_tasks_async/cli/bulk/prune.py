"""`gong-tasks bulk prune`: delete the journals of old jobs."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.dates import option_value
from gong_tasks_async.cli.input.shared_options import yes_option
from gong_tasks_async.config.folders import jobs_folder

EXAMPLES = """
gong-tasks bulk prune --older-than 90d
gong-tasks bulk prune --older-than 52w --unfinished --yes
"""


@option_value
def _age(text: str) -> timedelta:
    from gong_tasks_async.bulk.dates import read_shift  # noqa: PLC0415 - help need not load it

    shift = read_shift(f"+{text.strip().removeprefix('+')}")
    if shift is None:
        raise ValueError(f"{text!r} is no age such as 90d, 12w or 12h")
    return timedelta(days=shift.days, hours=shift.hours)


@click.command("prune", cls=Command, examples=EXAMPLES)
@click.option(
    "--older-than", type=_age, required=True, metavar="AGE", help="Last written longer ago: 90d, 12w."
)
@click.option("--unfinished", is_flag=True, help="Jobs with pending rows, too.")
@yes_option
def command(older_than: timedelta, unfinished: bool, yes: bool) -> None:
    """Delete the journals of old jobs.

    Of all companies; those that are running or cannot be read stay.
    """
    from gong_tasks_async.cli.bulk.job_folder import JobFolder  # noqa: PLC0415 - help need not load sqlite
    from gong_tasks_async.cli.bulk.removal import old_jobs, remove_jobs  # noqa: PLC0415 - as above

    paths = JobFolder(jobs_folder(os.environ)).all()
    before = datetime.now(UTC) - min(older_than, timedelta(days=365_000))
    remove_jobs(old_jobs(paths, before, unfinished=unfinished), yes=yes)
