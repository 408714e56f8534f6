"""How calls leave under each rule by which Gong may count a second."""

from __future__ import annotations

import asyncio

from canvas import Canvas, TimeAxis
from company import client_of, run

from gong_tasks_async import Quota, Unlimited
from gong_tasks_async.simulator import DayLimit, Engine, SecondLimit
from gong_tasks_async.simulator.ledger import Entry

SECONDS = 8.0
RULES = {
    SecondLimit.FIXED: "fixed second",
    SecondLimit.SLIDING: "sliding second",
    SecondLimit.SPACING: "strict spacing",
    SecondLimit.BUCKET: "token bucket",
}


async def _arrivals(rule: SecondLimit, calls: int, quota: Quota | None = None) -> list[Entry]:
    engine = Engine(users=1, tasks_per_user=1, second_limit=rule, day_limit=DayLimit.NONE)
    async with client_of(engine, quota=quota) as gong:
        await asyncio.gather(
            *(gong.list_tasks(engine.user_ids[0]) for _ in range(calls)), return_exceptions=True
        )
    return engine.ledger.entries


def _row(axis: TimeAxis, y: float, name: str, entries: list[Entry]) -> None:
    canvas, shown = axis.canvas, [entry for entry in entries if entry.arrived <= SECONDS]
    refused = sum(entry.refused for entry in shown)
    canvas.text(20, y + 4, name, "bold")
    canvas.text(20, y + 20, f"{len(shown) - refused} accepted, {refused} with 429", "small")
    canvas.line(axis.left, y, axis.right, y, "line")
    for entry in shown:
        if entry.refused:
            canvas.cross(axis.x(entry.arrived), y)
        else:
            canvas.dot(axis.x(entry.arrived), y, "blue")


def draw(*, quick: bool = False) -> str:
    """Draw 40 calls that are made at once, under each rule, and without a pace."""
    calls = 6 if quick else 40
    canvas = Canvas("How 40 calls that are made at once leave, under each rule by which Gong may count", 330)
    axis = TimeAxis(canvas, SECONDS)
    axis.ticks(40, 292, 1.0)
    canvas.text(20, 24, "40 calls made at once, limit 3 a second: when each reaches Gong", "bold")
    for number, (rule, name) in enumerate(RULES.items()):
        _row(axis, 62 + 46 * number, name, run(_arrivals(rule, calls)))
    naive = run(_arrivals(SecondLimit.SLIDING, calls, Unlimited()))
    _row(axis, 62 + 46 * len(RULES) + 14, "without the quota", naive)
    return canvas.svg()
