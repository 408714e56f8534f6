"""A bulk job that dies wherever it touches the disk or the network, and goes on from what was on disk."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gong_tasks_async import JournalError
from gong_tasks_async.bulk import JournalRow, RowState
from gong_tasks_async.bulk.journal import Journal
from gong_tasks_async.simulator import VirtualClockLoop
from tests.bulk_lives import (
    COMMIT,
    END,
    MISSING,
    SLOWEST,
    WORKERS,
    Answer,
    Gong,
    Life,
    Point,
    copied,
    log_of,
    size_of,
    states,
    tear,
)

ANSWERS = st.lists(st.sampled_from(Answer), max_size=30)
SECONDS = st.floats(0, SLOWEST)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(answers=ANSWERS, seconds=SECONDS, cut=st.floats(0, 1))
def test_resumed_from_any_prefix_of_the_commits_the_end_is_the_same(
    answers: list[Answer], seconds: float, cut: float
) -> None:
    """A prefix is the files after a commit, and those in which its last write is torn."""

    async def resumed(image: Path) -> None:
        settled = {task_id for task_id, state in states(image).items() if state is not RowState.PENDING}
        fresh = Gong()
        report = await Life(fresh, image).run()
        assert report is not None
        assert report.complete
        assert states(image) == END
        assert fresh.sent == Counter(END.keys() - settled)

    async def run(folder: Path) -> None:
        images: list[Path] = []
        life = Life(Gong(), folder / "job", answers, seconds)

        def commit(journal: Journal, rows: Sequence[JournalRow]) -> None:
            before = size_of(log_of(life.path))
            images.append(copied(life.path, f"before{len(images)}"))
            COMMIT(journal, rows)
            torn = copied(life.path, f"torn{len(images)}")
            tear(log_of(torn), before, cut)
            images.extend((torn, copied(life.path, f"after{len(images)}")))

        life.on_commit = commit
        await life.run()
        for image in [*images, life.path]:
            await resumed(image)

    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        asyncio.Runner(loop_factory=VirtualClockLoop) as runner,
    ):
        runner.run(run(Path(folder)))


class CrashingJob(RuleBasedStateMachine):
    """Life after life of one job; each rule is one of the ways in which a life ends."""

    def __init__(self) -> None:
        super().__init__()
        # The thread of a life that was cut off may still be closing its files.
        self.folder = TemporaryDirectory(ignore_cleanup_errors=True)
        self.path = Path(self.folder.name) / "0"
        self.gong = Gong()
        self.lives = 0

    @rule(
        answers=ANSWERS,
        seconds=SECONDS,
        point=st.sampled_from(Point),
        count=st.integers(1, 8),
        cut=st.floats(0, 1),
    )
    def dies(self, answers: list[Answer], seconds: float, point: Point, count: int, cut: float) -> None:
        async def run() -> None:
            life = Life(self.gong, self.path, answers, seconds)
            life.dies_at, life.cut, life.settings["grace"] = (point, count), cut, 0
            await life.run()
            if life.image is not None:
                self.lives += 1
                self.path = life.image.rename(self.path.with_name(str(self.lives)))
                with suppress(FileNotFoundError):
                    log_of(life.image).rename(log_of(self.path))
                found = states(self.path)
                lost_work = {task_id for task_id in life.fine if found[task_id] is RowState.PENDING}
                assert len(lost_work - MISSING) <= WORKERS  # refusals are held back until a success

        self._virtually(run)

    @rule(
        answers=ANSWERS,
        seconds=st.sampled_from((0.5, SLOWEST)),
        after=st.floats(0, SLOWEST),
        patient=st.booleans(),
    )
    def is_cancelled(self, answers: list[Answer], seconds: float, after: float, patient: bool) -> None:
        async def run() -> None:
            life = Life(self.gong, self.path, answers, seconds)
            life.settings["grace"] = SLOWEST + 1 if patient else 0
            await life.run(cancel_after=after)
            if patient and self.path.exists():
                found = states(self.path)
                assert all(found[task_id] is not RowState.PENDING for task_id in life.fine - MISSING)

        self._virtually(run)

    @rule(answers=ANSWERS, seconds=SECONDS, good=st.integers(0, 5), committed=st.booleans())
    def cannot_write(self, answers: list[Answer], seconds: float, good: int, committed: bool) -> None:
        async def run() -> None:
            life = Life(self.gong, self.path, answers, seconds)
            left = good

            def commit(journal: Journal, rows: Sequence[JournalRow]) -> None:
                nonlocal left
                left -= 1
                if left >= 0 or committed:
                    COMMIT(journal, rows)
                if left < 0:
                    raise JournalError(path=str(self.path), reason="the disk is full")

            life.on_commit = commit
            with suppress(JournalError):
                await life.run()

        self._virtually(run)

    @rule(answers=ANSWERS, seconds=SECONDS, stop_after=st.integers(1, 3))
    def stops_early(self, answers: list[Answer], seconds: float, stop_after: int) -> None:
        async def run() -> None:
            life = Life(self.gong, self.path, answers, seconds)
            life.settings["stop_after"] = stop_after
            await life.run()

        self._virtually(run)

    @invariant()
    def what_was_told_is_on_disk_and_never_sent_again(self) -> None:
        found = states(self.path) if self.path.exists() else {}
        assert all(found[task_id] is END[task_id] for task_id in self.gong.printed)
        assert max(self.gong.printed.values(), default=0) <= 1
        assert self.gong.sent_though_told == []

    @invariant()
    def what_is_on_disk_was_done_and_no_row_is_lost(self) -> None:
        if self.path.exists():
            found = states(self.path)
            assert found.keys() == END.keys()
            assert {task for task, state in found.items() if state is RowState.UPDATED} <= self.gong.applied
            assert all(state in (RowState.PENDING, END[task]) for task, state in found.items())

    def teardown(self) -> None:
        async def run() -> None:
            report = await Life(self.gong, self.path).run()
            assert report is not None
            assert report.complete

        self._virtually(run)
        assert states(self.path) == END
        assert self.gong.applied == END.keys() - MISSING
        self.what_was_told_is_on_disk_and_never_sent_again()
        self.folder.cleanup()

    @staticmethod
    def _virtually(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
            runner.run(run())


TestCrashingJob = CrashingJob.TestCase
TestCrashingJob.settings = settings(
    max_examples=30, stateful_step_count=8, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
