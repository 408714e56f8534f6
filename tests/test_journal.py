from __future__ import annotations

import os
import pickle
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from gong_tasks_async import GongError, JournalError, TaskNotFoundError, TaskStatus, TaskUpdate
from gong_tasks_async.bulk import (
    JournalReader,
    JournalRow,
    RowCounts,
    RowState,
    RunRecord,
    journal_file,
    journal_reader,
    open_journal,
)
from gong_tasks_async.bulk.journal import Journal
from gong_tasks_async.bulk.journal_schema import JobIdentity
from gong_tasks_async.bulk.plan import identity_of

PENDING, UPDATED, UNCHANGED, SKIPPED, FAILED = RowState


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "job"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_file, "LOCK_TIMEOUT", 0.01)


def done(*task_ids: int, user_id: str = "1") -> list[TaskUpdate]:
    return [TaskUpdate(task_id, user_id, status="DONE") for task_id in task_ids]


def settled(task_id: int, state: RowState, attempts: int = 1, request_id: str | None = None) -> JournalRow:
    return JournalRow(done(task_id)[0], state, attempts, request_id)


def updated(*task_ids: int) -> list[JournalRow]:
    return [settled(task_id, UPDATED, 1, f"request {task_id}") for task_id in task_ids]


def names(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()}


def every_pending(journal: Journal, limit: int = 2) -> list[TaskUpdate]:
    found: list[TaskUpdate] = []
    after = 0
    while page := journal.pending(after, limit):
        found += [row.update for row in page]
        after = page[-1].number
    return found


# The plan


def test_a_plan_comes_back_in_its_order_page_by_page(path: Path) -> None:
    updates = done(7, 3, 9, 1, 2)
    with Journal.create_or_open(path, iter(updates)) as journal:
        assert [row[:2] for row in journal.pending(0, 2)] == [(1, updates[0]), (2, updates[1])]
        assert every_pending(journal) == updates
        assert journal.counts() == RowCounts(pending=5)
        assert journal.counts().total == 5
        assert abs(datetime.now(UTC) - journal.created_at) < timedelta(minutes=1)
        assert journal.path == path


def test_identical_rows_are_one_and_what_is_as_wanted_is_settled_from_the_start(path: Path) -> None:
    with Journal.create_or_open(path, done(1, 2, 1), unchanged=done(3, 2, 3)) as journal:
        assert journal.counts() == RowCounts(pending=2, unchanged=1)
        assert [(row.update.task_id, row.state) for row in journal.rows()] == [
            (1, PENDING),
            (2, PENDING),
            (3, UNCHANGED),
        ]
        assert [row.settled_at for row in journal.rows(UNCHANGED)] == [journal.created_at]


def test_the_same_moment_in_two_zones_is_one_wish(path: Path) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    abroad = noon.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with Journal.create_or_open(
        path, [TaskUpdate(1, "1", due_date=moment) for moment in (noon, abroad)]
    ) as one:
        assert one.counts().total == 1
    Journal.create_or_open(path, [TaskUpdate(1, "1", due_date=abroad)]).close()


@pytest.mark.parametrize("where", ["updates", "unchanged"])
def test_two_wishes_for_one_task_are_refused_with_both_and_nothing_is_left(where: str, path: Path) -> None:
    first, second = TaskUpdate(7, "1", status="DONE"), TaskUpdate(7, "1", status="DISMISSED")
    updates, unchanged = ([first, second], []) if where == "updates" else ([first], [second])
    with pytest.raises(JournalError, match=r"task 7: .*DONE.*DISMISSED"):
        Journal.create_or_open(path, updates, unchanged=unchanged)
    assert names(path) == {"job-lock"}
    Journal.create_or_open(path, [second]).close()


