"""The ways in which programs bring an event loop: one for each job, one that runs already, another kind of loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import warnings
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from gong_tasks_async import AccessKey, GongTasksClient, LocalQuota, QuotaLimits, Task
from gong_tasks_async.simulator import DayLimit, Engine, SecondLimit, SimulatorThread


@pytest.fixture
def gong() -> Iterator[SimulatorThread]:
    engine = Engine(users=1, tasks_per_user=2, second_limit=SecondLimit.NONE, day_limit=DayLimit.NONE)
    with SimulatorThread(engine) as thread:
        yield thread


@pytest.fixture(autouse=True)
def _no_complaint(
    swept: None,  # noqa: ARG001 - complaints of other tests come before
    caplog: pytest.LogCaptureFixture,
) -> Iterator[None]:
    """Neither a warning of Python's, such as of what was left open, nor one in the log."""
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING, "gong_tasks_async"):
        warnings.simplefilter("error")
        yield
        gc.collect()
    assert caplog.records == []


def client(gong: SimulatorThread, quota: LocalQuota | None = None) -> GongTasksClient:
    key = AccessKey(gong.access_key, gong.access_key_secret)
    return GongTasksClient(key, base_url=gong.base_url, quota=quota, limits=QuotaLimits(per_second=1_000))


def test_a_loop_for_each_job_as_in_celery_and_lambda(gong: SimulatorThread) -> None:
    quota = LocalQuota(QuotaLimits(per_second=1_000))  # of the module, for all jobs

    async def job() -> int:
        async with client(gong, quota) as calls:
            await calls.list_tasks(gong.engine.user_ids[0])
            return (await quota.snapshot()).used

    assert [asyncio.run(job()) for _ in range(3)] == [1, 2, 3]


def test_jobs_of_a_profile_count_together_without_sharing_anything(
    gong: SimulatorThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        f'[profiles.acme]\nbase_url = "{gong.base_url}"\naccess_key = "{gong.access_key}"\nsecret = "env:S"'
    )
    for name, value in {
        "GONG_TASKS_CONFIG": str(file),
        "GONG_TASKS_STATE": str(tmp_path / "state"),
        "S": gong.access_key_secret,
    }.items():
        monkeypatch.setenv(name, value)

    async def job() -> int:
        async with GongTasksClient.from_profile("acme") as calls:
            await calls.list_tasks(gong.engine.user_ids[0])
            return (await calls.quota.snapshot()).used

    assert [asyncio.run(job()) for _ in range(3)] == [1, 2, 3]


def test_cells_of_a_notebook_share_a_loop_that_runs_between_them(gong: SimulatorThread) -> None:
    with asyncio.Runner() as notebook:  # as IPython: each cell is a task of its own in one loop

        async def opened() -> GongTasksClient:
            return await client(gong).open()

        async def listed(calls: GongTasksClient) -> list[Task]:
            return await calls.list_tasks(gong.engine.user_ids[0])

        for _ in range(2):  # run all cells again
            calls = notebook.run(opened())
            assert len(notebook.run(listed(calls))) == len(notebook.run(listed(calls))) == 2
            notebook.run(calls.close())


def _run_with_uvloop(main: Coroutine[Any, Any, int]) -> int:
    uvloop = pytest.importorskip("uvloop", reason="needs uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


@pytest.mark.parametrize("run", [asyncio.run, _run_with_uvloop])
def test_listing_and_updating_work_on_either_loop(
    run: Callable[[Coroutine[Any, Any, int]], int], gong: SimulatorThread
) -> None:
    async def main() -> int:
        async with client(gong) as calls:
            tasks = await calls.list_tasks(gong.engine.user_ids[0])
            report = await calls.update_many([task.update(status="DONE") for task in tasks])
            return report.updated

    assert run(main()) == 2
