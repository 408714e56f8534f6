"""The journal where death, a full disk or other processes come between."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gong_tasks_async import JournalError, TaskUpdate
from gong_tasks_async.bulk import JournalRow, RowCounts, RowState, journal_file, open_journal
from gong_tasks_async.bulk.journal import Journal
from gong_tasks_async.bulk.journal_file import JobFacts
from gong_tasks_async.bulk.outcomes import RecordedError

ROWS = 4_000
KILLS = 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "job"


def job(rows: int = ROWS) -> Iterator[TaskUpdate]:
    return (TaskUpdate(task_id, f"{task_id % 7}", status="DONE") for task_id in range(1, rows + 1))


def updated(*task_ids: int) -> list[JournalRow]:
    return [JournalRow(TaskUpdate(task_id, "1", status="DONE"), RowState.UPDATED, 1) for task_id in task_ids]


def failed(task_id: int) -> JournalRow:
    error = RecordedError(message="no " * 100, kind="GongError")
    return JournalRow(TaskUpdate(task_id, "1", status="DONE"), RowState.FAILED, 1, cause=error)


def started(program: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HEAD + program, *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603


def printed(program: str, *args: object) -> list[int]:
    """The numbers that a program says when it has ended well."""
    running = started(program, *args)
    numbers = running.communicate()[0].split()
    assert running.returncode == 0
    return [int(number) for number in numbers]


def assert_sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


HEAD = """
import itertools, sys, time
from pathlib import Path
from gong_tasks_async import TaskUpdate
from gong_tasks_async import JournalError
from gong_tasks_async.bulk import JournalRow, RowState
from gong_tasks_async.bulk.journal import Journal
from gong_tasks_async.bulk.outcomes import RecordedError
path = Path(sys.argv[1])
def job(rows):
    return (TaskUpdate(task_id, f"{task_id % 7}", status="DONE") for task_id in range(1, rows + 1))
def updated(*task_ids):
    return [JournalRow(TaskUpdate(task_id, "1", status="DONE"), RowState.UPDATED, 1) for task_id in task_ids]
def failed(task_id):
    error = RecordedError(message="no " * 100, kind="GongError")
    return JournalRow(TaskUpdate(task_id, "1", status="DONE"), RowState.FAILED, 1, cause=error)
"""

# Death

PLAN = """
for number in itertools.count():
    print(number, flush=True)
    Journal.create_or_open(f"{path}{number}", job(int(sys.argv[2]))).close()
"""
SETTLE = """
journal = Journal.create_or_open(path, job(int(sys.argv[2])))
print("ready", flush=True)
while page := journal.pending(0, 3):
    rows = updated(*(row.update.task_id for row in page))
    journal.settle(rows)
    print(*(row.update.task_id for row in rows), flush=True)
"""


def test_killed_while_plans_are_written_each_journal_is_whole_or_not_there(path: Path) -> None:
    chance = random.Random(4)
    began = 0
    for _ in range(KILLS):
        writer = started(PLAN, path, ROWS)
        assert writer.stdout
        writer.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.1))
        writer.kill()
        began = 1 + len(writer.communicate()[0].split())
        last = Path(f"{path}{began - 1}")
        with Journal.create_or_open(last, job()) as journal:
            assert journal.counts() == RowCounts(pending=ROWS)
        assert_sound(last)
        assert not Path(f"{last}-unfinished").exists()
        for file in path.parent.iterdir():
            file.unlink()
    assert began


def test_killed_while_outcomes_are_recorded_none_that_was_confirmed_is_lost(path: Path) -> None:
    chance = random.Random(5)
    confirmed: set[int] = set()
    for _ in range(KILLS):
        runner = started(SETTLE, path, ROWS)
        assert runner.stdout
        assert runner.stdout.readline() == "ready\n"
        first = runner.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.1))
        runner.kill()
        lines = [first, *runner.communicate()[0].splitlines(keepends=True)]
        confirmed.update(int(word) for line in lines if line.endswith("\n") for word in line.split())
        with open_journal(path) as reader:
            recorded = {row.update.task_id for row in reader.rows(RowState.UPDATED)}
            assert confirmed <= recorded
            assert len(recorded - confirmed) <= 3 * KILLS
        assert_sound(path)
    assert len(confirmed) > KILLS


class Killed(BaseException):
    pass


class Mortal(sqlite3.Connection):
    """Dies at one of its statements, without a goodbye to the file."""

    left = 10**9

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        self._count()
        return super().execute(sql, *args)

    def executemany(self, sql: str, *args: Any) -> sqlite3.Cursor:
        self._count()
        return super().executemany(sql, *args)

    def executescript(self, sql: str) -> sqlite3.Cursor:
        self._count()
        return super().executescript(sql)

    def _count(self) -> None:
        Mortal.left -= 1
        if Mortal.left == 0:
            raise Killed


@contextmanager
def dying_at(statement: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connect = sqlite3.connect
    monkeypatch.setattr(Mortal, "left", statement)
    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, factory=Mortal, **k))
        yield


@pytest.mark.parametrize("statement", range(1, 25))
def test_stopped_at_any_statement_it_goes_on_to_the_same_end(
    statement: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed: list[int] = []
    try:
        with dying_at(statement, monkeypatch), Journal.create_or_open(path, job(5)) as journal:
            for task_id in (1, 2, 3):
                journal.settle(updated(task_id))
                confirmed.append(task_id)
    except Killed:
        pass
    with Journal.create_or_open(path, job(5)) as journal:
        recorded = [row.update.task_id for row in journal.rows(RowState.UPDATED)]
        assert recorded == confirmed
        journal.settle(updated(1, 2, 3, 4, 5))
        assert journal.counts() == RowCounts(updated=5)
    assert_sound(path)


def test_a_new_journal_never_waits_for_a_rollback_that_no_reader_can_do(path: Path) -> None:
    journal_file.create(path, map(JournalRow, job(3)), JobFacts())
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with closing(journal_file.connect(path, "mode=ro")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


# Other processes


def test_one_in_use_by_another_process_is_refused_until_that_one_is_dead(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "LOCK_TIMEOUT", 0.01)
    holder = started(
        "journal = Journal.create_or_open(path, job(9)); print('ready', flush=True); time.sleep(600)", path
    )
    assert holder.stdout
    holder.stdout.readline()
    before = path.read_bytes()
    for updates in (job(9), job(8), None):
        with pytest.raises(JournalError, match="a running process uses it"):
            Journal.create_or_open(path, updates)
    assert path.read_bytes() == before
    with open_journal(path) as reader:
        assert reader.counts() == RowCounts(pending=9)
    holder.kill()
    holder.communicate()
    assert holder.returncode == -signal.SIGKILL
    Journal.create_or_open(path, job(9)).close()


OPEN = """
begins, won = float(sys.argv[2]), 0
for number in range(4):
    while time.time() < begins + 0.7 * number:
        pass
    try:
        kept = Journal.create_or_open(f"{path}{number}", job(50))
        won |= 1 << number
        globals()[f"kept_{number}"] = kept
    except JournalError as error:
        assert "a running process uses it" in str(error), error