@pytest.mark.parametrize(
    "trouble", [OSError("the CSV is gone"), KeyboardInterrupt(), sqlite3.Error("theirs")]
)
def test_an_iterable_that_breaks_leaves_nothing_and_its_own_error(trouble: BaseException, path: Path) -> None:
    def updates() -> Iterator[TaskUpdate]:
        yield from done(1, 2)
        raise trouble

    with pytest.raises(type(trouble)) as caught:
        Journal.create_or_open(path, updates())
    assert caught.value is trouble
    assert names(path) == {"job-lock"}


@pytest.mark.parametrize(
    "values", [{"status": TaskStatus("\ud800")}, {"priority": "\ud800"}], ids=["status", "priority"]
)
def test_a_word_that_no_file_can_hold_makes_no_update(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="TaskUpdate refused"):
        TaskUpdate(1, "1", **values)


def test_an_empty_file_is_taken_and_stays_private(path: Path) -> None:
    path.touch(mode=0o600)
    Journal.create_or_open(path, done(1)).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_log_of_a_database_that_is_gone_is_not_played_into_the_new_one(path: Path) -> None:
    journal = Journal.create_or_open(path, done(*range(1, 99)))
    journal.settle(updated(*range(1, 50)))
    log = Path(f"{path}-wal").read_bytes()
    journal.close()
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)
    with Journal.create_or_open(path, done(*range(1, 99))) as new:
        assert new.counts() == RowCounts(pending=98)


# Outcomes


def test_an_outcome_is_kept_with_all_that_is_known(path: Path) -> None:
    error = TaskNotFoundError(
        method="PATCH",
        url="https://x/v2/tasks/2",
        attempts=3,
        status=404,
        errors=("no such task \ud83d",),
        request_id="r-2",
    )
    with Journal.create_or_open(path, done(1, 2)) as journal:
        journal.settle([JournalRow(done(2)[0], FAILED, 3, "r-2", error)])
        (row,) = journal.rows(FAILED)
        assert row.settled_at is not None
        assert abs(datetime.now(UTC) - row.settled_at) < timedelta(minutes=1)
        assert (row.attempts, row.request_id, row.status) == (3, "r-2", 404)
        assert (row.error_kind, row.error) == ("TaskNotFoundError", str(error))
        assert type(row.cause) is TaskNotFoundError
        assert every_pending(journal) == done(1)
        assert list(journal.rows(PENDING)) == [JournalRow(done(1)[0], PENDING)]


def test_the_first_outcome_stands(path: Path) -> None:
    with Journal.create_or_open(path, done(1, 2)) as journal:
        journal.settle(updated(1))
        first = list(journal.rows(UPDATED))
        journal.settle([settled(1, FAILED, 9), *updated(2), settled(2, FAILED, 9)])
        assert journal.counts() == RowCounts(updated=2)
        assert list(journal.rows(UPDATED))[:1] == first


def test_a_task_that_is_not_in_the_plan_is_an_error_and_none_of_its_batch_is_recorded(path: Path) -> None:
    with Journal.create_or_open(path, done(1)) as journal:
        with pytest.raises(ValueError, match="task 5"):
            journal.settle([*updated(1), *updated(5)])
        assert journal.counts() == RowCounts(pending=1)
        journal.settle([])


def test_pending_is_no_outcome(path: Path) -> None:
    with Journal.create_or_open(path, done(1)) as journal, pytest.raises(ValueError, match="not settled"):
        journal.settle([settled(1, PENDING)])


def test_a_journal_goes_on_where_it_was_left_with_the_updates_or_without(path: Path) -> None:
    with Journal.create_or_open(path, done(1, 2, 3)) as journal:
        journal.settle(updated(2))
    with Journal.create_or_open(str(path), done(3, 3), unchanged=done(2, 1)) as journal:  # in any order
        assert every_pending(journal) == done(1, 3)
        journal.settle(updated(1))
    with Journal.create_or_open(path, None) as journal:
        assert every_pending(journal) == done(3)


# Reports


