"""The program that the torture test kills: one life of one guarded bulk job, or of its undo.

It says ``ready`` before the job begins, then a line for each outcome at the moment at which it is told, and at the
end ``complete`` or ``left over``. Every line is one write, so that a death between two of them hides neither.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import aiohttp

from gong_tasks_async import (
    AccessKey,
    BulkReport,
    GongTasksClient,
    Outcome,
    RetryPolicy,
    TaskUpdate,
    Unlimited,
)

LIFE = "x-life"
"""The header that tells the requests of one life from those of another."""

PATIENT = RetryPolicy(
    attempts=50, attempts_on_500=50, backoff=0.001, max_backoff=0.004, refusal_backoff=0.001
)
"""No row is ever given up, so whatever is sent in two lives is sent again because of a kill."""


def say(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def emit_to(outcome: Outcome) -> None:
    say(f"{type(outcome).__name__} {outcome.update.task_id} {time.monotonic()}")


def rows(wanted: Path) -> list[TaskUpdate]:
    """The job: a line for each row, the task and its owner."""
    pairs = (line.split() for line in wanted.read_text().splitlines())
    return [TaskUpdate(int(task_id), user_id, status="DISMISSED") for task_id, user_id in pairs]


async def run(gong: GongTasksClient, what: str, wanted: list[TaskUpdate], journal: Path) -> BulkReport:
    """Begin or resume the job, or its undo."""
    if what == "run":
        return await gong.update_many(wanted, journal=journal, guard=True, on_outcome=emit_to)
    undo = journal.with_name("undo")
    if undo.exists():
        return await gong.resume_many(undo, on_outcome=emit_to)
    return await gong.update_many(await gong.plan_undo(journal), journal=undo, guard=True, on_outcome=emit_to)


async def live(
    life: str, what: str, base_url: str, keys: AccessKey, wanted: list[TaskUpdate], journal: Path
) -> None:
    async with (
        aiohttp.ClientSession(headers={LIFE: life}) as session,
        GongTasksClient(keys, base_url=base_url, quota=Unlimited(), retry=PATIENT, session=session) as gong,
    ):
        say("ready")
        report = await run(gong, what, wanted, journal)
    say("complete" if report.complete else "left over")


if __name__ == "__main__":
    life, what, base_url, key, secret, wanted, journal = sys.argv[1:]
    asyncio.run(live(life, what, base_url, AccessKey(key, secret), rows(Path(wanted)), Path(journal)))
