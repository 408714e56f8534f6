"""The fixtures, as our own tests get it and as a user's run of pytest does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from aioresponses import aioresponses

from gong_tasks_async import (
    AccessKey,
    AuthenticationError,
    DailyQuotaError,
    DecodeError,
    GongTasksClient,
    QuotaLimits,
    ServerError,
    TaskStatus,
    Unlimited,
)
from gong_tasks_async.http.retry import RetryPolicy
from gong_tasks_async.pytest_plugin import GongClock, GongSimulator
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


ASYNCHRONOUS_TESTS = """
import asyncio
import pytest
from gong_tasks_async.simulator import Fault, VirtualClockLoop

pytestmark = pytest.mark.asyncio

async def test_a_client(gong_client, gong_simulator):
    assert await gong_client.list_tasks(gong_simulator.engine.user_ids[0])
    assert gong_simulator.ledger.calls == 1

async def test_a_minute_passes_at_once(gong_client, gong_simulator, gong_clock):
    gong_simulator.engine.inject_fault(Fault.TOO_MANY, retry_after="60")
    assert await gong_client.list_tasks(gong_simulator.engine.user_ids[0])
    assert 60 <= gong_clock.time() < 70

@pytest.fixture
async def waited(gong_clock):
    await asyncio.sleep(3600)

@pytest.mark.usefixtures("waited")
async def test_fixtures_of_the_users_own_share_the_clock():
    assert asyncio.get_running_loop().time() >= 3600

async def test_the_others_keep_their_loop(request):
    assert not isinstance(asyncio.get_running_loop(), VirtualClockLoop)
    assert request.node.name == "test_the_others_keep_their_loop"
"""

OWN_LOOPS = """
import asyncio, pytest
class Own(asyncio.SelectorEventLoop): pass
def pytest_asyncio_loop_factories(config, item): return {"own": Own, "other": asyncio.new_event_loop}
"""

ASKING_FOR = """
import pytest
@pytest.mark.filterwarnings("ignore")
async def test_it(FIXTURE): raise AssertionError
"""


def run_pytest(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs it without pytest-asyncio, since `gong_simulator` must need no asynchronous plugin."""
    return _run_pytest(folder, source, "-p", "no:asyncio", *options)


def run_asynchronous(folder: Path, source: str, mode: str = "auto") -> subprocess.CompletedProcess[str]:
    scope = "asyncio_default_fixture_loop_scope=function"  # pytest-asyncio warns where it is not set
    return _run_pytest(folder, source, "--asyncio-mode", mode, "-o", scope)