def test_it_is_read_while_a_run_writes_it_and_cannot_be_changed(path: Path) -> None:
    updates = done(1, 2) + done(3, user_id="2")
    with Journal.create_or_open(path, updates) as journal, open_journal(str(path)) as reader:
        journal.settle(updated(1, 3))
        assert reader.counts() == journal.counts() == RowCounts(pending=1, updated=2)
        assert reader.by_user() == {"1": RowCounts(pending=1, updated=1), "2": RowCounts(updated=1)}
        assert [row.request_id for row in reader.rows()] == ["request 1", None, "request 3"]
        assert reader.created_at == journal.created_at
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._database.execute("DELETE FROM rows")
    with open_journal(path) as reader:
        assert reader.counts().settled == 2


def test_a_report_that_takes_its_time_does_not_hold_the_run_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_reader, "PAGE", 2)
    with Journal.create_or_open(path, done(*range(1, 8))) as journal:
        seen = []
        for row in journal.rows():
            journal.settle(updated(row.update.task_id))
            seen.append(row.update.task_id)
        assert seen == list(range(1, 8))


def test_the_timeline_has_every_outcome_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal.create_or_open(path, done(*range(1, 9)), unchanged=done(9)) as journal:
        assert journal.timeline(4) == []
        for task_id, now in enumerate((100.0, 101.0, 120.0, 160.0, 199.9, 200.0), 1):
            monkeypatch.setattr("time.time", lambda now=now: now)
            journal.settle([settled(task_id, FAILED if task_id == 3 else UPDATED)])
        moments = [datetime.fromtimestamp(second, UTC) for second in (100, 125, 150, 175)]
        assert journal.timeline(4) == list(zip(moments, (2, 0, 1, 2), (1, 0, 0, 0), strict=True))
        assert [line[1:] for line in journal.timeline(1)] == [(5, 1)]
        with pytest.raises(ValueError, match="at least 1"):
            journal.timeline(0)


def test_a_single_moment_is_a_timeline_of_seconds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal.create_or_open(path, done(1)) as journal:
        monkeypatch.setattr("time.time", lambda: 100.0)
        journal.settle(updated(1))
        moments = [datetime.fromtimestamp(second, UTC) for second in (100, 101, 102)]
        assert journal.timeline(3) == list(zip(moments, (1, 0, 0), (0, 0, 0), strict=True))


# At rest


def test_a_closed_journal_is_one_plain_file_and_stays_so_when_it_is_read(path: Path) -> None:
    with Journal.create_or_open(path, done(1)) as journal:
        journal.settle(updated(1))
    journal.close()
    with open_journal(path) as reader:
        assert reader.counts() == RowCounts(updated=1)
    assert names(path) == {"job", "job-lock"}
    assert Path(f"{path}-lock").stat().st_size == 0
    with pytest.raises(JournalError, match="closed"):
        journal.counts()


def test_closing_under_a_readers_eyes_waits_for_nobody(path: Path) -> None:
    with open_after(path) as reader:
        assert reader.counts() == RowCounts(updated=1)
    with Journal.create_or_open(path, None) as journal:
        assert journal.counts() == RowCounts(updated=1)


def open_after(path: Path) -> JournalReader:
    with Journal.create_or_open(path, done(1)) as journal:
        reader = open_journal(path)
        journal.settle(updated(1))
    return reader


def test_a_forgotten_journal_frees_its_file(path: Path) -> None:
    Journal.create_or_open(path, done(1))
    Journal.create_or_open(path, done(1)).close()


def test_the_error_survives_pickling_and_is_of_the_family() -> None:
    error = JournalError(path="/job", reason="it is full")
    duplicate = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert isinstance(duplicate, GongError)
    assert (type(duplicate), str(duplicate)) == (
        JournalError,
        "The journal /job: it is full. See errors/journal.",
    )


# For any plan


