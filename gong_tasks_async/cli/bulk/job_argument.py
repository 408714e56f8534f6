"""The argument that names a job."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from gong_tasks_async.cli.invocation import to_type
from gong_tasks_async.config.folders import jobs_folder


def job_argument(*, required: bool = True) -> Callable[[Any], Any]:
    """Give a command the argument ``name``, which shells complete with the names of all jobs."""
    return click.argument("name", required=required, shell_complete=complete_job)


def complete_job(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of jobs, for a shell that completes."""
    from gong_tasks_async.cli.bulk.job_folder import JobFolder  # noqa: PLC0415 - help need not load sqlite

    names = (path.stem for path in JobFolder(jobs_folder(os.environ)).all())
    return [name for name in names if name.startswith(incomplete)]


def resume_command(name: str) -> str:
    """The command that resumes a job, at the company of this command line."""
    return to_type("bulk", "resume", name)
