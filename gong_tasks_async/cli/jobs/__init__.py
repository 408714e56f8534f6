"""`gong-tasks jobs`: the group of its commands, each imported on first use."""

from __future__ import annotations

import click

from gong_tasks_async.cli.lazy_group import LazyGroup

COMMANDS = {
    "submit": "Submit a job to the workers.",
    "status": "Show a job's progress, or list all jobs.",
    "list": "List the company's jobs.",
    "cancel": "Cancel a job; updates made remain.",
    "resume": "Resume a job; retry given-up rows.",
    "retry": "Send a job's failed rows again.",
    "undo": "Restore the tasks of a job as they were before.",
    "report": "Show a job's results, or write them as a workbook or page.",
}


@click.group("jobs", cls=LazyGroup, package=__name__, lines=COMMANDS)
def command() -> None:
    """Distributed jobs: submit, status, list, cancel, resume, retry, undo, report.

    A job is stored in Redis; `gong-tasks worker` processes it, on this machine or others. The company and the Redis
    URL come from a profile (company, redis_url), or from --company and GONG_REDIS_URL. Only submit and undo need credentials.
    """
