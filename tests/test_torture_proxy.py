"""A bulk job behind a proxy that answers in Gong's place for random periods: nothing is lost, and nothing settled by it.

Ten periods by default; ``nox -s torture`` sets GONG_TORTURE_PERIODS to 200, and GONG_TORTURE_SEED makes it other ones.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import frozen

from gong_tasks_async import BulkReport, GongTasksClient, TaskUpdate
from gong_tasks_async.simulator import FOREIGN, Engine, Fault, Request, Response, make_app, memory_session
from tests.conftest import credentials_of

PERIODS = int(os.environ.get("GONG_TORTURE_PERIODS", "10"))
SEED = int(os.environ.get("GONG_TORTURE_SEED", "4"))
ROWS_A_PERIOD = 40
WORKERS = 8
MOST_WASTED = WORKERS + 25
"""Calls that a period may cost: what is in flight, and what it takes to see that nothing of it is Gong's."""


@frozen
class Period:
    """A time in which another server answers."""

    start: float
    end: float
    fault: Fault


def random_periods(chance: random.Random) -> list[Period]:
    """Periods of seconds to minutes, so that the rows last for all of them at three calls a second."""
    periods, now = [], 0.0
    for _ in range(PERIODS):
        start = now + chance.uniform(1, 20)
        now = start + chance.choice([chance.uniform(0.1, 3), chance.uniform(3, 600)])
        periods.append(Period(start, now, chance.choice(sorted(FOREIGN))))
    return periods


class BehindAProxy(Engine):
    """An engine whose requests a proxy answers in some periods."""

    def __init__(self, periods: Sequence[Period]) -> None:
        super().__init__(users=20, tasks_per_user=PERIODS * ROWS_A_PERIOD // 20, per_day=10**9, seed=SEED)
        self.periods = periods
        self.wasted: Counter[Period] = Counter()

    def period_at(self, now: float) -> Period | None:
        return next((period for period in self.periods if period.start <= now < period.end), None)

    def answer(self, request: Request, now: float) -> Response:
        if (period := self.period_at(now)) is not None:
            self.wasted[period] += 1
            self.inject_fault(period.fault)
        return super().answer(request, now)


async def run_until_done(
    gong: GongTasksClient, engine: BehindAProxy, updates: list[TaskUpdate], journal: Path
) -> list[BulkReport]:
    """Run the job, and resume it when the proxy is out of the way, as an operator would."""
    loop, reports = asyncio.get_running_loop(), list[BulkReport]()
    while not reports or reports[-1].pending:
        reports.append(await gong.update_many(updates, journal=journal, workers=WORKERS))
        assert len(reports) <= 2 * PERIODS + 2
        if (period := engine.period_at(loop.time())) is not None:
            await asyncio.sleep(period.end - loop.time())
    return reports


@pytest.mark.virtual
async def test_a_proxy_that_answers_for_gong_costs_a_few_calls_and_no_row(tmp_path: Path) -> None:
    engine = BehindAProxy(random_periods(random.Random(SEED)))
    updates = [
        TaskUpdate(int(task["id"]), str(task["userId"]), status="DONE") for task in engine.tasks.values()
    ]
    async with (
        memory_session(make_app(engine, (0.02, 0.3))) as session,
        GongTasksClient(credentials_of(engine), base_url="http://localhost", session=session) as gong,
    ):
        reports = await run_until_done(gong, engine, updates, tmp_path / "job.gong")
    assert {report.failed for report in reports} == {0}
    assert {task["status"] for task in engine.tasks.values()} == {"DONE"}
    assert sum(report.updated for report in reports) == len(updates)
    met = [period for period in engine.periods if engine.wasted[period]]
    assert len(met) >= PERIODS // 3  # or it would have tried nothing
    assert [period for period in met if engine.wasted[period] > MOST_WASTED] == []
    changes = Counter(
        entry.task_id for entry in engine.ledger.entries if entry.status == 200 and not entry.fault
    )
    assert set(changes.values()) == {1}  # and nothing is done twice
