from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gong_tasks_async import AccessKey, Lane, LocalQuota, QuotaLimits, QuotaStoreError
from gong_tasks_async.quota.day import DAY, PROBE_INTERVAL, RollingDay
from gong_tasks_async.quota.local.day_file import APPLICATION_ID, SqliteStore
from gong_tasks_async.quota.local.day_store import Count, DayStore, MemoryStore, Taken
from tests.fakes import ScriptedClient

PROCESSES = 4


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> DayStore:
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "day")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "day"


# One contract


def taken(store: DayStore, now: float, since: float = 0.0, allowed: int = 100) -> Taken:
    answer = store.take(now, since, allowed)
    assert isinstance(answer, Taken)
    return answer


def test_calls_are_counted_up_to_what_is_allowed_and_then_told(store: DayStore) -> None:
    assert [taken(store, now, allowed=3).used for now in (1.0, 2.0, 3.0)] == [1, 2, 3]
    count = store.take(4.0, 0.0, 3)
    assert isinstance(count, Count)
    assert (count.made, count.paused_until) == ((1.0, 2.0, 3.0), 0.0)
    assert taken(store, 4.0, since=1.0, allowed=3).used == 3


def test_a_call_given_back_is_forgotten_once_and_no_other_with_it(store: DayStore) -> None:
    first, second = taken(store, 1.0), taken(store, 1.0)
    assert first.ticket != second.ticket
    store.give_back(first.ticket)
    store.give_back(first.ticket)
    store.give_back(10**6)
    assert store.count(1.0, 0.0).made == (1.0,)
    assert taken(store, 2.0).ticket not in {first.ticket, second.ticket}


def test_a_pause_stands_until_its_moment_and_a_shorter_one_does_not_cut_it(store: DayStore) -> None:
    store.pause(50.0, 10.0)
    store.pause(20.0, 11.0)
    assert store.take(49.9, 0.0, 3) == Count((), 50.0, 11.0 + PROBE_INTERVAL)
    assert taken(store, 50.0).used == 1


def test_one_call_an_hour_finds_out_whether_a_pause_still_holds(store: DayStore) -> None:
    store.pause(DAY, 0.0)
    for hour in (1, 2, 3):
        now = hour * PROBE_INTERVAL
        assert isinstance(store.take(now - 1.0, 0.0, 9), Count)
        assert taken(store, now).probe
        assert isinstance(store.take(now + 1.0, 0.0, 9), Count)
    store.reopen()
    assert not taken(store, 3.5 * PROBE_INTERVAL).probe


def test_a_day_spent_by_our_own_count_is_not_probed(store: DayStore) -> None:
    taken(store, 1.0)
    store.pause(DAY, 1.0)
    assert isinstance(store.take(3 * PROBE_INTERVAL, 0.0, 1), Count)


def test_only_a_pause_that_was_ended_counts_as_ended(store: DayStore) -> None:
    assert store.is_reopened()
    store.pause(1e12, 10.0)  # by a wrong clock: not believed, but not ended either
    assert store.count(10.0, 0.0).paused_until == 0.0
    assert not store.is_reopened()
    store.reopen()
    assert store.is_reopened()


def test_a_step_that_fails_in_the_middle_leaves_everything_as_it_was(path: Path) -> None:
    store = SqliteStore(path)
    store.pause(7_200.0, 0.0)
    with closing(sqlite3.connect(path)) as other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        with pytest.raises(QuotaStoreError, match="disk full"):  # the probe was noted by then
            store.take(PROBE_INTERVAL, 0.0, 3)
        other.execute("DROP TRIGGER full")
    assert store.count(PROBE_INTERVAL, 0.0) == Count((), 7_200.0, PROBE_INTERVAL)
    assert taken(store, PROBE_INTERVAL).probe
    assert not isinstance(store.take(PROBE_INTERVAL + 1, 0.0, 3), Taken)


def test_a_ticket_that_is_given_back_twice_is_given_back_once(store: DayStore) -> None:
    first, second = taken(store, 1.0), taken(store, 1.0)
    store.give_back(first.ticket)
    store.give_back(first.ticket)
    assert store.count(1.0, 0.0).made == (1.0,)
    store.give_back(second.ticket)
    assert store.count(1.0, 0.0).made == ()


