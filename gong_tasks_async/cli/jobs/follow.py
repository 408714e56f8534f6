"""Show a job's progress, once or until it is finished."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.cli.job_server import jobs_command
from gong_tasks_async.cli.jobs.text import JOBS, NO_WORKER, facts, next_command, waits_for_worker
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.cli.output.console import note, note_command, stderr_console
from gong_tasks_async.cli.output.formats import Output
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.output.progress import bar_for
from gong_tasks_async.cli.output.tables import draw_facts
from gong_tasks_async.cli.output.text import local

SHOWN_PROBLEMS = 10

if TYPE_CHECKING:
    from gong_tasks_async.distributed import Job, Progress


async def show_job(job: Job, output: Output) -> None:
    """Print its progress now."""
    progress = await job.progress()
    _show(progress, output)
    await _note_given_up(job, progress)


async def follow_job(job: Job, output: Output) -> Progress:
    """Show progress until the job is finished; return its last state."""
    async with aclosing(job.watch()) as seen:
        if not output.is_table:
            return await _print_changes(seen, output)
        end = await _draw_bar(job.name, seen)
    _show(end, output)
    await _note_given_up(job, end)
    return end


class WorkerNotice:
    """Notes that no worker is up, once, until one was."""

    def __init__(self) -> None:
        self._noted = False

    def check(self, progress: Progress) -> None:
        """Look at a progress."""
        if waits_for_worker(progress) and not self._noted:
            note_command(NO_WORKER, jobs_command("worker"))
        self._noted = waits_for_worker(progress)


async def _print_changes(seen: AsyncGenerator[Progress], output: Output) -> Progress:
    """Print a line for each change."""
    notice = WorkerNotice()
    last: Progress | None = None
    with Listing(JOBS, output) as listing:
        async for progress in seen:
            notice.check(progress)
            listing.add([progress])
            last = progress
    return _seen(last)


async def _draw_bar(name: str, seen: AsyncGenerator[Progress]) -> Progress:
    """Draw a progress bar."""
    notice = WorkerNotice()
    last: Progress | None = None
    with bar_for(stderr_console(), name, 0) as (bars, bar):
        async for progress in seen:
            notice.check(progress)
            bars.update(
                bar, total=progress.rows, completed=progress.settled, description=_description(progress)
            )
            last = progress
    return _seen(last)


def _seen(last: Progress | None) -> Progress:
    assert last is not None  # noqa: S101 - a watch gives the progress of now first
    return last


async def _note_given_up(job: Job, progress: Progress) -> None:
    """Name the rows that were given up, with their last errors."""
    if not progress.given_up:
        return
    problems = [(number, last) for number, last in (await job.problems()).items() if last.given_up]
    for number, last in problems[:SHOWN_PROBLEMS]:
        note(
            f"Row {number:,} was given up after {counted(last.attempt, 'attempt')}: {line_for_operator(last.error)}"
        )
    if len(problems) > SHOWN_PROBLEMS:
        note(f"... and {len(problems) - SHOWN_PROBLEMS:,} more.")


def _description(progress: Progress) -> str:
    if progress.resume_after is not None:
        return f"{progress.job}, paused until {local(progress.resume_after)}"
    return f"{progress.job}, {progress.state}"


def _show(progress: Progress, output: Output) -> None:
    if output.is_table:
        draw_facts(facts(progress))
        note_command(NO_WORKER if waits_for_worker(progress) else "Next:", next_command(progress))
        return
    with Listing(JOBS, output) as listing:
        listing.add([progress])
