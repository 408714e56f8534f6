"""The bar of a bulk run: whatever becomes of the display, the run and its report count."""

from __future__ import annotations

import asyncio
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from gong_tasks_async import QuotaSnapshot, QuotaUnavailable, Unlimited
from gong_tasks_async.bulk import BulkReport
from gong_tasks_async.cli.bulk import run_progress
from gong_tasks_async.cli.bulk.run_progress import CallMeter, run_with_progress


class Screen(StringIO):
    def isatty(self) -> bool:
        return True


class Failing(Unlimited):
    """A quota that describes itself once, and fails from then on."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure
        self.asked = 0

    async def snapshot(self) -> QuotaSnapshot:
        self.asked += 1
        if self.asked > 1:
            raise self.failure
        return await super().snapshot()


AWAY = QuotaUnavailable(server="redis://quota.internal", reason="it does not answer")


@pytest.mark.virtual
@pytest.mark.parametrize("failure", [AWAY, RuntimeError("unforeseen")], ids=["away", "unforeseen"])
async def test_a_quota_that_cannot_be_shown_costs_no_report(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_progress, "stderr_console", lambda: Console(file=Screen(), force_terminal=True))
    quota, wanted = Failing(failure), BulkReport(updated=3)

    async def start(_: Any) -> BulkReport:
        await asyncio.sleep(5)
        return wanted

    assert await run_with_progress(start, 3, CallMeter(), quota) is wanted
    assert quota.asked > 1


@pytest.mark.virtual
async def test_a_run_begins_where_the_quota_cannot_be_shown() -> None:
    quota = Failing(AWAY)
    quota.asked = 1

    async def start(_: Any) -> BulkReport:
        return BulkReport()

    assert await run_with_progress(start, 3, CallMeter(), quota) == BulkReport()
