"""Tests of the FastAPI service against the simulator: `pip install fastapi httpx pytest`."""

# ruff: noqa: S101, PLR2004 - pytest uses assert, and a test's numbers are its data

from __future__ import annotations

from collections.abc import Iterator

import fastapi_service
import pytest
from fastapi.testclient import TestClient

from gong_tasks_async.pytest_plugin import GongSimulator
from gong_tasks_async.simulator import Fault


@pytest.fixture
def web(gong_simulator: GongSimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The service, with the simulated Gong in its environment."""
    monkeypatch.setenv("GONG_BASE_URL", gong_simulator.base_url)
    monkeypatch.setenv("GONG_ACCESS_KEY", gong_simulator.access_key)
    monkeypatch.setenv("GONG_ACCESS_KEY_SECRET", gong_simulator.access_key_secret)
    with TestClient(fastapi_service.app) as web:
        yield web


def test_closes_a_task(web: TestClient, gong_simulator: GongSimulator) -> None:
    """A task that is closed is closed at Gong."""
    user_id = gong_simulator.engine.user_ids[0]
    task = web.get(f"/users/{user_id}/tasks").json()[0]
    assert web.post(f"/users/{user_id}/tasks/{task['id']}/done").status_code == 200
    assert gong_simulator.engine.tasks[int(task["id"])]["status"] == "DONE"


def test_an_unknown_task_is_a_404(web: TestClient, gong_simulator: GongSimulator) -> None:
    """Gong's 404 becomes the service's."""
    assert web.post(f"/users/{gong_simulator.engine.user_ids[0]}/tasks/1/done").status_code == 404


def test_a_long_pause_is_a_503(web: TestClient, gong_simulator: GongSimulator) -> None:
    """A wait of an hour is not waited for."""
    gong_simulator.engine.inject_fault(Fault.TOO_MANY, retry_after="3600")
    answer = web.get(f"/users/{gong_simulator.engine.user_ids[0]}/tasks")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
