"""The command line of a finished job, typed again: what is no longer as the job left it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from attrs import evolve, frozen

from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.cli.exit_codes import ExitCode
from gong_tasks_async.cli.local_time import local_time
from gong_tasks_async.cli.output.console import note, note_command

STATES = ("updated", "unchanged", "failed", "skipped", "given_up")


def note_finished(job: str, at: datetime | None, counts: Mapping[str, int]) -> None:
    """Note what a job did, and when, such as ``Job close: done on 2026-11-26 22:14: 1,494 updated``."""
    done = [f"{count:,} {name.replace('_', ' ')}" for name in STATES if (count := counts.get(name))]
    when = f"done on {local_time(at)}" if at else "done"
    note(f"Job {job}: {when}: {', '.join(done) or 'no rows'}.")


@frozen(kw_only=True)
class Repeated:
    """What a finished job's line asks for now."""

    plan: Plan
    """The rows whose task is not as it should be."""
    failed: int = 0
    """Rows that the job failed; `bulk retry` or `jobs retry` sends them again."""
    unseen: int = 0
    """Rows whose task is not listed any more: deleted, or hidden by Gong."""
    unlisted: int = 0
    """Rows whose owner's tasks could not be listed."""

    @property
    def exit_code(self) -> ExitCode:
        """The code as far as these rows go."""
        return ExitCode.ROWS_FAILED if self.failed or self.unlisted else ExitCode.DONE

    def print_notes(self, retry_command: str) -> None:
        """Note what is not sent, and why; with the command that retries the job's failed rows."""
        if self.plan.calls:
            note(f"{counted(self.plan.calls, 'task')} changed since: they become a new job.")
        elif not self.unlisted:
            note(
                "All other tasks are as they should be."
                if self.failed or self.unseen
                else "All tasks are as they should be."
            )
        if self.unseen:
            note(f"{counted(self.unseen, 'task')} not listed by Gong, and not sent; --again sends all rows.")
        if self.unlisted:
            note(f"{counted(self.unlisted, 'task')} not checked: their owners' tasks could not be listed.")
        if self.failed:
            note_command(f"{counted(self.failed, 'row')} failed, and not sent. Retry:", retry_command)


def split_repeated(plan: Plan, failed: Collection[int]) -> Repeated:
    """The rows of a plan with a look whose task is not as it should be.

    Args:
        plan: of the same line now; its look shows which updates would change something.
        failed: the ids of tasks whose row the job failed; they are not sent again without being asked for.
    """
    owners: frozenset[str] = frozenset() if plan.look is None else plan.look.owners
    rest = [update for update in plan.updates if update.task_id not in failed]
    found = [update for update in rest if update.task_id in plan.looked]
    unlisted = sum(update.task_id not in plan.looked and update.user_id not in owners for update in rest)
    return Repeated(
        plan=evolve(plan, updates=tuple(found)),
        failed=len(plan.updates) - len(rest),
        unseen=len(rest) - len(found) - unlisted,
        unlisted=unlisted,
    )
