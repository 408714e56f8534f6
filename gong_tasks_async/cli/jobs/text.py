"""How a job on many workers is told: to people, to programs, and by the exit code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from gong_tasks_async.bulk.render.format import one_line
from gong_tasks_async.cli.exit_codes import ExitCode, exit_code_of
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.text import counted, local
from gong_tasks_async.distributed import JobState, Progress

if TYPE_CHECKING:
    from gong_tasks_async.models import JsonValue

COUNTS: Final = (
    "rows",
    "pending",
    "failed",
    "updated",
    "unchanged",
    "given_up",
    "in_flight",
    "calls",
    "rate_limited",
)


def as_json(progress: Progress) -> dict[str, JsonValue]:
    """All of it; moments in ISO 8601."""
    return {
        "job": progress.job,
        "state": str(progress.state),
        **{name: getattr(progress, name) for name in COUNTS},
        "stopped_because": _because(progress),
        "resume_after": _iso(progress.resume_after),
        "started_at": _iso(progress.started_at),
        "settled_at": _iso(progress.settled_at),
    }


def facts(progress: Progress) -> dict[str, str]:
    """What a person wants to know, each with its name."""
    told = {
        "State": str(progress.state),
        "Settled": f"{progress.settled:,} of {counted(progress.rows, 'row')}",
        "Failed": f"{progress.failed:,}",
        "Given up": f"{progress.given_up:,}" if progress.given_up else "",
        "In flight": f"{progress.in_flight:,}",
        "Calls": f"{progress.calls:,}",
        "Because": _because(progress) or "",
        "Goes on": f"by itself after {local(progress.resume_after)}" if progress.resume_after else "",
        "Next": what_to_do(progress),
    }
    return {name: words for name, words in told.items() if words}


def what_to_do(progress: Progress) -> str:
    """What to type next; nothing while the job goes on."""
    if not progress.finished:
        return ""
    if progress.pending and progress.state is not JobState.CANCELLED:
        return f"gong-tasks jobs resume {progress.job}"
    return f"gong-tasks jobs report {progress.job}"


def exit_code(progress: Progress) -> ExitCode:
    """Why it was stopped, where it was; else whether rows failed, or were given up."""
    if progress.stopped_because is not None:
        return exit_code_of(progress.stopped_because)
    return ExitCode.ROWS_FAILED if progress.failed or progress.given_up else ExitCode.DONE


def _because(progress: Progress) -> str | None:
    return None if progress.stopped_because is None else one_line(str(progress.stopped_because))


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
    Column("Last settled", _when),
    _count("unchanged"),
    Column("Because", _because, least=20),
)
JOBS: Final = Layout[Progress](what="jobs", to_json=as_json, csv=_COLUMNS, table=_COLUMNS)
