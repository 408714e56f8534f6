"""The life of the rows of a bulk run: what each waits for, and how it ends."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime

from attrs import define, field
from canvas import Canvas, TimeAxis
from company import client_of, run

from gong_tasks_async import CallAttempted, CallSent, Event, Failed, Outcome, RetryPlanned, TaskUpdate
from gong_tasks_async.simulator import DayLimit, Engine, Fault, SecondLimit

FATES = (
    "all is well",
    "done already",
    "Gong is away for a moment: 503",
    "deleted",
    "one 429, Retry-After: 2",
    "a response that is not Gong's",
    "all is well, too",
)
"""What happens to each row."""
ENDS = {"pending": "pending: resume", "unchanged": "unchanged: no call"}
COLOURS = {"pending": ("soft", 0.3), "in flight": ("blue", 1.0), "backs off": ("orange", 0.55)}
BAR = 14


@define
class Life:
    """One row.

    Attributes:
        fate: what is to happen to it.
        phases: what it did, from when, until when.
        end: its outcome.
        since: when its latest phase began.
    """

    fate: str
    phases: list[tuple[str, float, float]] = field(factory=list)
    end: str = "pending"
    since: float = 0.0


@define
class Lives:
    """All rows, by task.

    Attributes:
        engine: the company.
        by_task: the rows.
    """

    engine: Engine
    by_task: dict[int, Life]

    def observe(self, at: float, event: Event) -> None:
        """Note what a row does; inject its fault when it leaves."""
        if not isinstance(event, CallSent | CallAttempted | RetryPlanned):
            return
        life = self.by_task.get(int((re.findall(r"tasks/(\d+)", event.url) or [0])[0]))
        if life is None:
            return
        match event:
            case CallSent():
                life.phases.append(("pending" if event.attempt == 1 else "backs off", life.since, at))
                self._inject(life.fate, event.attempt)
            case CallAttempted():
                life.phases.append(("in flight", life.since, at))
        life.since = at

    def _inject(self, fate: str, attempt: int) -> None:
        """Inject the fault of the request that is about to arrive."""
        if fate.startswith("Gong is away") and attempt == 1:
            self.engine.inject_fault(Fault.UNAVAILABLE)
        elif fate.startswith("one 429") and attempt == 1:
            self.engine.inject_fault(Fault.TOO_MANY, retry_after="2")
        elif fate.startswith("a response that is not"):
            self.engine.inject_fault(Fault.PORTAL_PAGE)

    def settle(self, outcome: Outcome) -> None:
        """Note the outcome of a row."""
        status = f": {outcome.status}" if isinstance(outcome, Failed) else ""
        self.by_task[outcome.update.task_id].end = type(outcome).__name__.lower() + status


async def _lives() -> tuple[list[Life], float]:
    """The rows of one run, and when it ended."""
    engine = Engine(
        users=1, tasks_per_user=len(FATES), second_limit=SecondLimit.SLIDING, day_limit=DayLimit.NONE
    )
    lives = Lives(engine, dict(zip(engine.tasks, map(Life, FATES), strict=True)))
    due = datetime(2026, 3, 9, tzinfo=UTC)
    tasks = {life.fate: task for task, life in lives.by_task.items()}
    engine.tasks[tasks["done already"]] |= {"dueDate": due.isoformat(), "status": "OPEN"}
    updates = [TaskUpdate(task, engine.user_ids[0], due_date=due) for task in lives.by_task]
    async with client_of(engine, lives.observe) as gong:
        plan = await gong.plan_updates(updates, skip_unchanged=True)
        del engine.tasks[tasks["deleted"]]
        await gong.update_many(plan, on_outcome=lives.settle)
    return list(lives.by_task.values()), asyncio.get_running_loop().time()


def draw(*, quick: bool = False) -> str:  # noqa: ARG001 - it is quick
    """Draw seven rows of one run."""
    lives, seconds = run(_lives())
    canvas = Canvas("What becomes of the rows of a bulk run, and how long each takes", 84 + 34 * len(lives))
    axis = TimeAxis(canvas, seconds + 0.3, left=236, right=590)
    axis.ticks(56, 60 + 34 * len(lives), 1.0)
    canvas.text(20, 24, "The life of a row", "bold")
    _legend(canvas)
    for number, life in enumerate(lives):
        y = 72 + 34 * number
        canvas.text(20, y + 4, life.fate, "")
        for phase, begun, ended in life.phases:
            canvas.box(axis.x(begun), y - BAR / 2, axis.x(ended) - axis.x(begun), BAR, *COLOURS[phase])
        canvas.text(606, y + 4, ENDS.get(life.end, life.end), "bold")
    return canvas.svg()


def _legend(canvas: Canvas) -> None:
    x = 236.0
    for phase, (colour, opacity) in COLOURS.items():
        canvas.box(x, 32, 14, 10, colour, opacity)
        canvas.text(x + 20, 41, phase, "small")
        x += 110
