"""A distributed job as text, as JSON and as an exit code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.cli.exit_codes import ExitCode, exit_code_of
from gong_tasks_async.cli.job_server import jobs_command
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.text import local
from gong_tasks_async.distributed import JobState, Progress

if TYPE_CHECKING:
    from gong_tasks_async.models import JsonValue

COUNTS: Final = (
    "rows",
    "pending",
    "failed",
    "updated",
    "unchanged",
    "skipped",
    "given_up",
    "in_flight",
    "calls",
    "listings",
    "rate_limited",
    "unguarded",
)


def as_json(progress: Progress) -> dict[str, JsonValue]:
    """All facts of a progress; date-times in ISO 8601."""
    return {
        "job": progress.job,
        "state": str(progress.state),
        **{name: getattr(progress, name) for name in COUNTS},
        "worker_up": progress.worker_up,
        "stopped_because": _because(progress),
        "outage_since": _iso(progress.outage_since),
        "resume_after": _iso(progress.resume_after),
        "created_at": _iso(progress.created_at),
        "started_at": _iso(progress.started_at),
        "settled_at": _iso(progress.settled_at),
    }


def facts(progress: Progress) -> dict[str, str]:
    """The facts shown to users, with their labels."""
    shown = {
        "State": str(progress.state),
        "Done": f"{progress.settled:,} of {counted(progress.rows, 'row')}",
        "Failed": f"{progress.failed:,}",
        "Skipped": f"{progress.skipped:,}" if progress.skipped else "",
        "Given up": f"{progress.given_up:,}" if progress.given_up else "",
        "In flight": f"{progress.in_flight:,}",
        "Calls": f"{progress.calls:,}",
        "Reason": _because(progress) or "",
        "No connection": f"since {local(progress.outage_since)}; probing" if progress.outage_since else "",
        "Resumes": f"by itself after {local(progress.resume_after)}" if progress.resume_after else "",
    }
    return {name: text for name, text in shown.items() if text}


def next_command(progress: Progress) -> str:
    """The next command to type, complete."""
    if waits_for_worker(progress):
        return jobs_command("worker")
    if not progress.finished:
        return jobs_command("jobs", "status", progress.job, "--follow")
    if progress.pending and progress.state not in NOT_RESUMED:
        return jobs_command("jobs", "resume", progress.job)
    return jobs_command("jobs", "report", progress.job)


def waits_for_worker(progress: Progress) -> bool:
    """Whether nothing happens until a worker is started."""
    running = progress.state in {JobState.STARTING, JobState.RUNNING}
    return running and progress.pending > 0 and not progress.worker_up


NO_WORKER = "No worker of the company is up: the job waits. Start one, here or on another machine:"

NOT_RESUMED = {JobState.CANCELLED, JobState.UNREADABLE}


def exit_code(progress: Progress) -> ExitCode:
    """The code of the reason why the job was stopped; otherwise whether rows failed or were given up."""
    if progress.stopped_because is not None:
        return exit_code_of(progress.stopped_because)
    return ExitCode.ROWS_FAILED if progress.failed or progress.given_up else ExitCode.DONE


def _because(progress: Progress) -> str | None:
    return None if progress.stopped_because is None else line_for_operator(progress.stopped_because)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _when(progress: Progress) -> str:
    last = progress.settled_at or progress.started_at
    return f"{last.astimezone():%Y-%m-%d %H:%M}" if last else ""


def _count(name: str) -> Column[Progress]:
    read: Callable[[Progress], str] = lambda progress: str(getattr(progress, name))  # noqa: E731 - typed
    return Column(name.capitalize().replace("_", " "), read)


_COLUMNS: Final[tuple[Column[Progress], ...]] = (
    Column("Job", lambda progress: progress.job),
    Column("State", lambda progress: str(progress.state)),
    *map(_count, ("pending", "failed", "updated")),
    Column("Last done", _when),
    _count("unchanged"),
    Column("Reason", _because, least=20),
)
JOBS: Final = Layout[Progress](what="jobs", to_json=as_json, csv=_COLUMNS, table=_COLUMNS)
