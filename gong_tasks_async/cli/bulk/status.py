"""`gong-tasks bulk status`: the status of jobs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import click

from gong_tasks_async.cli.bulk.job_argument import job_argument
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.local_time import local_time
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.output.formats import Output, OutputFormat, output_option
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.config.folders import jobs_folder

if TYPE_CHECKING:
    from gong_tasks_async.bulk import RunRecord
    from gong_tasks_async.cli.bulk.job_folder import JobState
    from gong_tasks_async.models import JsonValue

Counts: TypeAlias = Mapping[str, int]
User: TypeAlias = tuple[str, Counts]

STATES = ("pending", "failed", "updated", "unchanged", "skipped")

EXAMPLES = """
gong-tasks bulk status
gong-tasks bulk status dismiss-2026-11-21
gong-tasks bulk status | jq -r 'select(.state == "unfinished") | .job'
"""


@click.command("status", cls=Command, examples=EXAMPLES)
@job_argument(required=False)
@output_option
def command(name: str | None, output: Output) -> None:
    """List the jobs, or show one job's status.

    Works while a job runs, and without credentials. With NAME, it counts the rows of each user.
    """
    from gong_tasks_async.cli.bulk.job_folder import JobFolder, state_of  # noqa: PLC0415 - help need not load sqlite

    folder = JobFolder(jobs_folder(os.environ))
    if name is not None:
        _print_one(state_of(folder.find(name)), output)
        return
    with Listing(JOBS, output) as listing:
        for path in folder.all():
            state = state_of(path)
            listing.add([state])
            if state.trouble:
                note(f"{path}: {state.trouble}.")


def _print_one(state: JobState, output: Output) -> None:
    from gong_tasks_async.bulk import open_journal  # noqa: PLC0415 - help need not load sqlite
    from gong_tasks_async.cli.input.job_choice import Standing  # noqa: PLC0415 - as above

    with open_journal(state.path) as journal:
        users: dict[str, Counts] = {
            user: {name: getattr(counts, name) for name in STATES}
            for user, counts in journal.by_user().items()
        }
        names, ending = journal.users, next(reversed(journal.runs()), None)
    if output.form in (OutputFormat.JSON, OutputFormat.JSONL):
        with Listing(_whole(users, names, ending), output, single=True) as listing:
            listing.add([state])
        return
    note(f"{state.path.stem}: {state.standing}, {state.counts['total']:,} rows, last written {_when(state)}")
    if ending is not None and state.standing is Standing.UNFINISHED:
        _note_ending(ending)
    with Listing(_of_users(names), output) as listing:
        listing.add(sorted(users.items(), key=_worst_first))
        if output.is_table:
            listing.add([("All", state.counts)])


def _note_ending(run: RunRecord) -> None:
    """Note why the last run stopped, and when the job can be resumed."""
    from gong_tasks_async.cli.messages import line_for_operator  # noqa: PLC0415 - help need not load it

    if run.stopped_because is not None:
        note(f"Stopped: {line_for_operator(run.stopped_because)}")
    if run.resume_after is not None:
        note(f"Resume after {local_time(run.resume_after)}.")


def _whole(
    users: Mapping[str, Counts], names: Mapping[str, str], ending: RunRecord | None
) -> Layout[JobState]:
    from gong_tasks_async.cli.messages import line_for_operator  # noqa: PLC0415 - help need not load it

    def to_json(state: JobState) -> dict[str, JsonValue]:
        error = None if ending is None else ending.stopped_because
        resume = None if ending is None else ending.resume_after
        return {
            **_as_json(state),
            "stopped_because": None if error is None else line_for_operator(error),
            "resume_after": None if resume is None else resume.isoformat(timespec="seconds"),
            "by_user": users,
            "users": names,
        }

    return Layout(what="jobs", to_json=to_json, csv=(), table=())


def _worst_first(user: User) -> tuple[int, int, str]:
    return -user[1]["failed"], -user[1]["pending"], user[0]


def _as_json(state: JobState) -> dict[str, JsonValue]:
    return {
        "job": state.path.stem,
        "company": state.path.parent.name,
        "state": str(state.standing),
        **state.counts,
        "last_written": state.last_written.isoformat(timespec="seconds"),
        "trouble": state.trouble,
    }


def _when(state: JobState) -> str:
    return f"{state.last_written.astimezone():%Y-%m-%d %H:%M}"


def _number(name: str) -> Callable[[Counts], str]:
    return lambda counts: str(counts.get(name, "?"))


def _of_job(name: str) -> Column[JobState]:
    return Column(name.capitalize(), lambda state: _number(name)(state.counts))


def _of_user(name: str) -> Column[User]:
    return Column(name.capitalize(), lambda user: _number(name)(user[1]))


_JOB_COLUMNS: Final[tuple[Column[JobState], ...]] = (
    Column("Job", lambda state: state.path.stem),
    Column("State", lambda state: state.standing),
    *map(_of_job, STATES[:3]),
    Column("Last written", _when),
    _of_job(STATES[3]),
    Column("Company", lambda state: state.path.parent.name),
)
JOBS: Final = Layout["JobState"](what="jobs", to_json=_as_json, csv=_JOB_COLUMNS, table=_JOB_COLUMNS)


def _of_users(names: Mapping[str, str]) -> Layout[User]:
    name = Column[User]("Name", lambda user: names.get(user[0], ""))
    columns: tuple[Column[User], ...] = (
        Column("User", lambda user: user[0]),
        *([name] if names else []),
        *map(_of_user, STATES),
    )
    return Layout(what="rows", to_json=lambda user: {"user": user[0], **user[1]}, csv=columns, table=columns)
