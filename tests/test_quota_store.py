from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gong_tasks_async import AccessKey, Lane, LocalQuota, QuotaLimits, QuotaStoreError
from gong_tasks_async.quota.local.day_store import (
    APPLICATION_ID,
    Count,
    DayStore,
    MemoryStore,
    SqliteStore,
    Taken,
)
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
    assert store.take(4.0, 0.0, 3) == Count((1.0, 2.0, 3.0))
    assert taken(store, 4.0, since=1.0, allowed=3).used == 3


def test_a_call_given_back_is_forgotten_once_and_no_other_with_it(store: DayStore) -> None:
    first, second = taken(store, 1.0), taken(store, 1.0)
    assert first.ticket != second.ticket
    store.give_back(first.ticket)
    store.give_back(first.ticket)
    store.give_back(10**6)
    assert store.count(0.0).made == (1.0,)
    assert taken(store, 2.0).ticket not in {first.ticket, second.ticket}


def test_gongs_word_stands_until_its_moment_and_a_shorter_one_does_not_cut_it(store: DayStore) -> None:
    store.shut(50.0)
    store.shut(20.0)
    assert store.take(49.9, 0.0, 3) == Count((), 50.0)
    assert taken(store, 50.0).used == 1


def test_a_wall_clock_that_was_set_back_confuses_nobody(store: DayStore) -> None:
    for now in (100.0, 40.0, 70.0):
        taken(store, now)
    assert store.count(0.0).made == (40.0, 70.0, 100.0)
    assert taken(store, 105.0, since=50.0).used == 3


class BothAgree(RuleBasedStateMachine):
    """The file, the memory and a list of moments, told the same things."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.now, self.paused_until = 1_000.0, 0.0
        self.calls: list[tuple[float, int, int]] = []  # when, and both tickets
        self.memory, self.file = MemoryStore(), SqliteStore(Path(self.folder.name) / "day")

    def teardown(self) -> None:
        self.file._database.close()
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
            assert answers == [Count(self.made, self.paused_until)] * 2
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
    def shut(self, seconds: int) -> None:
        self.paused_until = max(self.paused_until, self.now + seconds)
        self.memory.shut(self.now + seconds)
        self.file.shut(self.now + seconds)

    @rule()
    def reopen(self) -> None:
        self.file._database.close()
        self.file = SqliteStore(Path(self.folder.name) / "day")

    @invariant()
    def all_count_the_same(self) -> None:
        assert (
            self.memory.count(self.since)
            == self.file.count(self.since)
            == Count(self.made, self.paused_until)
        )


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
def test_a_file_that_is_not_ours_is_refused_when_the_client_is_built_and_left_as_it_was(
    kind: str, tmp_path: Path
) -> None:
    NOT_OURS[kind](tmp_path / "day")
    before = contents(tmp_path)
    limits = QuotaLimits(day_store=tmp_path / "day")
    for build in (lambda: LocalQuota(limits), lambda: ScriptedClient(AccessKey("k", "s"), limits=limits)):
        with pytest.raises(QuotaStoreError, match=r"name (a new file|another)|upgrade") as refused:
            build()
        assert refused.value.path == str(tmp_path / "day")
        del refused  # and the connection with it
    assert contents(tmp_path) == before


@pytest.mark.parametrize("place", ["file/day", "missing/day", "/proc/day", "/proc/version"])
def test_a_place_that_cannot_be_written_is_refused_when_the_quota_is_built(
    place: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(QuotaStoreError, match="cannot be opened"):
        LocalQuota(QuotaLimits(day_store=tmp_path / place))


async def test_a_call_that_is_counted_while_the_loop_ends_troubles_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, troubles = threading.Event(), threading.Event(), list[object]()
    take = SqliteStore.take

    def slow(store: SqliteStore, now: float, since: float, allowed: int) -> Taken | Count:
        begun.set()
        assert go_on.wait(10)
        return take(store, now, since, allowed)

    monkeypatch.setattr(SqliteStore, "take", slow)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: troubles.append(context))
    waiting = asyncio.create_task(LocalQuota(QuotaLimits(day_store=path)).acquire(Lane.BULK))
    await asyncio.to_thread(begun.wait, 10)
    waiting.cancel()
    ending = asyncio.create_task(loop.shutdown_default_executor())  # as asyncio.run() does
    await asyncio.wait([waiting])
    go_on.set()
    await ending
    await asyncio.sleep(0)
    assert troubles == []
