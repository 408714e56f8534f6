"""What one 429 does to every caller of the quota."""

from __future__ import annotations

import asyncio

from attrs import define, field
from canvas import Canvas, TimeAxis
from company import client_of, run

from gong_tasks_async import CallAttempted, CallQueued, CallSent, Event, GongTasksClient, Paused, Resumed
from gong_tasks_async.simulator import DayLimit, Engine, Fault, SecondLimit

CALLERS = ("a bot", "a service", "a script", "another service")
SECONDS = 14.0
REFUSED_AT = 3.0


@define
class Observed:
    """What happened.

    Attributes:
        caller_of: each call's caller.
        sent: by call, when its requests left.
        refused: when those left that were answered 429.
        pause: when the gate closed, and when it opened.
    """

    caller_of: dict[int, int] = field(factory=dict)
    sent: dict[int, list[float]] = field(factory=dict)
    refused: set[float] = field(factory=set)
    pause: list[float] = field(factory=list)

    def observe(self, at: float, event: Event) -> None:
        """Note an event."""
        match event:
            case CallQueued():
                task = asyncio.current_task()
                self.caller_of[event.call_id] = int(task.get_name()) if task else 0
            case CallSent():
                self.sent.setdefault(event.call_id, []).append(at)
            case CallAttempted(status=429):
                self.refused.add(self.sent[event.call_id][-1])
            case Paused() | Resumed():
                self.pause.append(at)

    def calls_of(self, caller: int) -> list[float]:
        """When the caller's requests left."""
        return [at for call, times in self.sent.items() if self.caller_of[call] == caller for at in times]


async def _pause(seconds: float) -> Observed:
    engine = Engine(users=1, tasks_per_user=1, second_limit=SecondLimit.NONE, day_limit=DayLimit.NONE)
    observed, loop = Observed(), asyncio.get_running_loop()

    async def call_again_and_again(gong: GongTasksClient) -> None:
        while loop.time() < seconds:
            await gong.list_tasks(engine.user_ids[0])

    async with client_of(engine, observed.observe) as gong, asyncio.TaskGroup() as group:
        for number in range(len(CALLERS)):
            group.create_task(call_again_and_again(gong), name=str(number))
        await asyncio.sleep(REFUSED_AT)
        engine.inject_fault(Fault.TOO_MANY, retry_after="5")
    return observed


def draw(*, quick: bool = False) -> str:
    """Draw four callers before, during and after a pause of five seconds."""
    observed = run(_pause(9.0 if quick else SECONDS))
    canvas = Canvas("One call is answered 429 and asked to wait 5 seconds; all four callers pause", 250)
    axis = TimeAxis(canvas, SECONDS)
    begin, end = map(axis.x, observed.pause[:2])
    canvas.box(begin, 40, end - begin, 174, "shade")
    axis.ticks(40, 214, 1.0)
    canvas.text(20, 24, "One 429 with Retry-After: 5", "bold")
    canvas.text((begin + end) / 2, 56, "pause: the gate is closed for all", "small middle")
    for number, name in enumerate(CALLERS):
        y = 82 + 36 * number
        canvas.text(20, y + 4, name)
        canvas.line(axis.left, y, axis.right, y, "line")
        for at in observed.calls_of(number):
            if at in observed.refused:
                canvas.cross(axis.x(at), y)
            elif at <= SECONDS:
                canvas.dot(axis.x(at), y, "blue")
    return canvas.svg()
