"""What happens to a simulated company."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from gong_tasks_async import GongError, Lane, TaskUpdate, Updated
from gong_tasks_async.bulk.outcomes import Outcome
from gong_tasks_async.quota.day import DAY
from tests.simulation.plan import HOUR
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.company import Company


async def one_caller(company: Company, lane: Lane | None = None) -> None:
    """Somebody lists tasks, and may give up."""
    process = company.chance.choice(company.processes)
    lane = lane or company.chance.choice((Lane.INTERACTIVE, Lane.INTERACTIVE, Lane.BULK))
    timeout = company.chance.choice((None, None, 2.0, 20.0))
    task = process.start(list_tasks(process, lane, timeout))
    if company.chance.random() < 0.25:
        asyncio.get_running_loop().call_later(company.chance.choice((0.0, 0.1, 1.0, 10.0)), task.cancel)
    await finish(task)


async def list_tasks(process: Process, lane: Lane, seconds: float | None) -> None:
    async with process.client(lane, seconds) as gong:
        with suppress(GongError):
            await gong.list_tasks("7")


async def finish(task: asyncio.Task[None]) -> None:
    """Wait for a task; only a broken invariant is of interest."""
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()):
        raise error


async def flood(company: Company) -> None:
    """Many come at once, in both lanes."""
    lanes = [Lane.INTERACTIVE] * 25 + [Lane.BULK] * 5
    company.chance.shuffle(lanes)
    process = company.chance.choice(company.processes)
    tasks = [process.start(list_tasks(process, lane, None)) for lane in lanes]
    await asyncio.gather(*(finish(task) for task in tasks))


async def bulk(company: Company) -> None:
    """A bulk job, until its rows are settled; its report is what it has recorded."""
    rows = list(range(1, company.plan.rows + 1))
    while rows:
        process = company.processes[0]
        task = process.start(update(company, process, tuple(rows)))
        await finish(task)
        rows = [row for row in rows if row not in company.settled]
        await asyncio.sleep(company.chance.choice((60.0, 600.0, HOUR)))


async def update(company: Company, process: Process, rows: tuple[int, ...]) -> None:
    updates = [TaskUpdate(row, "7", status="DONE") for row in rows]
    async with process.client(Lane.BULK) as gong:
        with suppress(GongError):
            journal = company.journal
            if journal is None:
                await gong.update_many(updates, on_outcome=partial(settle, company))
            elif journal.exists():
                await gong.resume_many(journal, on_outcome=partial(settle, company), grace=0.0)
            else:
                await gong.update_many(
                    updates, journal=journal, on_outcome=partial(settle, company), grace=0.0
                )


def settle(company: Company, outcome: Outcome) -> None:
    """Record what the job has recorded."""
    if isinstance(outcome, Updated):
        row = outcome.update.task_id
        company.settled[row] = company.settled.get(row, 0) + 1


async def kill(company: Company) -> None:
    """A process is killed, and started again some seconds later."""
    number = company.chance.randrange(len(company.processes))
    dead = company.processes[number]
    born = dead.kill()
    born.books.day_paused_until, born.books.probes = dead.books.day_paused_until, dead.books.probes
    born.books.day_noted_at = dead.books.day_noted_at
    if company.excused:  # what a wrong clock has stored is not believed, so the next life does not know of it
        company.day_paused_until = born.books.day_paused_until = -math.inf
    company.processes[number] = born


async def sleep(company: Company) -> None:
    """The machine sleeps: the loop's clock stands still, true time and the wall's go on."""
    seconds = company.chance.choice((600.0, 8 * HOUR, 26 * HOUR))
    company.slept += seconds
    for process in company.processes:
        process.books.note_sleep(seconds)


async def step_clock(company: Company) -> None:
    """Somebody looks at the quota while the clock is wrong; then it is right again."""
    process = company.chance.choice(company.processes)
    process.clock_error = company.chance.choice((25 * HOUR, 400 * DAY, -3 * DAY, 90.0))
    with suppress(GongError):
        await process.quota.snapshot()
    process.clock_error = 0.0


async def use_wrong_clock(company: Company) -> None:
    """The clock is years ahead while the first calls are made."""
    process = company.processes[0]
    process.clock_error = 3 * 365 * DAY
    for _ in range(company.plan.limits.per_day or 0):
        if company.chance.random() < 0.1:
            break
        await finish(process.start(list_tasks(process, Lane.INTERACTIVE, None)))
    process.clock_error = 0.0
    company.day_paused_until = -math.inf
    process.books.probes.clear()  # a clock that was set back does not put the next probe off


async def fill_disk(company: Company) -> None:
    """The disk is full for a while."""
    company.disk_is_full = True
    await asyncio.sleep(company.chance.choice((5.0, 300.0)))
    company.disk_is_full = False
