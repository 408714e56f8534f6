"""Each recipe against the simulator, in the framework that it is for; skipped where that is not installed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gong_tasks_async import GongTasksClient
from gong_tasks_async.quota import Unlimited
from gong_tasks_async.simulator import Engine, Simulator, SimulatorThread

RECIPES = Path(__file__).parent.parent.parent / "examples" / "recipes"


def recipe(name: str, *needs: str) -> ModuleType:
    for package in needs:
        pytest.importorskip(package)
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def engine() -> Engine:
    return Engine(users=1, tasks_per_user=6, per_second=1_000)


@pytest.fixture
def environment(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with SimulatorThread(engine) as gong:
        monkeypatch.setenv("GONG_ACCESS_KEY", gong.access_key)
        monkeypatch.setenv("GONG_ACCESS_KEY_SECRET", gong.access_key_secret)
        monkeypatch.setenv("GONG_BASE_URL", gong.base_url)
        yield engine


@pytest.fixture
async def gong(engine: Engine) -> AsyncIterator[GongTasksClient]:
    from gong_tasks_async import AccessKey

    async with Simulator(engine) as server:
        key = AccessKey(server.access_key, server.access_key_secret)
        async with GongTasksClient(key, base_url=server.base_url, quota=Unlimited()) as client:
            yield client


def first_open(engine: Engine) -> int:
    return next(number for number, task in engine.tasks.items() if task["status"] == "OPEN")


def address(engine: Engine) -> str:
    return str(engine.people[0]["emailAddress"])


def test_fastapi(environment: Engine) -> None:
    module = recipe("fastapi_service", "fastapi", "httpx")
    from fastapi.testclient import TestClient

    user = environment.user_ids[0]
    with TestClient(module.app) as client:
        tasks = client.get(f"/users/{user}/tasks").json()
        assert client.post(f"/users/{user}/tasks/{tasks[0]['id']}/done").json()["status"] == "DONE"
        assert client.post(f"/users/{user}/tasks/1/done").status_code == 404


def test_litestar(environment: Engine) -> None:
    module = recipe("litestar_service", "litestar")
    from litestar.testing import TestClient

    with TestClient(module.app) as client:
        assert client.get(f"/users/{environment.user_ids[0]}/tasks").json()


async def test_slack(engine: Engine, gong: GongTasksClient) -> None:
    module = recipe("slack_bot", "slack_bolt", "aiohttp")
    assert "• " in await module.open_calls(gong, address(engine))
    assert await module.open_calls(gong, "nobody@example.com") == "No open calls."
    assert module.app_of(gong, token="xoxb-1", signing_secret="s")


async def test_discord(engine: Engine, gong: GongTasksClient) -> None:
    module = recipe("discord_bot", "discord")
    sent: list[str] = []

    async def send(text: str) -> None:
        sent.append(text)

    context = SimpleNamespace(bot=SimpleNamespace(gong=gong), send=send)
    await module.calls.callback(context, address(engine))
    assert len(sent[0].splitlines()) >= 1


async def test_aiogram(engine: Engine, gong: GongTasksClient) -> None:
    module = recipe("aiogram_bot", "aiogram")
    sent: list[str] = []

    async def answer(text: str) -> None:
        sent.append(text)

    command = SimpleNamespace(args=address(engine))
    await module.calls(SimpleNamespace(answer=answer), command, gong)
    assert len(sent) == 1


def test_celery(environment: Engine) -> None:
    module = recipe("celery_tasks", "celery")
    module.app.conf.task_always_eager = True
    user = environment.user_ids[0]
    opened = sum(task["status"] == "OPEN" for task in environment.tasks.values())
    assert module.dismiss.delay(user).get() == opened
    assert module.dismiss.delay(user).get() == 0


async def test_prefect(environment: Engine, tmp_path: Path) -> None:
    module = recipe("prefect_flow", "prefect")
    task: Any = module.dismiss_all.fn
    assert await task([environment.user_ids[0]], tmp_path / "nightly.gong") > 0


async def test_temporal(engine: Engine, gong: GongTasksClient) -> None:
    module = recipe("temporal_activity", "temporalio")
    from temporalio.exceptions import ApplicationError
    from temporalio.testing import ActivityEnvironment

    activities, environment = module.TaskActivities(gong), ActivityEnvironment()
    assert await environment.run(activities.close_task, first_open(engine), engine.user_ids[0]) == "DONE"
    with pytest.raises(ApplicationError) as caught:
        await environment.run(activities.close_task, 1, engine.user_ids[0])
    assert caught.value.non_retryable
