"""The file with the day's count where other processes, a full disk or death come between."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from gong_tasks_async import AccessKey, Lane, LocalQuota, QuotaLimits, QuotaStoreError
from gong_tasks_async.quota.local import day_file
from gong_tasks_async.quota.local.day_file import SqliteStore
from gong_tasks_async.quota.local.day_store import Taken
from gong_tasks_async.simulator import DayLimit, Engine, Request, Response, SecondLimit, SimulatorThread
from tests.fakes import ScriptedClient, ScriptedTransport, answer

PROCESSES = 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "day"


def opened(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    store.count(0.0, 0.0)
    return store


def made(path: Path) -> int:
    return len(SqliteStore(path).count(time.time(), 0.0).made)


# Between any two statements


class Interrupted(sqlite3.Connection):
    """A connection before each statement of which something happens."""

    happens: Callable[[str], object] = staticmethod(lambda _: None)

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        type(self).happens(sql)
        return super().execute(sql, *args)

    def executescript(self, sql: str) -> sqlite3.Cursor:
        cursor = self.cursor()
        for statement in sql.split(";"):
            cursor = self.execute(statement)
        return cursor


@contextmanager
def interrupted(monkeypatch: pytest.MonkeyPatch, at: int, act: Callable[[], object]) -> Iterator[None]:
    """Let something happen before the statement of this number, whoever makes it."""
    statements, connect = iter(range(10**6)), sqlite3.connect
    monkeypatch.setattr(Interrupted, "happens", lambda _: act() if next(statements) == at else None)
    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, factory=Interrupted, **k))
        yield


class Killed(BaseException):
    pass


def die() -> None:
    raise Killed


@pytest.mark.parametrize("statement", range(20))
def test_a_process_killed_while_it_makes_the_file_leaves_one_that_others_can_use(
    statement: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted(monkeypatch, statement, die), contextlib.suppress(Killed):
        opened(path)
    assert SqliteStore(path).take(1.0, 0.0, 1) == Taken(1, 1)


@pytest.mark.parametrize("statement", range(20))
def test_two_processes_may_make_the_file_at_the_same_time(
    statement: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_file, "BUSY_TIMEOUT", 0.01)
    others: list[SqliteStore] = []

    def another() -> None:
        try:
            others.append(opened(path))
        except QuotaStoreError as error:
            assert "locked" in str(error)  # noqa: PT017 - it would wait, were we not the ones to wait for

    with interrupted(monkeypatch, statement, another):
        stores = [opened(path)]
    for number, each in enumerate([*stores, *others], 1):
        assert each.take(1.0, 0.0, 9) == Taken(number, number)


# A disk that is full, a file that is locked


def scripted(path: Path) -> tuple[ScriptedClient, ScriptedTransport]:
    limits = QuotaLimits(per_second=1_000.0, day_store=path)
    client = ScriptedClient(AccessKey("k", "s"), limits=limits)
    client.transport = transport = ScriptedTransport(answer())
    return client, transport


def database_of(client: ScriptedClient) -> sqlite3.Connection:
    assert isinstance(client.quota, LocalQuota)
    store = client.quota._budget._store
    assert isinstance(store, SqliteStore)
    store.count(0.0, 0.0)
    assert store._database is not None
    return store._database


@pytest.mark.virtual
async def test_a_full_disk_is_told_to_the_caller_no_call_is_sent_and_all_goes_on_once_there_is_room(
    path: Path,
) -> None:
    client, transport = scripted(path)
    database = database_of(client)
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    async with client:
        outcomes = await asyncio.gather(*(client.list_tasks("1") for _ in range(300)), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, QuotaStoreError)]
        filled = len(transport.sent)
        assert 0 < filled == 300 - len(refused) < 300
        assert {(error.attempts, "full" in str(error)) for error in refused} == {(0, True)}
        assert filled == made(path) == (await client.quota.snapshot()).used
        database.execute(f"PRAGMA max_page_count = {2 * pages}")
        await client.list_tasks("1")
        assert made(path) == filled + 1


FILL = """
import resource, signal, sys
from pathlib import Path
from gong_tasks_async.errors import QuotaStoreError
from gong_tasks_async.quota.local.day_file import SqliteStore, Taken
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store, taken, full = SqliteStore(Path(sys.argv[1])), 0, 0
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
for _ in range(200):
    try:
        store.take(1.0, 0.0, 10**6)
        taken += 1
    except QuotaStoreError:
        full += 1