def test_the_last_call_of_a_day_is_granted_and_the_next_one_not(store: DayStore) -> None:
    assert [taken(store, 5.0, allowed=2).used for _ in range(2)] == [1, 2]
    assert isinstance(store.take(5.0, 0.0, 2), Count)
    assert taken(store, 5.0 + DAY, since=5.0, allowed=1).used == 1  # a call of the very moment counts no more


def test_a_probe_is_due_at_its_moment_and_not_before(store: DayStore) -> None:
    store.pause(7_200.0, 0.0)
    assert isinstance(store.take(PROBE_INTERVAL - 0.001, 0.0, 3), Count)
    assert taken(store, PROBE_INTERVAL).probe
    assert taken(store, 7_200.0) == Taken(2, 2, probe=False)  # the pause is over at its end


def test_a_wall_clock_that_was_set_back_confuses_nobody(store: DayStore) -> None:
    for now in (100.0, 40.0, 70.0):
        taken(store, now)
    assert store.count(100.0, 0.0).made == (40.0, 70.0, 100.0)
    assert store.count(80.0, 0.0).made == (40.0, 70.0, 80.0)  # it was made before now, whatever it says
    assert taken(store, 105.0, since=50.0).used == 3


def test_calls_of_a_clock_that_was_ahead_count_no_more_once_it_is_right(store: DayStore) -> None:
    for ahead in (365 * DAY, 2 * DAY):
        taken(store, ahead)
    assert store.count(DAY / 2, 0.0).made == ()
    assert taken(store, DAY / 2, allowed=1).used == 1


def test_a_look_with_a_clock_far_ahead_forgets_nothing(store: DayStore) -> None:
    for now in (10.0, 20.0):
        taken(store, now)
    for ahead in (2 * DAY, 4 * 365 * DAY):
        assert store.count(ahead, ahead - DAY).made == ()
        taken(store, ahead, since=ahead - DAY)
    assert store.count(30.0, 30.0 - DAY).made == (10.0, 20.0)


def test_a_pause_noted_by_a_clock_that_was_ahead_is_not_believed_and_can_be_replaced(store: DayStore) -> None:
    store.pause(4 * 365 * DAY + 120.0, 4 * 365 * DAY)
    assert store.count(DAY, 0.0).paused_until == 0.0
    assert taken(store, DAY).used == 1
    store.pause(DAY + 100.0, DAY)
    assert store.count(DAY + 1.0, 0.0).paused_until == DAY + 100.0


@pytest.fixture
def ten_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("day_store", "day_file"):
        monkeypatch.setattr(f"gong_tasks_async.quota.local.{module}.KEPT_CALLS", 10)


@pytest.mark.usefixtures("ten_are_kept")
@pytest.mark.parametrize(("store", "most"), [("file", 11), ("memory", 20)], indirect=["store"])
def test_a_store_keeps_the_latest_calls_however_old_and_not_many_more(store: DayStore, most: int) -> None:
    for now in range(50):
        taken(store, now * DAY, since=(now - 1) * DAY)
        made = store.count(now * DAY, -1.0).made
        assert len(made) <= most
        assert list(made)[-10:] == [day * DAY for day in range(max(0, now - 9), now + 1)]


@pytest.mark.usefixtures("ten_are_kept")
def test_a_store_forgets_no_call_that_counts(store: DayStore) -> None:
    for now in range(50):
        assert taken(store, float(now), since=-1.0).used == now + 1
    assert store.count(49.0, -1.0).made == tuple(range(50))
    assert taken(store, 50.0, since=9.0).used == 41


@pytest.mark.usefixtures("ten_are_kept")
def test_of_the_calls_that_count_none_is_dropped_with_the_old_ones(store: DayStore) -> None:
    long_ago, a_day_ago, recent = (
        range(19),
        range(2 * int(DAY), 2 * int(DAY) + 5),
        [3.0 * DAY - 30 + n for n in range(15)],
    )
    for now in (*long_ago, *a_day_ago, *recent):
        taken(store, float(now), since=now - DAY)
    taken(store, 3 * DAY + 10, since=2 * DAY + 10)  # for which those of a day ago count no longer
    assert store.count(3 * DAY + 10, 2 * DAY + 10).made == (*recent, 3 * DAY + 10)


