"""What happens to a simulated company."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from gong_tasks_async import GongError, Lane, TaskUpdate, Updated
from gong_tasks_async.bulk.outcomes import Outcome
from gong_tasks_async.quota import Quota
from gong_tasks_async.quota.day import DAY
from tests.simulation.books import check
from tests.simulation.plan import HOUR
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.company import Company
    from tests.simulation.local_company import LocalCompany
    from tests.simulation.shared_company import SharedCompany

HEARD_BY_ALL = 20.0
"""Seconds within which a caller leaves once a pause was ended by hand: the queue before it included."""


async def one_caller(company: Company) -> None:
    """A caller lists tasks, and may give up."""
    process = company.chance.choice(company.processes)
    lane = company.chance.choice((Lane.INTERACTIVE, Lane.INTERACTIVE, Lane.BULK))
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
        await asyncio.sleep(company.chance.choice(company.plan.reruns))


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
    """A process is killed, and started again."""
    number = company.chance.randrange(len(company.processes))
    dead = company.processes.pop(number)
    dead.kill()
    company.processes.insert(number, await company.start_process(number, dead))


# On one machine


async def sleep(company: LocalCompany) -> None:
    """The machine sleeps: the loop's clock stands still, true time and the wall's go on."""
    seconds = company.chance.choice((600.0, 8 * HOUR, 26 * HOUR))
    company.slept += seconds
    for process in company.processes:
        process.books.note_sleep(seconds)


async def step_clock(company: LocalCompany) -> None:
    """A caller looks at the quota while the clock is wrong; then it is right again."""
    process = company.chance.choice(company.processes)
    process.clock_error = company.chance.choice((25 * HOUR, 400 * DAY, -3 * DAY, 90.0))
    with suppress(GongError):
        await process.quota.snapshot()
    process.clock_error = 0.0


async def use_wrong_clock(company: LocalCompany) -> None:
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


async def fill_disk(company: LocalCompany) -> None:
    """The disk is full for a while."""
    company.disk_is_full = True
    await asyncio.sleep(company.chance.choice((5.0, 300.0)))
    company.disk_is_full = False


# With one quota in Redis


async def lose_redis(company: SharedCompany) -> None:
    """Redis does not answer for a while."""
    company.set_connected(False)
    await asyncio.sleep(company.plan.outage)
    company.set_connected(True)
    company.all_books.moved_at = max(company.all_books.moved_at, company.true_time())


async def set_clock_back(company: SharedCompany) -> None:
    """Another server takes over, whose clock shows less."""
    company.server_behind = company.plan.set_back


async def reopen(company: SharedCompany) -> None:
    """Gong calls the day spent, and that is ended by hand: who waits in another process leaves at once."""
    books, first, other = company.all_books, company.processes[0].quota, company.processes[-1]
    first.pause(2 * HOUR, day_spent=True)
    books.note_refusal(2 * HOUR, company.true_time(), day=True)
    await asyncio.sleep(1.0)
    waiting = other.start(wait_for_permit(other.quota))
    await asyncio.sleep(30.0)
    await company.processes[0].quota.reopen()  # the first may have been killed
    books.note_reopened(company.true_time())
    books.moved_at = company.true_time()
    await asyncio.wait([waiting], timeout=HEARD_BY_ALL)
    check(waiting.done(), "an opened gate is heard of")


async def wait_for_permit(quota: Quota) -> None:
    """Wait as long as it takes, and give the permit back."""
    with suppress(GongError):
        quota.release(await quota.acquire(Lane.INTERACTIVE), status=None, sent=False)