# Whole seconds, as in historic zones: Python itself does not read back all that are finer.
offsets = st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds)))
moments = st.datetimes(timezones=offsets).filter(lambda moment: 1 < moment.year < 9999)
words = st.sampled_from(["SNOOZED", "WAITING_FOR_2", "X"])
printable = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1).filter(str.isprintable)


@st.composite
def an_update(draw: st.DrawFn) -> TaskUpdate:
    status = draw(st.none() | st.sampled_from(TaskStatus) | words.map(TaskStatus))
    due_date, priority = draw(st.none() | moments), draw(st.none() | printable)
    if (status, due_date, priority) == (None, None, None):
        status = TaskStatus.OPEN
    task_id = draw(st.integers(1, 2**63 - 1))
    user_id = str(draw(st.integers(1, 2**64)))
    return TaskUpdate(task_id, user_id, status=status, due_date=due_date, priority=priority)


plans = st.lists(an_update(), max_size=12, unique_by=lambda update: update.task_id)


def offset(update: TaskUpdate) -> timedelta | None:
    return None if update.due_date is None else update.due_date.utcoffset()


@settings(max_examples=60, deadline=None)
@given(plans, st.randoms())
def test_any_plan_comes_back_and_is_known_again_in_any_order_and_with_repetitions(
    updates: list[TaskUpdate], chance: random.Random
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "job"
        with Journal.create_or_open(path, updates + updates[:3]) as journal:
            found = every_pending(journal, 5)
            assert found == updates
            assert [offset(update) for update in found] == [offset(update) for update in updates]
        shuffled = chance.sample(updates, len(updates))
        Journal.create_or_open(path, shuffled + shuffled[:2]).close()
        if updates:
            with pytest.raises(JournalError, match="another job's"):
                Journal.create_or_open(path, shuffled[1:])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from([UPDATED, FAILED]), st.booleans(), st.booleans()))
)
def test_settled_in_any_batches_and_reopened_after_any_of_them_the_first_outcomes_stand(
    steps: list[tuple[int, RowState, bool, bool]],
) -> None:
    expected: dict[int, RowState] = dict.fromkeys(range(1, 10), PENDING)
    with TemporaryDirectory() as folder:
        path, batch = Path(folder) / "job", list[JournalRow]()
        journal = Journal.create_or_open(path, done(*expected))
        for task_id, state, commits, reopens in steps:
            batch.append(settled(task_id, state))
            if commits:
                journal.settle(batch)
                for row in batch:
                    expected[row.update.task_id] = (
                        row.state if expected[row.update.task_id] is PENDING else expected[row.update.task_id]
                    )
                batch = []
            if reopens:
                journal.close()
                journal, batch = Journal.create_or_open(path, done(*expected)), []
        assert {row.update.task_id: row.state for row in journal.rows()} == expected
        assert every_pending(journal) == done(*(task for task, state in expected.items() if state is PENDING))
        journal.close()


# Versions


def test_a_job_is_known_by_the_fingerprint_that_earlier_versions_wrote(path: Path) -> None:
    """Were it computed in another way, no journal of an earlier version could be resumed with its file."""
    due = datetime(2026, 3, 2, 13, tzinfo=timezone(timedelta(hours=1)))
    job = JobIdentity("6349ecd776e4a231977e83578906cda6", rows=2)
    updates = [*done(1, user_id="7"), TaskUpdate(2, "7", priority="HIGH", due_date=due)]
    assert identity_of(updates) == job
    with Journal.create_or_open(path, updates) as journal:
        assert journal.job == job


