"""How to test code that uses gong_tasks_async: with a simulated Gong as a fixture, and no mocks."""

# ruff: noqa: S101, PLR2004, D103 - pytest uses assert, a test's numbers are its data, its name is its docstring

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bot import clean_up, greeting

from gong_tasks_async import GongTasksClient
from gong_tasks_async.pytest_plugin import GongClock, GongSimulator
from gong_tasks_async.simulator import Fault

END_OF_2026 = datetime(2026, 12, 31, tzinfo=UTC)


def still_open(gong: GongSimulator, user_id: str) -> int:
    """Count the open tasks in the simulator."""
    tasks = gong.engine.tasks.values()
    return sum(task["status"] == "OPEN" for task in tasks if str(task["userId"]) == user_id)


async def test_the_greeting_counts(gong_client: GongTasksClient, gong_simulator: GongSimulator) -> None:
    user_id = gong_simulator.engine.user_ids[0]
    expected = f"Good morning! You have {still_open(gong_simulator, user_id)} open tasks."
    assert await greeting(gong_client, user_id) == expected


# The marker configures the simulator: here as a company without Gong Engage.
@pytest.mark.gong_simulator(account="without_engage")
async def test_the_greeting_is_polite_where_gong_is_not(
    gong_client: GongTasksClient, gong_simulator: GongSimulator, gong_clock: GongClock
) -> None:
    assert "does not answer" in await greeting(gong_client, gong_simulator.engine.user_ids[0])
    assert gong_clock.time() <= 5


# With gong_clock, waiting takes no time: here Gong asks for a minute, longer than the timeout.
async def test_a_greeting_does_not_wait_a_minute(
    gong_client: GongTasksClient, gong_simulator: GongSimulator, gong_clock: GongClock
) -> None:
    gong_simulator.engine.inject_fault(Fault.TOO_MANY, retry_after="60")
    assert "does not answer" in await greeting(gong_client, gong_simulator.engine.user_ids[0])
    assert gong_clock.time() < 1


# At Gong's limit of 3 calls a second, a hundred updates take half a minute, and the test takes no time.
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
