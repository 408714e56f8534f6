"""Many updates at once: a fixed pool, an outcome for each row, a report for the run."""

from gong_tasks_async.bulk.pool import each_result
from gong_tasks_async.bulk.report import BulkReport, Failed, Outcome, Unchanged, Updated
from gong_tasks_async.bulk.runner import BulkRun, Updates

__all__ = ["BulkReport", "BulkRun", "Failed", "Outcome", "Unchanged", "Updated", "Updates", "each_result"]