OLD = """
BEGIN;
CREATE TABLE job (only INTEGER PRIMARY KEY CHECK (only = 1), fingerprint TEXT NOT NULL, rows INTEGER NOT NULL,
    created_at REAL NOT NULL);
CREATE TABLE rows (number INTEGER PRIMARY KEY, task_id INTEGER NOT NULL UNIQUE, user_id TEXT NOT NULL, status TEXT,
    due_date TEXT, priority TEXT, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, request_id TEXT, error TEXT,
    error_kind TEXT, http_status INTEGER, settled_at REAL);
INSERT INTO rows VALUES (1, 1, '1', 'DONE', NULL, NULL, 'failed', 2, 'r-1', 'no such task', 'TaskNotFoundError', 404, 5.0);
INSERT INTO rows VALUES (2, 2, '1', 'DONE', NULL, NULL, 'updated', 1, 'r-2', NULL, NULL, NULL, 9.0);
INSERT INTO rows VALUES (3, 3, '1', 'DONE', NULL, NULL, 'pending', 0, NULL, NULL, NULL, NULL, NULL);
CREATE INDEX rows_by_state ON rows (state);
PRAGMA application_id = 0x476F6E6A;
PRAGMA user_version = 1;
COMMIT;
"""


@pytest.fixture
def old(path: Path) -> Path:
    """A journal as version 1 wrote it."""
    job = identity_of(done(1, 2, 3))
    with closing(sqlite3.connect(path)) as database:
        database.executescript(OLD)
        database.execute("INSERT INTO job VALUES (1, ?, ?, 1.0)", (job.fingerprint, job.rows))
        database.commit()
    return path


def test_a_journal_of_version_1_is_read_as_it_is(old: Path) -> None:
    before = old.read_bytes()
    with open_journal(old) as journal:
        assert journal.counts() == RowCounts(updated=1, failed=1, pending=1)
        [failed] = journal.rows(FAILED)
        assert (failed.error, failed.error_kind, failed.status) == ("no such task", "TaskNotFoundError", 404)
        assert (journal.facts, journal.users, journal.runs(), journal.company) == ({}, {}, [], None)
        report = journal.report()
    assert (report.calls, report.elapsed, report.failures[0].status) == (3, 8.0, 404)
    assert old.read_bytes() == before


def test_a_journal_of_version_1_is_resumed_and_remembers_from_then_on(old: Path) -> None:
    with Journal.create_or_open(old, done(3, 2, 1)) as journal:
        journal.begin_run()
        assert every_pending(journal) == done(3)
        journal.settle(updated(3))
        journal.end_run(RunRecord(calls=1))
    with open_journal(old) as reader:
        assert reader.counts() == RowCounts(updated=2, failed=1)
        assert [(run.calls, run.seconds >= 0) for run in reader.runs()] == [(1, True)]


def test_every_spoiled_byte_is_refused_by_name_or_does_no_harm(path: Path) -> None:
    with Journal.create_or_open(path, done(*range(1, 40))) as journal:
        journal.settle(updated(*range(1, 9)))
    whole, chance = path.read_bytes(), random.Random(7)
    for _ in range(150):
        spoiled = bytearray(whole)
        for _ in range(chance.choice((1, 2, 30))):
            spoiled[chance.randrange(len(whole))] = chance.randrange(256)
        path.write_bytes(spoiled)
        with suppress(JournalError), open_journal(path) as reader:
            (
                reader.counts(),
                list(reader.rows()),
                reader.by_user(),
                reader.runs(),
                reader.facts,
                reader.report(),
            )


@pytest.mark.parametrize("kind", ["VIEW", "TRIGGER"])
def test_a_journal_that_holds_code_is_refused(path: Path, kind: str) -> None:
    Journal.create_or_open(path, done(1)).close()
    code = "more AS SELECT * FROM rows" if kind == "VIEW" else "more AFTER UPDATE ON rows BEGIN SELECT 1; END"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"CREATE {kind} {code}")
        database.commit()
    for use in (open_journal, lambda path: Journal.create_or_open(path, None)):
        with pytest.raises(JournalError, match="changed by another program"):
            use(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_journal_is_for_its_owner_alone_whatever_the_umask(path: Path) -> None:
    before = os.umask(0o022)
    try:
        Journal.create_or_open(path, done(1)).close()
    finally:
        os.umask(before)
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "job": 0o600,
        "job-lock": 0o600,
    }
