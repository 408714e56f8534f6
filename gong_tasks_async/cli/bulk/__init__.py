"""`gong-tasks bulk`: its commands, each imported when it is invoked, as those of `gong-tasks` itself."""

from __future__ import annotations

import click

from gong_tasks_async.cli.lazy_group import LazyGroup

COMMANDS = {
    "plan": "Preview a run; change nothing.",
    "run": "Update tasks from a file or selection.",
    "resume": "Resume a job.",
    "retry": "Send a job's failed rows again.",
    "undo": "Restore the tasks of a job as they were before.",
    "status": "List the jobs, or show one job's status.",
    "remove": "Delete the journals of jobs.",
    "prune": "Delete the journals of old jobs.",
    "report": "Show a job's results, or write them as a workbook or page.",
}


@click.group("bulk", cls=LazyGroup, package=__name__, lines=COMMANDS)
def command() -> None:
    """Update many tasks: plan, run, resume, status, report.

    A run takes its rows from a CSV or JSON lines file, from standard input, or from a selection of tasks. It
    keeps a journal in the job folder, so that it can be stopped at any time and resumed by name; rows that are
    done cost no further call.
    """
