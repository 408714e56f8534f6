"""`gong-tasks jobs retry`: have a job's failed rows sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.failed_rows import choose_failed, reason_option
from gong_tasks_async.cli.input.shared_options import yes_option
from gong_tasks_async.cli.job_server import JobServer, jobs_command, read_only_options
from gong_tasks_async.cli.jobs.with_job import with_job
from gong_tasks_async.cli.output.console import note, note_command

if TYPE_CHECKING:
    from gong_tasks_async.distributed import Job

EXAMPLES = """
gong-tasks jobs retry dismiss-2026-11-21
gong-tasks jobs retry dismiss-2026-11-21 --reason 404
"""


@click.command("retry", cls=Command, examples=EXAMPLES)
@click.argument("name")
@reason_option
@yes_option
@read_only_options
def command(name: str, reason: str | None, yes: bool, server: JobServer) -> None:
    """Send a job's failed rows again.

    They become pending rows of the same job, which is then resumed. Workers look at the tasks first: what is as it
    should be by now is not sent.
    """
    retried = with_job(server, name, lambda job: _retry(job, reason, yes=yes))
    if retried is None:
        return
    from gong_tasks_async.bulk.render.format import counted  # noqa: PLC0415 - help need not load it

    note(f"{counted(retried, 'row')} of the job {name} will be sent again.")
    note_command("Follow:", jobs_command("jobs", "status", name, "--follow"))


async def _retry(job: Job, reason: str | None, *, yes: bool) -> int | None:
    from gong_tasks_async.bulk import RowState  # noqa: PLC0415 - help need not load it
    from gong_tasks_async.cli.input.confirm import confirm  # noqa: PLC0415 - as above
    from gong_tasks_async.distributed import JobBusyError, JobState  # noqa: PLC0415 - needs an extra

    state = (await job.progress()).state
    if state not in {JobState.ENDED, JobState.STOPPED}:
        raise JobBusyError(job=job.name, state=str(state))
    failed = [row async for row in job.rows(RowState.FAILED)]
    chosen = choose_failed(job.name, failed, reason)
    if chosen is None:
        return None
    kinds, question = chosen
    if not yes:
        confirm(question)
    return await job.retry(kinds)
