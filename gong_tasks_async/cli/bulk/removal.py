"""Deleting journals, with what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.cli.bulk.job_folder import JobState, delete_job, state_of
from gong_tasks_async.cli.input.confirm import confirm
from gong_tasks_async.cli.input.job_choice import Standing
from gong_tasks_async.cli.output.console import note


def remove_jobs(states: Sequence[JobState], *, yes: bool) -> None:
    """Delete these jobs' journals, and the reports beside them, after a question.

    Raises:
        click.ClickException: one of them is running; none was deleted.
        OSError: a file cannot be deleted.
    """
    if running := [state.path.stem for state in states if state.standing is Standing.RUNNING]:
        raise click.ClickException(f"running in another process: {', '.join(running)}. Nothing was deleted.")
    if not states:
        note("No jobs to delete.")
        return
    if not yes:
        confirm(_question(states))
    for state in states:
        delete_job(state.path)
    note(f"Deleted: {counted(len(states), 'job')}.")


def old_jobs(paths: Sequence[Path], before: datetime, *, unfinished: bool) -> list[JobState]:
    """The jobs that were last written before a moment; those with pending rows only if asked for."""
    kinds = {Standing.FINISHED, *([Standing.UNFINISHED] if unfinished else [])}
    states = map(state_of, paths)
    return [state for state in states if state.standing in kinds and state.last_written < before]


def _question(states: Sequence[JobState]) -> str:
    pending = sum(state.counts.get("pending", 0) for state in states)
    names = ", ".join(state.path.stem for state in states[:5]) + (", ..." if len(states) > 5 else "")  # noqa: PLR2004 - to recognize them
    left = f" {counted(pending, 'row')} of them were never sent." if pending else ""
    return f"Delete {counted(len(states), 'job')} ({names})? They cannot be undone or reported then.{left}"
