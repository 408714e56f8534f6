"""Faults of the shared quota that are planted one by one; the simulation has to find each of them again."""

from __future__ import annotations

import pytest

from gong_tasks_async import RedisQuota
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.redis import redis_backend
from gong_tasks_async.quota.redis.commands import CONSTANTS, SOURCE, translate
from tests.simulation.faults import Plant


def _script(monkeypatch: pytest.MonkeyPatch, right: str, wrong: str) -> None:
    assert right in SOURCE, right
    monkeypatch.setattr(redis_backend, "SOURCE", SOURCE.replace(right, wrong))


def lease_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a call that is never reported holds never ends."""
    arrived_after = str(CONSTANTS["ARRIVED_AFTER"])
    _script(monkeypatch, arrived_after, f"{arrived_after}000000")


def no_window_after_the_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call counts until its response alone."""
    _script(monkeypatch, "arrived + hold", "arrived + 0")


def news_unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process hears what another one has published."""
    monkeypatch.setattr(RedisQuota, "_on_message", lambda *_: None)


def pause_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 429 pauses nobody: neither the process that reads it nor the script."""
    monkeypatch.setattr(Gate, "close", lambda *_, **__: None)
    _script(monkeypatch, translate("state.paused > now or state.spent > now"), "false")


PLANTS: dict[Plant, int] = {
    lease_never_ends: 4,
    no_window_after_the_response: 3,
    news_unheard: 5,
    pause_forgotten: 5,
}
"""Each with a seed that finds it today, which is tried first."""
