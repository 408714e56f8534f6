"""People edit tasks between any two calls of a guarded job, in any of its lives; then the job is undone."""

from __future__ import annotations

import asyncio
import json
import os
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from attrs import define, field, frozen
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gong_tasks_async import (
    AccessKey,
    GongTasksClient,
    RetryPolicy,
    RowState,
    TaskUpdate,
    Unlimited,
    open_journal,
    retry_failed,
)
from gong_tasks_async.bulk.guard import RESEND_WITHIN
from gong_tasks_async.simulator import (
    Engine,
    Fault,
    Request,
    Response,
    SecondLimit,
    VirtualClockLoop,
    make_app,
    memory_session,
)

T = TypeVar("T")

USERS, EACH = 2, 4
SLACK = 1.0
"""Seconds that a request is in the air."""
LONG_PAUSE = "70"
"""Seconds, as text: after them an update without a verdict is not sent again as it is."""
FAULTS = (
    None,
    None,
    LONG_PAUSE,
    Fault.UNAVAILABLE,
    Fault.RESET_BEFORE,
    Fault.RESET_AFTER,
    Fault.SERVER_ERROR,
    Fault.TOO_MANY,
)
DISMISSED = {"status": "DISMISSED"}
EDITS = ({"status": "DONE"}, {"dueDate": "2031-01-01T09:00:00Z"}, {"title": "Urgent"}, DISMISSED)
EXAMPLES = int(os.environ.get("GONG_PEOPLE_EXAMPLES", "8"))


@frozen
class Edit:
    """What a person does just before a call of a life arrives."""

    before_call: int
    task: int
    change: int


@define
class Story:
    """What happened to one task, in the order in which it happened."""

    looks: list[int] = field(factory=list)
    edits: list[int] = field(factory=list)
    patches: list[int] = field(factory=list)
    open_since: float | None = None
    """When an update was sent that got no verdict, until the next look."""
    looked_for_another: float | None = None
    """When the last look was made, if it was made for another row while this one waited."""
    unanswered: bool = False
    """Whether the last update that was made got no answer."""
    same: list[int] = field(factory=list)
    """Edits that make the very change of the job: of a row that was in flight when a life ended, nothing tells later
    who made it. They are counted apart."""


class Office(Engine):
    """A company in which people work while a job runs."""

    def __init__(self, users: int = USERS, each: int = EACH) -> None:
        super().__init__(users=users, tasks_per_user=each, second_limit=SecondLimit.NONE, per_day=10**9)
        for task in self.tasks.values():
            task["status"] = "OPEN"
        self.before = {number: json.dumps(values(task)) for number, task in self.tasks.items()}
        self.stories: defaultdict[int, Story] = defaultdict(Story)
        self.moment = self.calls_of_life = 0
        self.edits: list[Edit] = []
        self.faults: list[Fault | str | None] = []
        self.overwritten: list[int] = []
        self.sent_late: list[int] = []
        """Updates without a verdict that were sent again after a minute without a look."""
        self.life_began = 0

    def begin(self, edits: list[Edit], faults: list[Fault | str | None], *, known: bool) -> None:
        if not known:  # the job is about the tasks as its first recorded look finds them
            for story in self.stories.values():
                story.looks.clear()
        self.edits, self.faults, self.calls_of_life, self.life_began = edits, faults, 0, self.moment

    def answer(self, request: Request, now: float) -> Response:
        self.calls_of_life += 1
        for edit in [each for each in self.edits if each.before_call == self.calls_of_life]:
            self.edit(edit)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Fault):
            self.inject_fault(fault)
        elif fault is not None:
            self.inject_fault(Fault.TOO_MANY, retry_after=fault)
        self.moment += 1
        self.look_on(request, fault, now)
        return super().answer(request, now)

    def edit(self, edit: Edit) -> None:
        self.moment += 1
        number = list(self.tasks)[edit.task]
        stamp = f"2030-01-01T00:00:00.{self.moment:06}Z"
        self.tasks[number] |= EDITS[edit.change] | {"updated": stamp}
        story = self.stories[number]
        # Of a row whose update got no answer, its next look takes a new title for a part of it. That may be the look
        # of a later life: one that another row needed settles only rows that still wait.
        unseen = "title" in EDITS[edit.change] and story.unanswered
        apart = unseen or EDITS[edit.change] == DISMISSED
        (story.same if apart else story.edits).append(self.moment)

    def look_on(self, request: Request, fault: Fault | str | None, now: float) -> None:
        if request.method == "PATCH":
            self.patched(int(request.path.rpartition("/")[2]), fault, now)
        elif request.method == "POST" and fault is None:
            owner = json.loads(request.body)["filter"]["userId"]
            for number, task in self.tasks.items():
                if str(task["userId"]) == owner:
                    self.seen(self.stories[number], now)

    def seen(self, story: Story, now: float) -> None:
        waited = story.open_since is None and story.looks[-1:] > [self.life_began]
        story.looked_for_another = now if waited else None
        story.looks.append(self.moment)
        story.open_since = None

    def patched(self, number: int, fault: Fault | str | None, now: float) -> None:
        story = self.stories[number]
        # The first look says what the job is about; what was edited after it, or after the last change of ours,
        # and before the last look, stays. A look for another row may pass an update that is in the air.
        in_air = story.looked_for_another is not None and now - story.looked_for_another < SLACK
        last_look = story.looks[-2 if in_air else -1] if story.looks else 0
        if not story.looks or story.looks[-1] <= self.life_began:
            self.overwritten.append(number)  # sent without a look of this life
        elif any(max([story.looks[0], *story.patches]) < moment < last_look for moment in story.edits):
            self.overwritten.append(number)
        if story.open_since is not None and now - story.open_since > RESEND_WITHIN + SLACK:
            self.sent_late.append(number)
        if fault in (None, Fault.RESET_AFTER):
            story.patches.append(self.moment)
            story.unanswered = fault is not None
        if story.open_since is None and isinstance(fault, Fault) and fault is not Fault.TOO_MANY:
            story.open_since = now


