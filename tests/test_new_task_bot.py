"""The bot of ten lines says what is new, and nothing twice."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from gong_tasks_async.simulator import DayLimit, Engine, SecondLimit
from tests.conftest import Connect
from tests.test_examples import load

HOURS = 3600.0


@pytest.mark.virtual
async def test_a_new_task_is_announced_once(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # where the bot keeps what it has seen
    engine = Engine(users=1, tasks_per_user=4, second_limit=SecondLimit.NONE, day_limit=DayLimit.NONE)
    user = engine.user_ids[0]
    number, task = next((number, task) for number, task in engine.tasks.items() if task["status"] == "OPEN")
    del engine.tasks[number]
    bot = load("new_task_bot.py")
    client = await connect(engine)
    monkeypatch.setattr(bot, "GongTasksClient", SimpleNamespace(from_env=lambda: nullcontext(client)))
    announcing = asyncio.create_task(bot.announce([user]))
    await asyncio.sleep(6 * HOURS)
    assert capsys.readouterr().out == ""  # what was there before is not new
    engine.tasks[number] = task
    await asyncio.sleep(6 * HOURS)
    announcing.cancel()
    await asyncio.gather(announcing, return_exceptions=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"A new call for you, {user}: ")
