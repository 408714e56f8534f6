"""A person's calls in front of a bulk run."""

from __future__ import annotations

import asyncio

from attrs import define, field
from canvas import Canvas, TimeAxis
from company import client_of, run

from gong_tasks_async import CallEvent, CallQueued, CallSent, Event, GongTasksClient, TaskUpdate
from gong_tasks_async.simulator import DayLimit, Engine, SecondLimit

SECONDS = 12.0
ASKED_AT = (2.4, 4.7, 7.2, 9.9)
WORKERS = 64


@define
class Observed:
    """When each call began to wait, and when it left.

    Attributes:
        queued: by call, its lane and when it began to wait.
        sent: by call, its lane and when it left.
    """

    queued: dict[int, tuple[str, float]] = field(factory=dict)
    sent: dict[int, tuple[str, float]] = field(factory=dict)

    def observe(self, at: float, event: Event) -> None:
        """Note an event."""
        if isinstance(event, CallQueued | CallSent):
            self._note(at, event)

    def _note(self, at: float, event: CallEvent) -> None:
        seen = self.queued if isinstance(event, CallQueued) else self.sent
        seen.setdefault(event.call_id, (event.lane, at))


async def _both(rows: int) -> Observed:
    engine = Engine(users=1, tasks_per_user=rows, second_limit=SecondLimit.SLIDING, day_limit=DayLimit.NONE)
    observed, user = Observed(), engine.user_ids[0]
    updates = [TaskUpdate(task, user, status="DONE") for task in engine.tasks]

    async def person(gong: GongTasksClient, at: float) -> None:
        await asyncio.sleep(at)
        await gong.list_tasks(user)

    async with client_of(engine, observed.observe) as gong:
        await asyncio.gather(
            gong.update_many(updates, workers=WORKERS), *(person(gong, at) for at in ASKED_AT)
        )
    return observed


def draw(*, quick: bool = False) -> str:
    """Draw four calls of a person beside a bulk run that has 64 rows waiting."""
    observed = run(_both(30 if quick else 100))
    canvas = Canvas("A person's calls leave next, although a bulk run has 64 calls waiting", 190)
    axis = TimeAxis(canvas, SECONDS)
    axis.ticks(40, 154, 1.0)
    canvas.text(20, 24, f"A person calls four times while {WORKERS} updates of a bulk run wait", "bold")
    for name, y, colour in (("interactive lane", 76, "orange"), ("bulk lane", 122, "blue")):
        canvas.text(20, y + 4, name)
        canvas.line(axis.left, y, axis.right, y, "line")
        for call, (lane, at) in observed.sent.items():
            if name.startswith(lane) and at <= SECONDS:
                _wait(axis, y, observed.queued[call][1], at, shown=lane == "interactive")
                canvas.dot(axis.x(at), y, colour)
    return canvas.svg()


def _wait(axis: TimeAxis, y: float, begun: float, left: float, *, shown: bool) -> None:
    """The wait of a call, as a bar with its length."""
    if shown:
        axis.canvas.box(axis.x(begun), y - 4, axis.x(left) - axis.x(begun), 8, "orange", 0.35)
        axis.canvas.text(axis.x(left), y - 12, f"{left - begun:.1f} s", "small middle")