before = len(store.count(1.0, 0.0).made)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.take(1.0, 0.0, 10**6)
print(taken, full, before)
"""


def test_a_file_that_may_not_grow_loses_no_call_and_counts_none_twice(path: Path) -> None:
    printed = subprocess.run([sys.executable, "-c", FILL, path], capture_output=True, text=True, check=True)  # noqa: S603
    taken, full, before = map(int, printed.stdout.split())
    assert full > 0
    assert before == taken
    assert made(path) == taken + 1


@pytest.mark.virtual
async def test_a_file_that_another_holds_too_long_is_told_and_the_loop_goes_on_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_file, "BUSY_TIMEOUT", 0.2)
    client, transport = scripted(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with blockbuster_ctx():
            async with client:
                call = asyncio.create_task(client.list_tasks("1"))
                passes = 0
                while not call.done():
                    passes += 1
                    await asyncio.sleep(0)
                with pytest.raises(QuotaStoreError, match="locked"):
                    await call
        holder.execute("ROLLBACK")
    assert passes > 10
    assert (transport.sent, made(path)) == ([], 0)


@pytest.mark.virtual
async def test_no_file_is_touched_in_the_loops_own_thread(path: Path) -> None:
    quota = LocalQuota(QuotaLimits(per_second=1_000.0, day_store=path, count_rate_limited=False))
    with blockbuster_ctx():
        turns = [await quota.acquire(Lane.BULK) for _ in range(5)]
        for turn in turns:
            quota.release(turn, status=429)
        quota.pause(100.0, day_spent=True)
        await asyncio.sleep(1.0)
        assert (await quota.snapshot()).used == 0
        await quota.estimate(5)
        waiting = asyncio.create_task(quota.acquire(Lane.BULK))
        await asyncio.sleep(0)
        waiting.cancel()


# Four processes


def started(program: str, *args: object) -> list[subprocess.Popen[str]]:
    """Start four processes, and wait until each says that it is ready."""
    command = [sys.executable, "-c", program, *map(str, args)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(PROCESSES)
    ]
    for each in running:
        assert each.stdout
        assert each.stdout.readline() == "ready\n"
    return running


SPEND = """
import sys, time
from pathlib import Path
from gong_tasks_async.quota.local.day_file import SqliteStore, Taken
print("ready", flush=True)
begins, stores = float(sys.stdin.readline()), []
for number in range(20):  # new files, opened by all in the same moment
    while time.time() < begins + 0.02 * number:
        pass
    stores.append(SqliteStore(Path(sys.argv[1] + str(number))))
taken = 0
while isinstance(stores[0].take(time.time(), 0.0, 400), Taken):
    taken += 1
print(taken)
"""


def test_four_processes_open_files_and_spend_at_once_and_never_take_more_than_allowed(path: Path) -> None:
    spenders, begins = started(SPEND, path), time.time() + 0.1
    for each in spenders:
        assert each.stdin
        each.stdin.write(f"{begins}\n")
        each.stdin.flush()
    shares = [int(each.communicate()[0] or -1) for each in spenders]
    assert min(shares) >= 0  # none has failed
    assert sum(shares) == made(Path(f"{path}0")) == 400


CALL = """
import asyncio, sys
from gong_tasks_async import AccessKey, GongTasksClient, QuotaLimits

async def main(url, key, secret, store):
    limits = QuotaLimits(per_second=5000.0, per_day=10**6, day_store=store)
    async with GongTasksClient(AccessKey(key, secret), base_url=url, limits=limits) as gong:
        async def work():
            while True:
                await gong.list_tasks("1")
        print("ready", flush=True)
        await asyncio.gather(*(work() for _ in range(4)))

asyncio.run(main(*sys.argv[1:]))
"""


class Deadly(Engine):
    """Kills one of its callers now and then, in the midst of whatever that one is doing."""

    def __init__(self) -> None:
        super().__init__(users=1, tasks_per_user=0, second_limit=SecondLimit.NONE, day_limit=DayLimit.NONE)
        self.victims: list[subprocess.Popen[str]] = []
        self.chance = random.Random(4)

    def answer(self, request: Request, now: float) -> Response:
        if self.victims and self.chance.random() < 0.05:
            self.victims.pop(self.chance.randrange(len(self.victims))).kill()
        return super().answer(request, now)


def test_killed_at_any_moment_the_count_is_never_below_what_gong_has_counted(path: Path) -> None:
    engine = Deadly()
    with SimulatorThread(engine) as gong:
        for killed in range(PROCESSES, 3 * PROCESSES, PROCESSES):
            callers = started(CALL, gong.base_url, gong.access_key, gong.access_key_secret, path)
            engine.victims = list(callers)
            for each in callers:
                each.communicate()
                assert each.returncode == -signal.SIGKILL
            arrived, counted = gong.ledger.calls, made(path)
            assert arrived <= counted <= gong.ledger.calls + 4 * killed
    assert gong.ledger.calls > 40
