"""Watching users for changes: what is yielded, how often a user is listed, what survives a restart."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from gong_tasks_async import (
    InactiveCompanyError,
    InvalidValueError,
    Lane,
    QuotaSnapshot,
    QuotaUnavailable,
    RetryPolicy,
    Task,
    TaskStatus,
    Unlimited,
)
from gong_tasks_async.api.watch import (
    TaskAppeared,
    TaskChanged,
    TaskEvent,
    TaskGone,
    Turns,
    differences,
    interval,
)
from gong_tasks_async.simulator import Account, Engine, Fault
from tests.conftest import Connect

tasks = st.dictionaries(st.integers(1, 20), st.sampled_from(TaskStatus)).map(
    lambda found: {number: Task(id=number, status=status) for number, status in found.items()}
)


@given(before=tasks, after=tasks)
def test_the_differences_lead_from_one_listing_to_the_next(
    before: dict[int, Task], after: dict[int, Task]
) -> None:
    state = dict(before)
    for event in differences(before, after):
        match event:
            case TaskAppeared(task):
                assert task.id not in state
                state[task.id] = task
            case TaskChanged(was, task):
                assert state[was.id] == was != task
                state[task.id] = task
            case TaskGone(task):
                del state[task.id]
    assert state == after


def test_the_interval_follows_from_the_share_of_the_day() -> None:
    assert interval(0.1, 10_000) == pytest.approx(86.4)
    assert interval(0.1, None) == pytest.approx(86.4)


@given(changes=st.lists(st.integers(0, 5), min_size=60, max_size=60))
def test_every_user_is_listed_again_however_busy_another_is(changes: list[int]) -> None:
    turns, listed = Turns(("busy", "calm", "calmer")), []
    for now, count in enumerate(changes):
        user = turns.next(float(now))
        listed.append(user)
        turns.record(user, float(now), count if user == "busy" else 0)
    assert set(listed[:3]) == {"busy", "calm", "calmer"}
    assert all(
        set(listed[start : start + 30]) == {"busy", "calm", "calmer"} for start in range(len(listed) - 30)
    )


def test_a_busy_user_is_listed_more_often() -> None:
    turns, listed = Turns(("busy", "calm")), []
    for now in range(90):
        user = turns.next(float(now))
        listed.append(user)
        turns.record(user, float(now), 5 if user == "busy" else 0)
    assert listed.count("busy") > 2 * listed.count("calm")


class Unseen(Unlimited):
    """A shared quota whose Redis grants permits and does not describe itself."""

    async def snapshot(self) -> QuotaSnapshot:
        raise QuotaUnavailable(server="redis://quota.internal", reason="it does not answer")


async def events_of(stream: AsyncGenerator[TaskEvent], count: int) -> list[TaskEvent]:
    return [await anext(stream) for _ in range(count)]


@pytest.mark.virtual
class TestWatch:
    async def test_yields_what_appears_changes_and_goes(self, connect: Connect) -> None:
        engine = Engine(users=2, tasks_per_user=3)
        gong = await connect(engine)
        stream = gong.watch(engine.user_ids, share=0.5)
        first, second = [number for number, task in engine.tasks.items() if task["status"] == "OPEN"][:2]
        coming = asyncio.create_task(events_of(stream, 2))
        await asyncio.sleep(60)
        engine.tasks[first]["status"] = "DONE"
        engine.tasks[second]["title"] = "another title"
        changed, gone = sorted(await coming, key=lambda event: isinstance(event, TaskGone))
        assert isinstance(gone, TaskGone)
        assert gone.task.id == first
        assert isinstance(changed, TaskChanged)
        assert changed.after.title == "another title"
        await stream.aclose()

    async def test_takes_its_share_of_the_day_and_no_more(self, connect: Connect) -> None:
        engine = Engine(users=5, tasks_per_user=1)
        gong = await connect(engine)
        stream = gong.watch(engine.user_ids, share=0.01)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(86_400 / 4):
                await anext(stream)
        assert 24 <= engine.ledger.calls <= 26

    @pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.UNAVAILABLE])
    async def test_attempts_are_calls_of_its_share_too(self, connect: Connect, fault: Fault) -> None:
        engine = Engine(users=2, tasks_per_user=1)
        engine.inject_fault(fault, times=10_000, retry_after="1")
        gong = await connect(engine)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(86_400 / 4):
                await anext(gong.watch(engine.user_ids, share=0.05))
        assert 70 <= engine.ledger.calls <= 125 + 61

    async def test_survives_a_failed_listing(
        self, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine = Engine(users=1, tasks_per_user=3)
        gong = await connect(engine)
        stream = gong.watch(engine.user_ids, share=0.5)
        coming = asyncio.create_task(events_of(stream, 1))
        await asyncio.sleep(5)
        engine.inject_fault(Fault.SERVER_ERROR, times=4)
        await asyncio.sleep(60)
        next(iter(engine.tasks.values()))["title"] = "seen after all"
        (event,) = await coming
        assert isinstance(event, TaskChanged)
        assert "could not be listed" in caplog.text
        await stream.aclose()

    async def test_refuses_at_once_what_is_no_user_s_id(self, connect: Connect) -> None:
        gong = await connect(Engine(users=1))
        with pytest.raises(InvalidValueError, match=r"ana@example\.com.*'x' is not a user's id"):
            gong.watch(["7", "ana@example.com", "x"])

    async def test_a_single_id_is_one_user(self, connect: Connect) -> None:
        engine = Engine(users=1, tasks_per_user=3)
        gong = await connect(engine)
        stream = gong.watch(engine.user_ids[0], share=0.5)
        coming = asyncio.create_task(events_of(stream, 1))
        await asyncio.sleep(60)
        next(task for task in engine.tasks.values() if task["status"] == "OPEN")["status"] = "DONE"
        assert isinstance((await coming)[0], TaskGone)
        await stream.aclose()

    async def test_raises_what_concerns_every_call(self, connect: Connect) -> None:
        engine = Engine(users=1, account=Account.INACTIVE)
        gong = await connect(engine)
        with pytest.raises(InactiveCompanyError):
            await anext(gong.watch(engine.user_ids))

    async def test_remembers_across_restarts(self, connect: Connect, tmp_path: Path) -> None:
        engine = Engine(users=1, tasks_per_user=3)
        gong = await connect(engine)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await anext(gong.watch(engine.user_ids, state=tmp_path / "watched.json"))
        changed = next(iter(engine.tasks.values()))
        changed["title"] = "changed while nobody looked"
        event = await anext(gong.watch(engine.user_ids, state=tmp_path / "watched.json"))
        assert isinstance(event, TaskChanged)
        assert event.after.title == changed["title"]
        assert (tmp_path / "watched.json").stat().st_mode & 0o077 == 0

    async def test_refuses_a_file_of_something_else(self, connect: Connect, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("my notes", encoding="utf-8")
        gong = await connect(Engine(users=1))
        with pytest.raises(ValueError, match=r"notes\.txt is not a file of watched tasks"):
            await anext(gong.watch(["1"], state=tmp_path / "notes.txt"))
        assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "my notes"

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    async def test_neither_waits_for_a_pipe_nor_digs_into_nested_nonsense(
        self, connect: Connect, tmp_path: Path
    ) -> None:
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "deep").write_text('{"watched": {"1": ' + "[" * 100_000, encoding="utf-8")
        gong = await connect(Engine(users=1))
        for name in ("pipe", "deep"):
            with pytest.raises(ValueError, match=name):
                await anext(gong.watch(["1"], state=tmp_path / name))

    @pytest.mark.parametrize("share", [0.0, -1.0, 1.1, float("nan")])
    async def test_a_share_is_a_part_of_the_day(self, connect: Connect, share: float) -> None:
        gong = await connect(Engine(users=1))
        with pytest.raises(ValueError, match="share must be more than 0 and at most 1"):
            gong.watch(["1"], share=share)

    async def test_goes_on_while_the_quota_cannot_be_asked(self, connect: Connect) -> None:
        engine = Engine(users=1, tasks_per_user=3)
        stream = (await connect(engine, quota=Unseen())).watch(engine.user_ids, share=0.5)
        coming = asyncio.create_task(events_of(stream, 1))
        await asyncio.sleep(60)
        next(iter(engine.tasks.values()))["title"] = "seen all the same"
        assert isinstance((await coming)[0], TaskChanged)
        await stream.aclose()

    async def test_leaves_the_client_s_other_calls_as_they_are(self, connect: Connect) -> None:
        engine = Engine(users=1, tasks_per_user=3)
        gong = await connect(engine)
        stream = gong.watch(engine.user_ids, share=0.5)
        coming = asyncio.create_task(events_of(stream, 1))
        await asyncio.sleep(5)
        assert gong._caller(Lane.BULK).retry == RetryPolicy()
        coming.cancel()