def values(task: dict[str, Any]) -> list[object]:
    priority = task.get("priority") or {}
    return [task.get("status"), task.get("dueDate"), priority.get("name")]


EDIT = st.builds(Edit, st.integers(1, 14), st.integers(0, USERS * EACH - 1), st.integers(0, len(EDITS) - 1))


class PeopleAtWork(RuleBasedStateMachine):
    """Lives of one job; each of them may be cut off, and people edit tasks in all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(ignore_cleanup_errors=True)
        self.path = Path(self.folder.name) / "job"

    @initialize()
    def opens(self) -> None:
        self.office = Office()
        self.rows = [
            TaskUpdate(number, str(task["userId"]), status="DISMISSED")
            for number, task in self.office.tasks.items()
        ]

    @rule(
        edits=st.lists(EDIT, max_size=4),
        faults=st.lists(st.sampled_from(FAULTS), max_size=14),
        ends_after=st.none() | st.floats(0.0, 3.0),
    )
    def lives(self, edits: list[Edit], faults: list[Fault | str | None], ends_after: float | None) -> None:
        self.office.begin(edits, faults, known=self.path.exists())

        async def run(gong: GongTasksClient) -> None:
            running = asyncio.create_task(
                gong.update_many(self.rows, journal=self.path, guard=True, grace=0, workers=2, stop_after=3)
            )
            await asyncio.wait([running], timeout=ends_after)
            running.cancel()
            await asyncio.wait([running])

        self.virtually(run)

    @rule(task=st.integers(0, USERS * EACH - 1), change=st.integers(0, len(EDITS) - 1))
    def edits_between_lives(self, task: int, change: int) -> None:
        self.office.edit(Edit(0, task, change))

    @invariant()
    def no_edit_made_before_a_look_is_overwritten(self) -> None:
        if hasattr(self, "office"):
            assert self.office.overwritten == []
            assert self.office.sent_late == []

    @rule()
    def failed_rows_are_retried(self) -> None:
        if self.path.exists():
            retry_failed(self.path)

    def teardown(self) -> None:
        try:
            if hasattr(self, "office"):
                self.ends_and_is_undone()
        finally:
            self.folder.cleanup()

    def ends_and_is_undone(self) -> None:
        office = self.office
        office.begin([], [], known=self.path.exists())

        async def run(gong: GongTasksClient) -> None:
            report = await gong.update_many(self.rows, journal=self.path, guard=True)
            assert report.complete
            left = {number: json.dumps(values(task)) for number, task in office.tasks.items()}
            with open_journal(self.path) as journal:
                states = {row.update.task_id: row.state for row in journal.rows()}
            await gong.update_many(await gong.plan_undo(self.path), journal=f"{self.path}-undo", guard=True)
            for number, state in states.items():
                story, now = office.stories[number], json.dumps(values(office.tasks[number]))
                touched = [moment for moment in story.edits + story.same if moment > story.looks[0]]
                if not touched:
                    if not (story.edits or story.same):
                        assert (state, now) == (RowState.UPDATED, office.before[number])
                elif state is RowState.SKIPPED:
                    assert now == left[number]

        self.virtually(run)
        self.no_edit_made_before_a_look_is_overwritten()

    def virtually(self, run: Any) -> None:
        async def live() -> None:
            office = self.office
            key = AccessKey(office.access_key, office.access_key_secret)
            async with (
                memory_session(make_app(office, (0.05, 0.3))) as session,
                GongTasksClient(
                    key,
                    base_url="http://localhost",
                    session=session,
                    quota=Unlimited(),
                    retry=RetryPolicy(attempts=2, backoff=0.1, max_wait=120),
                ) as gong,
            ):
                await run(gong)

        with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
            runner.run(live())


TestPeopleAtWork = PeopleAtWork.TestCase
TestPeopleAtWork.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=4, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
