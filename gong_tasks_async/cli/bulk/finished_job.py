"""The command line of a finished job, typed again: what it did, and what is no longer as it left it."""

from __future__ import annotations

from pathlib import Path

from attrs import asdict

from gong_tasks_async.bulk import RowState, open_journal
from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.cli.input.repeated import Repeated, note_finished, split_repeated


def print_finished(journal: Path) -> None:
    """Note what a job did, and when, such as ``Job close: done on 2026-11-26 22:14: 1,494 updated``."""
    with open_journal(journal) as reader:
        counts = reader.counts()
        ended = max((run.ended_at for run in reader.runs() if run.ended_at), default=reader.created_at)
    note_finished(journal.stem, ended, asdict(counts))


def still_to_send(plan: Plan, journal: Path) -> Repeated:
    """The rows of a plan with a look whose task is not as it should be.

    Args:
        plan: of the same line now; its look shows which updates would change something.
        journal: of the finished job; what it failed is not sent again without being asked for.
    """
    with open_journal(journal) as reader:
        failed = {row.update.task_id for row in reader.rows(RowState.FAILED)}
    return split_repeated(plan, failed)