def _run_pytest(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_users.py").write_text(source, encoding="utf-8")
    line = [sys.executable, "-m", "pytest", "--strict-markers", "-W", "error", *options]
    return subprocess.run(  # noqa: S603 - our own interpreter
        line, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def test_a_users_test_needs_no_asynchronous_plugin(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, USERS_TEST)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed" in result.stdout


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_asynchronous_fixtures_fit_both_modes_of_pytest_asyncio(tmp_path: Path, mode: str) -> None:
    # In strict mode a user's own fixtures have to be marked as well.
    source = ASYNCHRONOUS_TESTS
    if mode == "strict":
        source = source.replace("@pytest.fixture", "import pytest_asyncio\n@pytest_asyncio.fixture")
    result = run_asynchronous(tmp_path, source, mode)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 passed" in result.stdout


def test_loops_that_the_users_project_has_chosen_stay_where_no_clock_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(OWN_LOOPS, encoding="utf-8")
    source = """
import asyncio
from gong_tasks_async.simulator import VirtualClockLoop

async def test_theirs(request):
    own = type(asyncio.get_running_loop()).__name__ == "Own"
    assert own == (request.node.name == "test_theirs[own]")

async def test_ours(gong_clock):
    assert isinstance(asyncio.get_running_loop(), VirtualClockLoop)
"""
    result = run_asynchronous(tmp_path, source)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 passed" in result.stdout


@pytest.mark.parametrize("fixture", ["gong_client", "gong_clock"])
def test_without_pytest_asyncio_they_say_what_to_do(tmp_path: Path, fixture: str) -> None:
    result = run_pytest(tmp_path, ASKING_FOR.replace("FIXTURE", fixture), "-p", "no:anyio")
    assert result.returncode == 1
    assert "gong_client and gong_clock need pytest-asyncio: install it" in result.stdout


def test_a_clock_without_an_asynchronous_test_says_what_to_do(tmp_path: Path) -> None:
    result = run_asynchronous(tmp_path, "def test_it(gong_clock): raise AssertionError")
    assert result.returncode == 1
    assert "gong_clock needs an asynchronous test" in result.stdout


def test_a_client_in_a_project_with_anyio(tmp_path: Path) -> None:
    source = """
import pytest
pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend(): return "asyncio"

async def test_it(gong_client, gong_simulator):
    assert await gong_client.list_tasks(gong_simulator.engine.user_ids[0])
"""
    pytest.importorskip("anyio")
    result = run_pytest(tmp_path, source)
    assert "1 passed" in result.stdout, result.stdout + result.stderr


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
    assert gong_simulator.latency == (0.001, 0.002)
    async with GongTasksClient(**gong_simulator.client_settings, retry=RetryPolicy(attempts=1)) as gong:
        with pytest.raises(ServerError):
            await gong.list_tasks(gong_simulator.engine.user_ids[0])


async def test_it_misbehaves_on_demand(gong_simulator: GongSimulator) -> None:
    gong_simulator.engine.inject_fault(Fault.BAD_GATEWAY)
    async with GongTasksClient(**gong_simulator.client_settings, retry=RetryPolicy(attempts=1)) as gong:
        with pytest.raises(ServerError):
            await gong.list_tasks(gong_simulator.engine.user_ids[0])


@pytest.mark.gong_simulator(users=7, tasks_per_user=0)
class TestMarkersOfSeveralLevels:
    @pytest.mark.gong_simulator(users=2)
    def test_the_nearest_wins_and_the_others_add(self, gong_simulator: GongSimulator) -> None:
        assert len(gong_simulator.engine.people) == 2
        assert not gong_simulator.engine.tasks


async def test_the_client_is_open_and_never_waits(
    gong_client: GongTasksClient, gong_simulator: GongSimulator
) -> None:
    assert isinstance(gong_client.quota, Unlimited)
    assert await gong_client.list_tasks(gong_simulator.engine.user_ids[0])


@pytest.mark.gong_simulator(second_limit="sliding", latency=(0.04, 0.12))
async def test_beside_the_clock_a_client_keeps_to_the_limits(
    gong_client: GongTasksClient, gong_simulator: GongSimulator, gong_clock: GongClock
) -> None:
    for _ in range(30):
        await gong_client.list_tasks(gong_simulator.engine.user_ids[0])
    assert (gong_simulator.ledger.calls, gong_simulator.ledger.refused) == (30, 0)
    assert gong_clock.time() > 9


async def test_an_hour_of_retry_after_takes_no_time(
    gong_simulator: GongSimulator, gong_clock: GongClock
) -> None:
    gong_simulator.engine.inject_fault(Fault.TOO_MANY, retry_after="3600")
    async with gong_simulator.connect(retry=RetryPolicy(max_wait=7200)) as gong:
        assert await gong.list_tasks(gong_simulator.engine.user_ids[0])
    assert gong_clock.time() >= 3600


async def test_a_day_of_the_quota_passes_on_the_clock_too(
    gong_simulator: GongSimulator, gong_clock: GongClock
) -> None:
    limits = QuotaLimits(per_day=1, interactive_reserve=0)
    async with gong_simulator.connect(limits=limits) as gong:
        await gong.list_tasks(gong_simulator.engine.user_ids[0])
        with pytest.raises(DailyQuotaError):
            await gong.list_tasks(gong_simulator.engine.user_ids[0])
        await asyncio.sleep(86_400)
        await gong.list_tasks(gong_simulator.engine.user_ids[0])
    assert gong_clock.time() >= 86_400


@pytest.mark.usefixtures("gong_clock")
class TestTheClockForAWholeClass:
    async def test_it_is_there(self) -> None:
        await asyncio.sleep(86_400)
        assert asyncio.get_running_loop().time() >= 86_400


async def test_settings_of_the_users_own(gong_simulator: GongSimulator) -> None:
    own = AccessKey("another", "key")
    async with gong_simulator.connect(credentials=own, limits=QuotaLimits(per_second=50)) as gong:
        assert not isinstance(gong.quota, Unlimited)
        with pytest.raises(AuthenticationError):
            await gong.list_tasks("1")


async def test_the_fixtures_are_strict(gong_client: GongTasksClient, gong_simulator: GongSimulator) -> None:
    for task in gong_simulator.engine.tasks.values():
        task["title"] = 7
    async with GongTasksClient(**gong_simulator.client_settings) as own:
        for client in (gong_client, own):
            with pytest.raises(DecodeError, match="title"):
                await client.list_tasks(gong_simulator.engine.user_ids[0])


async def test_single_responses_can_be_mocked(gong_aioresponses: aioresponses) -> None:
    tasks = {"requestId": "r", "tasks": [{"id": 7, "title": "Call"}]}
    gong_aioresponses.post("https://api.gong.io/v2/tasks", payload=tasks)
    async with GongTasksClient(AccessKey("key", "secret"), quota=Unlimited()) as gong:
        [task] = await gong.list_tasks("234")
    assert (task.id, task.title) == (7, "Call")


MOCKING_TESTS = """
import pytest
from gong_tasks_async import AccessKey, GongTasksClient, TaskNotFoundError, TaskUpdate

pytestmark = pytest.mark.asyncio

async def test_a_bot_s_answer_to_a_task_that_is_gone(gong_aioresponses):
    gong_aioresponses.patch(
        "https://api.gong.io/v2/tasks/7", status=404, payload={"requestId": "r7", "errors": ["Gone"]}
    )
    async with GongTasksClient(AccessKey("key", "secret")) as gong:
        with pytest.raises(TaskNotFoundError, match="Gone"):
            await gong.update_task(TaskUpdate(7, "234", "DONE"))
"""


def test_a_project_of_its_own_mocks_single_responses(tmp_path: Path) -> None:
    result = run_asynchronous(tmp_path, MOCKING_TESTS, mode="strict")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed" in result.stdout
