"""`gong-tasks bulk`: its commands, each imported when it is invoked, as those of `gong-tasks` itself."""

from __future__ import annotations

import click

from gong_tasks_async.cli.lazy_group import LazyGroup

COMMANDS = {
    "plan": "Tell what a run would do and how long it would take; changes nothing.",
    "run": "Change many tasks, as a file or a selection says.",
    "resume": "Go on with a job where it ended.",
    "status": "List the jobs, or tell how one of them stands.",
    "report": "Tell what became of a job, as text, JSON, CSV or one HTML page.",
}


@click.group("bulk", cls=LazyGroup, package=__name__, lines=COMMANDS)
def command() -> None:
    """Change many tasks at once: plan, run, resume, status, report.

    A run takes its rows from a CSV or JSON lines file, from standard input, or from a selection of tasks. It
    keeps a journal in the job folder, so that it can be ended at any time and gone on with by its name; what is
    settled costs no further call.
    """
