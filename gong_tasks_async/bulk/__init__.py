"""Bulk updates: plan, journal, run with an outcome for each row, report, undo.

Each name is imported when it is first used: a program that only lists tasks needs neither plans nor journals.
"""

from typing import TYPE_CHECKING

from gong_tasks_async.lazy_names import lazy_names

if TYPE_CHECKING:
    from gong_tasks_async.bulk.applier import Applied, Applier
    from gong_tasks_async.bulk.job import BulkJob, OnOutcome, as_async, collect
    from gong_tasks_async.bulk.journal import Journal, JournalReader, RunRecord, open_journal, retry_failed
    from gong_tasks_async.bulk.merging import PlanConflictError
    from gong_tasks_async.bulk.outcomes import (
        Failed,
        JournalRow,
        Outcome,
        RowCounts,
        RowState,
        Skipped,
        TaskSnapshot,
        Unchanged,
        Updated,
    )
    from gong_tasks_async.bulk.plan import LostValue, Plan, SampledTask, plan_updates
    from gong_tasks_async.bulk.planning import with_names
    from gong_tasks_async.bulk.pool import each_result
    from gong_tasks_async.bulk.render.csv_rows import write_journal_csv
    from gong_tasks_async.bulk.report import BulkReport, FailureGroup, TimelineBucket
    from gong_tasks_async.bulk.run_settings import RunSettings
    from gong_tasks_async.bulk.runner import Updates
    from gong_tasks_async.bulk.stream import OutcomeStream

__all__ = [
    "Applied",
    "Applier",
    "BulkJob",
    "BulkReport",
    "Failed",
    "FailureGroup",
    "Journal",
    "JournalReader",
    "JournalRow",
    "LostValue",
    "OnOutcome",
    "Outcome",
    "OutcomeStream",
    "Plan",
    "PlanConflictError",
    "RowCounts",
    "RowState",
    "RunRecord",
    "RunSettings",
    "SampledTask",
    "Skipped",
    "TaskSnapshot",
    "TimelineBucket",
    "Unchanged",
    "Updated",
    "Updates",
    "as_async",
    "collect",
    "each_result",
    "open_journal",
    "plan_updates",
    "retry_failed",
    "with_names",
    "write_journal_csv",
]

_NAMES_OF = {
    "applier": "Applied Applier",
    "job": "BulkJob OnOutcome as_async collect",
    "journal": "Journal JournalReader RunRecord open_journal retry_failed",
    "merging": "PlanConflictError",
    "outcomes": "Failed JournalRow Outcome RowCounts RowState Skipped TaskSnapshot Unchanged Updated",
    "plan": "LostValue Plan SampledTask plan_updates",
    "planning": "with_names",
    "pool": "each_result",
    "render.csv_rows": "write_journal_csv",
    "report": "BulkReport FailureGroup TimelineBucket",
    "run_settings": "RunSettings",
    "runner": "Updates",
    "stream": "OutcomeStream",
}
_MODULE_OF = {name: module for module, names in _NAMES_OF.items() for name in names.split()}

if not TYPE_CHECKING:
    __getattr__ = lazy_names(__name__, _MODULE_OF)
