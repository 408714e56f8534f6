"""`gong-tasks jobs`: its commands, each imported when it is invoked, as those of `gong-tasks` itself."""

from __future__ import annotations

import click

from gong_tasks_async.cli.lazy_group import LazyGroup

COMMANDS = {
    "submit": "Hand many changes to whichever workers are up.",
    "status": "Tell how far a job is, or list them all.",
    "list": "List the company's jobs.",
    "cancel": "Send no further row of a job; what was changed stays changed.",
    "resume": "Have a job go on that was stopped or paused, or gave rows up.",
    "report": "Tell what a job has come to so far, as text, JSON, CSV or one HTML page.",
}


@click.group("jobs", cls=LazyGroup, package=__name__, lines=COMMANDS)
def command() -> None:
    """Jobs on many workers: submit, status, list, cancel, resume, report.

    A job stands in Redis, and `gong-tasks worker` does it, on this machine or others. Whose jobs and where is said
    by a profile (company, redis_url), or by --company and GONG_REDIS_URL. Only submit needs credentials.
    """
