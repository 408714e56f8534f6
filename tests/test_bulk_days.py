"""A job of several days in which people edit tasks at any time, then undone; GONG_FULL_RUN=1 makes it 10,000 rows."""

from __future__ import annotations

import asyncio
import json
import os
import random
from pathlib import Path

import pytest

from gong_tasks_async import (
    BulkReport,
    DailyQuotaError,
    GongTasksClient,
    LocalQuota,
    Plan,
    QuotaLimits,
    RowState,
    TaskUpdate,
    open_journal,
)
from tests.conftest import Connect
from tests.test_bulk_people import EDITS, Edit, Office, values

USERS, EACH, PER_DAY, EDITED = (200, 50, 4_000, 500) if os.environ.get("GONG_FULL_RUN") else (10, 40, 180, 20)
DAY = 86_400


async def people_at_work(office: Office, hours: float, chance: random.Random) -> set[int]:
    """Edit so many tasks over so many hours; return their ids."""
    numbers, edited = list(office.tasks), set[int]()
    for _ in range(EDITED):
        await asyncio.sleep(chance.uniform(0, 2 * hours * 3_600 / EDITED))
        place = chance.randrange(len(numbers))
        office.edit(Edit(0, place, chance.randrange(len(EDITS))))
        edited.add(numbers[place])
    return edited


async def day_after_day(gong: GongTasksClient, office: Office, plan: Plan, path: Path) -> list[BulkReport]:
    """Run the job each day until nothing of it is pending."""
    reports: list[BulkReport] = []
    while not (reports and reports[-1].complete):
        if reports:  # the first run relies on the plan's look
            office.begin([], [], known=True)
        report = await (
            gong.resume_many(path) if reports else gong.update_many(plan, journal=path, guard=True)
        )
        assert report.complete or isinstance(report.stopped_because, DailyQuotaError)
        reports.append(report)
        await asyncio.sleep(DAY)
    return reports


@pytest.mark.virtual
async def test_a_job_of_three_days_with_people_at_work_is_undone(connect: Connect, tmp_path: Path) -> None:
    office, chance, loop = Office(USERS, EACH), random.Random(7), asyncio.get_running_loop()
    limits = QuotaLimits(per_day=PER_DAY, interactive_reserve=0)
    gong = await connect(office, quota=LocalQuota(limits, wall_clock=lambda: 1_790_000_000.0 + loop.time()))
    rows = [
        TaskUpdate(number, str(task["userId"]), status="DISMISSED") for number, task in office.tasks.items()
    ]

    plan = await gong.plan_updates(rows, guard=True)
    working = asyncio.create_task(people_at_work(office, 60, chance))
    reports = await day_after_day(gong, office, plan, tmp_path / "job")
    edited = await working
    assert len(reports) >= 3
    assert office.overwritten == []
    with open_journal(tmp_path / "job") as journal:
        states = {row.update.task_id: row.state for row in journal.rows()}
        report = journal.report()
    assert (report.runs, report.calls) == (len(reports), sum(each.calls for each in reports))
    assert report.skipped > 0
    assert {number for number, state in states.items() if state is not RowState.UPDATED} <= edited
    untouched = office.tasks.keys() - edited
    assert {office.tasks[number]["status"] for number in untouched} == {"DISMISSED"}

    left = {number: json.dumps(values(office.tasks[number])) for number in edited}
    undo = await gong.plan_undo(tmp_path / "job")
    await day_after_day(gong, office, undo, tmp_path / "undo")
    assert office.overwritten == []
    assert all(json.dumps(values(office.tasks[number])) == office.before[number] for number in untouched)
    last = {number: json.dumps(values(office.tasks[number])) for number in edited}
    changed = {number for number in edited if last[number] != left[number]}
    assert {states[number] for number in changed} <= {
        RowState.UPDATED
    }  # edited before the job, and unchanged since
