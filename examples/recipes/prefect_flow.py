"""Prefect: a nightly flow whose task resumes its job, because the journal lies where the next run finds it."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task

from gong_tasks_async import GongTasksClient


@task(retries=3, retry_delay_seconds=60)
async def dismiss_all(user_ids: list[str], journal: Path) -> int:
    """Dismiss the users' open tasks; after a crash, what is left of them."""
    async with GongTasksClient.from_env() as gong:
        if journal.exists():  # noqa: ASYNC240 - one look, before anything runs
            report = await gong.resume_many(journal)
        else:
            listed = [one async for one in gong.list_many(user_ids)]
            updates = [task.update(status="DISMISSED") for one in listed for task in one.unwrap()]
            report = await gong.update_many(updates, journal=journal)
    if not report.complete:
        raise RuntimeError(str(report))
    return report.updated


@flow
async def nightly(user_ids: list[str], journal: Path) -> int:
    """Run every night."""
    return await dismiss_all(user_ids, journal)