print(won)
sys.stdout.flush()
sys.stdin.read()
"""


def test_of_two_that_start_at_the_same_moment_exactly_one_runs(path: Path) -> None:
    begins = time.time() + 1.0
    command = [sys.executable, "-c", HEAD + OPEN, str(path), str(begins)]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(2)
    ]
    won = [int(each.stdout.readline()) for each in both if each.stdout]
    for each in both:
        each.communicate("")
    assert won[0] ^ won[1] == won[0] | won[1] == 2**4 - 1


def test_threads_settle_and_read_at_once(path: Path) -> None:
    with Journal.create_or_open(path, job(400)) as journal:

        def settle(first: int) -> None:
            for task_id in range(first, 401, 4):
                journal.settle(updated(task_id))
                journal.pending(0, 5)

        threads = [threading.Thread(target=settle, args=(first,)) for first in (1, 2, 3, 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert journal.counts() == RowCounts(updated=400)


# A full disk


def settle_one_by_one(journal: Journal, outcomes: Iterator[JournalRow]) -> None:
    for outcome in outcomes:
        journal.settle([outcome])


def test_a_full_disk_is_told_what_was_recorded_stands_and_it_goes_on_once_there_is_room(path: Path) -> None:
    with Journal.create_or_open(path, job(500)) as journal:
        (pages,) = journal._database.execute("PRAGMA page_count").fetchone()
        journal._database.execute(f"PRAGMA max_page_count = {pages}")
        outcomes = map(failed, range(1, 501))
        with pytest.raises(JournalError, match=r"full.*What was recorded stands"):
            settle_one_by_one(journal, outcomes)
        full = next(outcomes).update.task_id - 2  # this one and the one before were not recorded
        assert journal.counts() == RowCounts(pending=500 - full, failed=full)
        journal._database.execute(f"PRAGMA max_page_count = {10 * pages}")
        journal.settle(updated(*range(1, 501)))
        assert journal.counts() == RowCounts(failed=full, updated=500 - full)
    assert_sound(path)


FILL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
room(100_000)
try:
    Journal.create_or_open(path, job(20_000))
except JournalError as error:
    assert "task" in str(error) or "made" in str(error), error
assert not path.exists() and not Path(f"{path}-unfinished").exists()
room(400_000)
journal, recorded, refused = Journal.create_or_open(path, job(2_000)), 0, 0
for task_id in range(1, 2_001):
    try:
        journal.settle([failed(task_id)])
        recorded += 1
    except JournalError:
        refused += 1
before = journal.counts().failed
room(resource.RLIM_INFINITY)
journal.settle(updated(*range(1, 2_001)))
print(recorded, refused, before, journal.counts().updated)
"""


def test_files_that_may_not_grow_lose_no_outcome_and_make_none_up(path: Path) -> None:
    recorded, refused, before, afterwards = printed(FILL, path)
    assert refused > 0
    assert recorded == before == 2_000 - afterwards
    assert_sound(path)


def test_a_page_that_was_spoilt_is_told(path: Path) -> None:
    Journal.create_or_open(path, job(500)).close()
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(JournalError, match="malformed"):
        open_journal(path)


# Many rows

GROW = """
import resource
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
journal = Journal.create_or_open(path, job(300_000))
sum(1 for _ in itertools.islice(journal.rows(), 20_000))
journal.close()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="counts ru_maxrss in bytes")
def test_300_000_rows_from_a_generator_cost_no_memory(path: Path) -> None:
    (megabytes,) = printed(GROW, path)
    assert megabytes < 15
