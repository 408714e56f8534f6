"""A job that takes two days: the daily budget ends it in the evening, and it resumes after the reset."""

from __future__ import annotations

import asyncio

from canvas import Canvas, TimeAxis
from company import client_of, run

from gong_tasks_async import BudgetChanged, Event, LocalQuota, QuotaLimits, TaskUpdate
from gong_tasks_async.simulator import DayLimit, Engine, SecondLimit

HOUR = 3_600.0
BOTTOM, TOP = 236, 56
WAITING = "the day is spent: the job waits until its first calls are 24 hours old"


async def _job(rows: int, per_day: int) -> tuple[list[tuple[float, int]], list[tuple[float, int]]]:
    """When how many rows were settled, and when how many calls of the day were left."""
    engine = Engine(
        users=1,
        tasks_per_user=rows,
        second_limit=SecondLimit.SLIDING,
        day_limit=DayLimit.ROLLING,
        per_day=per_day,
    )
    loop = asyncio.get_running_loop()
    settled: list[tuple[float, int]] = [(0.0, 0)]
    left: list[tuple[float, int]] = []

    def observe(at: float, event: Event) -> None:
        if isinstance(event, BudgetChanged):
            left.append((at, event.left))

    def note(_: object) -> None:
        settled.append((loop.time(), len(settled)))

    limits = QuotaLimits(per_day=per_day, interactive_reserve=per_day // 20)
    updates = [TaskUpdate(task, engine.user_ids[0], status="DONE") for task in engine.tasks]
    quota = LocalQuota(limits, on_event=lambda event: observe(loop.time(), event), wall_clock=loop.time)
    async with client_of(engine, quota=quota) as gong:
        await gong.update_many(updates, on_outcome=note, wait_for_day=True)
    return settled, left


def draw(*, quick: bool = False) -> str:
    """Draw 14,000 rows against a budget of 10,000 calls a day, of which 500 are reserved."""
    rows, per_day = (140, 100) if quick else (14_000, 10_000)
    settled, left = run(_job(rows, per_day))
    canvas = Canvas(f"A job of {rows:,} rows over two days, with {per_day:,} calls a day", 290)
    axis = TimeAxis(canvas, settled[-1][0] * 1.04, left=90)
    axis.ticks(TOP - 10, BOTTOM, 6 * HOUR, "h", HOUR)
    canvas.text(
        20, 24, f"A job of {rows:,} rows, {per_day:,} calls a day, {per_day // 20:,} of them reserved", "bold"
    )
    for share in (0, 0.5, 1):
        canvas.text(80, _y(share) + 4, f"{rows * share:,.0f}", "small end")
        canvas.line(90, _y(share), axis.right, _y(share), "line")
    canvas.curve(_points(axis, settled, rows), "blue")
    canvas.curve(_points(axis, left, rows), "orange")
    canvas.text(axis.x(12 * HOUR), _y(_spent(settled) / rows) - 10, WAITING, "small middle")
    canvas.box(90, 268, 14, 10, "blue")
    canvas.text(110, 277, "rows done", "small")
    canvas.box(210, 268, 14, 10, "orange")
    canvas.text(230, 277, "calls left of the day", "small")
    return canvas.svg()


def _spent(settled: list[tuple[float, int]]) -> int:
    """How many rows were settled on the first day."""
    return sum(at < 12 * HOUR for at, _ in settled)


def _y(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * share


def _points(axis: TimeAxis, course: list[tuple[float, int]], whole: int) -> list[tuple[float, float]]:
    """The course as pixels, with no more points than can be seen."""
    steps = course[:: max(1, len(course) // 400)] + course[-1:]
    points: list[tuple[float, float]] = []
    before = steps[0][1]
    for at, count in steps:
        if points and axis.x(at) - points[-1][0] > 4:
            points.append((axis.x(at), _y(before / whole)))
        points.append((axis.x(at), _y(count / whole)))
        before = count
    return points