@pytest.mark.usefixtures("ten_are_kept")
@pytest.mark.parametrize("on_short_path", [False, True])
def test_memory_drops_old_calls_once_in_as_many_as_it_keeps(
    on_short_path: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, drops = MemoryStore(), calls_of(MemoryStore, "_prune", monkeypatch)
    for number in range(500):
        if on_short_path:
            assert store.count_now(number * DAY, RollingDay(), 99)
        else:
            taken(store, number * DAY, since=(number - 1) * DAY)
    assert 0 < len(drops) <= 500 / 10


def test_memory_looks_for_calls_that_count_no_longer_when_the_oldest_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, looks = MemoryStore(), calls_of(MemoryStore, "_expire", monkeypatch)
    for second in range(500):
        assert store.count_now(20 * DAY + second, RollingDay(), 1_000)
    assert looks == [20 * DAY]
    store.count_now(21 * DAY - 1, RollingDay(), 1_000)
    store.count_now(21 * DAY + 300.0, RollingDay(), 1_000)
    assert (looks, store.used) == ([20 * DAY, 21 * DAY + 300.0], 500 + 2 - 301)
    store.count_now(21 * DAY + 300.5, RollingDay(), 1_000)
    assert len(looks) == 2


def calls_of(kind: type, method: str, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """At which moments a method is called from now on."""
    moments, original = list[float](), getattr(kind, method)

    def noted(self: object, now: float, *others: object) -> None:
        moments.append(now)
        original(self, now, *others)

    monkeypatch.setattr(kind, method, noted)
    return moments


class BothAgree(RuleBasedStateMachine):
    """The file, the memory and a list of moments, told the same things."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.now, self.paused_until = 1_000.0, 0.0
        self.calls: list[tuple[float, int, int]] = []  # when, and both tickets
        self.memory, self.file = MemoryStore(), SqliteStore(Path(self.folder.name) / "day")

    def teardown(self) -> None:
        self.file.close()
        self.folder.cleanup()

    @property
    def since(self) -> float:
        return self.now - 100.0

    @property
    def made(self) -> tuple[float, ...]:
        return tuple(made for made, *_ in self.calls if made > self.since)

    @rule(later=st.sampled_from([0.0, 0.5, 3.0, 100.0]), allowed=st.integers(1, 6))
    def take(self, later: float, allowed: int) -> None:
        self.now += later
        answers = [store.take(self.now, self.since, allowed) for store in (self.memory, self.file)]
        if len(self.made) >= allowed or self.now < self.paused_until:
            assert isinstance(count := answers[0], Count)
            assert count == answers[1]
            assert (count.made, count.paused_until) == (self.made, self.paused_until)
            return
        memory, file = answers
        assert isinstance(memory, Taken)
        assert isinstance(file, Taken)
        assert memory.used == file.used == len(self.made) + 1
        self.calls.append((self.now, memory.ticket, file.ticket))

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        _, memory, file = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        self.memory.give_back(memory)
        self.file.give_back(file)

    @rule(seconds=st.integers(0, 5))
    def pause(self, seconds: int) -> None:
        self.paused_until = max(self.paused_until, self.now + seconds)
        self.memory.pause(self.now + seconds, self.now)
        self.file.pause(self.now + seconds, self.now)

    @rule()
    def restart(self) -> None:
        self.file.close()
        self.file = SqliteStore(Path(self.folder.name) / "day")

    @invariant()
    def all_count_the_same(self) -> None:
        count = self.memory.count(self.now, self.since)
        assert count == self.file.count(self.now, self.since)
        assert (count.made, count.paused_until) == (self.made, self.paused_until)


BothAgree.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
test_file_and_memory_agree_with_a_list_whatever_is_asked = BothAgree.TestCase


# Files that are not ours


def database(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


NOT_OURS: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"not a database, but somebody's diary " * 50),
    "theirs": lambda path: database(path, "CREATE TABLE theirs (a)", "INSERT INTO theirs VALUES (1)"),
    "their-empty-one": lambda path: database(path, "PRAGMA application_id = 7"),
    "newer": lambda path: database(
        path, f"PRAGMA application_id = {APPLICATION_ID}", "PRAGMA user_version = 2"
    ),
    "directory": lambda path: path.mkdir(),
}


def contents(folder: Path) -> dict[str, bytes | None]:
    return {each.name: each.read_bytes() if each.is_file() else None for each in folder.iterdir()}


@pytest.mark.parametrize("kind", NOT_OURS)
async def test_a_file_that_is_not_ours_is_refused_with_the_first_call_and_left_as_it_was(
    kind: str, tmp_path: Path
) -> None:
    NOT_OURS[kind](tmp_path / "day")
    before = contents(tmp_path)
    limits = QuotaLimits(day_store=tmp_path / "day")
    async with LocalQuota(limits) as quota, ScriptedClient(AccessKey("k", "s"), limits=limits) as client:
        for first in (lambda: quota.acquire(Lane.BULK), quota.snapshot, lambda: client.list_tasks("1")):
            with pytest.raises(QuotaStoreError, match=r"name (a new file|another)|upgrade") as refused:
                await first()
            assert refused.value.path == str(tmp_path / "day")
    assert contents(tmp_path) == before


SPOILED = {
    "text as the end of a pause": "UPDATE gate SET paused_until = 'soon'",
    "bytes as a moment": "UPDATE probe SET next_at = x'00'",
    "a view": "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON calls BEGIN DELETE FROM calls; END",
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_file_is_an_error_of_the_store(what: str, path: Path) -> None:
    SqliteStore(path).take(1e9, 0.0, 9)
    database(path, SPOILED[what])
    with pytest.raises(QuotaStoreError) as caught:
        SqliteStore(path).take(1e9, 0.0, 9)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("place", ["file/day", "missing/day", "/proc/day", "/proc/version"])
async def test_a_place_that_cannot_be_written_is_refused_with_the_first_call(
    place: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(QuotaStoreError, match="cannot be opened"):
        await LocalQuota(QuotaLimits(day_store=tmp_path / place)).acquire(Lane.BULK)


async def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    async with LocalQuota(QuotaLimits(day_store=path)) as quota:
        await quota.acquire(Lane.BULK)
        assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
    assert list(path.parent.iterdir()) == [path]  # closed, with its log


async def test_other_limits_for_the_same_file_are_reported(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for per_day in (10_000, 10_000, 700, 700):
        async with LocalQuota(QuotaLimits(per_day=per_day, day_store=path)) as quota:
            await quota.acquire(Lane.BULK)
    (record,) = caplog.records
    assert "per_day=10000" in record.getMessage()
    assert "now with per_second=3, per_day=700" in record.getMessage()


@pytest.mark.parametrize(
    "other",
    [
        {"per_second": 2.0},
        {"per_day": 700},
        {"interactive_reserve": 0},
        {"count_rate_limited": False},
        {"day_starts": time(3, tzinfo=UTC)},
    ],
)
async def test_whatever_decides_what_is_left_of_the_day_is_among_them(
    path: Path, other: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for limits in (QuotaLimits(day_store=path), QuotaLimits(day_store=path, **other)):
        async with LocalQuota(limits) as quota:
            await quota.snapshot()
    (record,) = caplog.records
    assert next(iter(other)) in record.getMessage()


def test_after_a_fork_parent_and_child_count_together(path: Path) -> None:
    store = SqliteStore(path)
    taken(store, 1.0)
    if (child := os.fork()) == 0:
        counted = store.take(2.0, 0.0, 9)
        os._exit(0 if counted == Taken(2, 2) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert taken(store, 3.0).used == 3


@pytest.mark.usefixtures("swept")
async def test_a_call_that_is_counted_while_the_loop_ends_troubles_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, proceed, troubles = threading.Event(), threading.Event(), list[object]()
    take = SqliteStore.take

    def slow(store: SqliteStore, now: float, since: float, allowed: int) -> Taken | Count:
        started.set()
        assert proceed.wait(120)
        return take(store, now, since, allowed)

    monkeypatch.setattr(SqliteStore, "take", slow)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: troubles.append(context))
    waiting = asyncio.create_task(LocalQuota(QuotaLimits(day_store=path)).acquire(Lane.BULK))
    await asyncio.to_thread(started.wait, 120)
    waiting.cancel()
    ending = asyncio.create_task(loop.shutdown_default_executor())  # as asyncio.run() does
    await asyncio.wait([waiting])
    proceed.set()
    await ending
    await asyncio.sleep(0)
    assert troubles == []
