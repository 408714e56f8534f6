"""How to test code that uses gong_tasks_async: with a fake Gong that comes as a fixture, and no mocks."""

# ruff: noqa: S101, PLR2004, D103 - assert is how pytest speaks, numbers in a test are the test, its name says it all

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bot import clean_up, greeting

from gong_tasks_async import GongTasksClient
from gong_tasks_async.pytest_plugin import GongClock, GongSimulator
from gong_tasks_async.simulator import Fault

END_OF_2026 = datetime(2026, 12, 31, tzinfo=UTC)


def still_open(gong: GongSimulator, user_id: str) -> int:
    """Look inside the fake Gong."""
    tasks = gong.engine.tasks.values()
    return sum(task["status"] == "OPEN" for task in tasks if str(task["userId"]) == user_id)


async def test_the_greeting_counts(gong_client: GongTasksClient, gong_simulator: GongSimulator) -> None:
    user_id = gong_simulator.engine.user_ids[0]
    expected = f"Good morning! You have {still_open(gong_simulator, user_id)} open tasks."
    assert await greeting(gong_client, user_id) == expected


# The marker sets the fake Gong up: here as a company that has not bought Gong Engage.
@pytest.mark.gong_simulator(account="without_engage")
async def test_the_greeting_is_polite_where_gong_is_not(
    gong_client: GongTasksClient, gong_simulator: GongSimulator, gong_clock: GongClock
) -> None:
    assert "does not answer" in await greeting(gong_client, gong_simulator.engine.user_ids[0])
    assert gong_clock.time() <= 5


# Beside gong_clock, waiting takes no time: here Gong asks for a minute, with which nobody's patience agrees.
async def test_nobody_waits_a_minute_for_a_greeting(
    gong_client: GongTasksClient, gong_simulator: GongSimulator, gong_clock: GongClock
) -> None:
    gong_simulator.engine.inject_fault(Fault.TOO_MANY, retry_after="60")
    assert "does not answer" in await greeting(gong_client, gong_simulator.engine.user_ids[0])
    assert gong_clock.time() < 1


# With Gong's own limit of 3 calls a second, a hundred changes take half a minute, of which the test takes nothing.
@pytest.mark.gong_simulator(users=1, tasks_per_user=100, second_limit="sliding")
async def test_cleaning_up_survives_a_bad_network(
    gong_client: GongTasksClient, gong_simulator: GongSimulator, gong_clock: GongClock
) -> None:
    user_id = gong_simulator.engine.user_ids[0]
    due = sum(bool(task.due_date) for task in await gong_client.list_tasks(user_id))
    for fault in (Fault.RESET_AFTER, Fault.BAD_GATEWAY, Fault.TRUNCATED):
        gong_simulator.engine.inject_fault(fault)
    assert await clean_up(gong_client, user_id, END_OF_2026) == due
    assert gong_simulator.ledger.refused == 0
    assert gong_clock.time() > due / 3
