"""The fixture, as our own tests get it and as a user's run of pytest does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gong_tasks_async import GongTasksClient, ServerError, TaskStatus, Unlimited
from gong_tasks_async.pytest_plugin import GongSimulator
from gong_tasks_async.retry import RetryPolicy
from gong_tasks_async.simulator import DayLimit, Fault, SecondLimit

USERS_TEST = """
import asyncio
import pytest
from gong_tasks_async import GongTasksClient, Unlimited

pytestmark = pytest.mark.gong_simulator(users=5, tasks_per_user=1)

async def list_all(gong_simulator):
    keywords = dict(base_url=gong_simulator.base_url, quota=Unlimited())
    async with GongTasksClient(gong_simulator.credentials, **keywords) as gong:
        return [listed async for listed in gong.list_many(gong_simulator.engine.user_ids)]

@pytest.mark.gong_simulator(users=2)
def test_lists(gong_simulator):
    assert len(asyncio.run(list_all(gong_simulator))) == gong_simulator.ledger.calls == 2
"""


def run_pytest(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_users.py").write_text(source, encoding="utf-8")
    # Without pytest-asyncio, since the fixture must need no asynchronous plugin.
    line = [sys.executable, "-m", "pytest", "-p", "no:asyncio", "--strict-markers", "-W", "error", *options]
    return subprocess.run(  # noqa: S603 - our own interpreter
        line, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_users_test_needs_no_asynchronous_plugin(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, USERS_TEST)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed" in result.stdout


def test_the_marker_is_explained(tmp_path: Path) -> None:
    assert "@pytest.mark.gong_simulator(**settings)" in run_pytest(tmp_path, "", "--markers").stdout


def test_positional_settings_are_refused(tmp_path: Path) -> None:
    source = (
        "import pytest\n@pytest.mark.gong_simulator(5)\ndef test_it(gong_simulator): raise AssertionError\n"
    )
    result = run_pytest(tmp_path, source)
    assert result.returncode == 1
    assert "the marker gong_simulator takes keywords only" in result.stdout


def test_loading_it_imports_nothing_heavy() -> None:
    # pytest itself may bring attrs along, so what it imports is not counted.
    code = (
        "import pytest, sys; before = set(sys.modules)\n"
        "import gong_tasks_async.pytest_plugin\n"
        "print(sorted({'aiohttp', 'attrs', 'cattrs', 'click', 'rich'} & (set(sys.modules) - before)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - as above
    assert result.stdout == "[]\n"


async def test_a_client_of_it(gong_simulator: GongSimulator) -> None:
    async with GongTasksClient(**gong_simulator.client_settings) as gong:
        task, *_ = await gong.list_tasks(gong_simulator.engine.user_ids[0])
        await gong.update_task(task.update(status=TaskStatus.DONE))
    assert gong_simulator.engine.tasks[task.id]["status"] == "DONE"
    assert [entry.method for entry in gong_simulator.ledger.entries] == ["POST", "PATCH"]


async def test_its_parts_fit_a_client_too(gong_simulator: GongSimulator) -> None:
    settings = gong_simulator.client_settings
    assert isinstance(settings["quota"], Unlimited)
    async with GongTasksClient(
        gong_simulator.credentials, base_url=gong_simulator.base_url, quota=Unlimited()
    ) as gong:
        assert await gong.list_tasks(gong_simulator.engine.user_ids[0])


def test_nothing_slows_it_down(gong_simulator: GongSimulator) -> None:
    assert gong_simulator.engine.second_limit is SecondLimit.NONE
    assert gong_simulator.engine.day_limit is DayLimit.NONE


@pytest.mark.gong_simulator(users=1, account="without_engage", second_limit="sliding", latency=(0.001, 0.002))
async def test_the_marker_sets_it_up(gong_simulator: GongSimulator) -> None:
    assert gong_simulator.engine.second_limit is SecondLimit.SLIDING
    assert gong_simulator.thread.latency == (0.001, 0.002)
    async with GongTasksClient(**gong_simulator.client_settings, retry=RetryPolicy(attempts=1)) as gong:
        with pytest.raises(ServerError):
            await gong.list_tasks(gong_simulator.engine.user_ids[0])


async def test_it_misbehaves_on_demand(gong_simulator: GongSimulator) -> None:
    gong_simulator.engine.misbehave(Fault.BAD_GATEWAY)
    async with GongTasksClient(**gong_simulator.client_settings, retry=RetryPolicy(attempts=1)) as gong:
        with pytest.raises(ServerError):
            await gong.list_tasks(gong_simulator.engine.user_ids[0])


@pytest.mark.gong_simulator(users=7, tasks_per_user=0)
class TestMarkersOfSeveralLevels:
    @pytest.mark.gong_simulator(users=2)
    def test_the_nearest_wins_and_the_others_add(self, gong_simulator: GongSimulator) -> None:
        assert len(gong_simulator.engine.people) == 2
        assert not gong_simulator.engine.tasks
