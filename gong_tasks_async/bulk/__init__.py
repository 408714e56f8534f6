"""Many updates at once: what is wanted, a plan, a journal, a run with an outcome for each row, a report."""

from gong_tasks_async.bulk.applier import Applied, Applier
from gong_tasks_async.bulk.job import Job, Updates, as_async, listed
from gong_tasks_async.bulk.journal import Journal, JournalReader, JournalRow, RowState, open_journal
from gong_tasks_async.bulk.plan import Plan, PlanConflictError, plan_updates
from gong_tasks_async.bulk.pool import each_result
from gong_tasks_async.bulk.render.csv_rows import write_journal_csv
from gong_tasks_async.bulk.report import BulkReport, Failed, Outcome, RowCounts, Unchanged, Updated
from gong_tasks_async.bulk.runner import RunSettings
from gong_tasks_async.bulk.stream import OutcomeStream

__all__ = [
    "Applied",
    "Applier",
    "BulkReport",
    "Failed",
    "Job",
    "Journal",
    "JournalReader",
    "JournalRow",
    "Outcome",
    "OutcomeStream",
    "Plan",
    "PlanConflictError",
    "RowCounts",
    "RowState",
    "RunSettings",
    "Unchanged",
    "Updated",
    "Updates",
    "as_async",
    "each_result",
    "listed",
    "open_journal",
    "plan_updates",
    "write_journal_csv",
]
