"""What is not this job's journal is refused, and left as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gong_tasks_async.bulk import journal_file
from gong_tasks_async.bulk.journal import Journal, JournalError, open_journal
from gong_tasks_async.quota.local.day_file import SqliteStore
from tests.test_journal import done, names, updated


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "job"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_file, "LOCK_TIMEOUT", 0.01)


def another_job(path: Path) -> None:
    with Journal.create_or_open(path, done(1, 3)) as journal:
        journal.settle(updated(1))


def a_killed_run_of_another_job(path: Path) -> None:
    journal = Journal.create_or_open(path, done(1, 3))
    journal.settle(updated(1))
    left = {file: file.read_bytes() for file in (path, Path(f"{path}-wal"))}
    journal.close()
    for file, content in left.items():
        file.write_bytes(content)


def a_newer_version(path: Path) -> None:
    another_job(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 3")


def the_count_of_the_day(path: Path) -> None:
    store = SqliteStore(path)
    store.count(0.0, 0.0)
    store.close()


def another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE rows (number)")


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "another job": (another_job, "another job's journal"),
    "another job, killed": (a_killed_run_of_another_job, "another job's journal"),
    "newer": (a_newer_version, "newer version .* upgrade"),
    "the day's count": (the_count_of_the_day, "another program's database"),
    "another program": (another_program, "another program's database"),
    "a CSV": (lambda path: path.write_text("task_id,status\n" * 99), "not a journal, nor a database"),
    "a few bytes": (lambda path: path.write_bytes(b"\0"), "another program's"),
    "a directory": (Path.mkdir, "a directory"),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_this_jobs_journal_is_refused_and_not_a_byte_of_it_changes(
    make: Callable[[Path], object], says: str, path: Path
) -> None:
    make(path)
    before, there = contents(path), names(path)
    for updates in (done(1, 2), done(1), []):
        with pytest.raises(JournalError, match=says) as caught:
            Journal.create_or_open(path, updates)
        assert caught.value.path == str(path)
    assert contents(path) == before
    if "another job" not in says:
        with pytest.raises(JournalError, match=says):
            open_journal(path)
        assert names(path) == there


def contents(path: Path) -> dict[str, bytes]:
    """Of all files but the log's index, which is SQLite's scratch memory, and the empty lock."""
    files = (file for file in path.parent.iterdir() if file.is_file() and not file.name.endswith("-shm"))
    return {file.name: content for file in files if (content := file.read_bytes())}


@pytest.mark.parametrize("where", ["nowhere/job", "file/job"])
def test_a_place_that_is_not_there_is_told(where: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="its folder does not exist"):
        Journal.create_or_open(tmp_path / where, done(1))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that not even root may write to")
def test_a_place_that_cannot_be_written_is_told() -> None:
    with pytest.raises(JournalError, match="cannot be locked"):
        Journal.create_or_open(Path("/proc/job"), done(1))


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="a device")
def test_a_device_is_no_place_for_a_journal() -> None:
    with pytest.raises(JournalError, match="device"):
        Journal.create_or_open(Path("/dev/null"), done(1))


def test_links_in_a_circle_are_no_journal(tmp_path: Path) -> None:
    loop = tmp_path / "loop.gong"
    loop.symlink_to(loop)
    with pytest.raises(JournalError):
        open_journal(loop)
    with pytest.raises(JournalError):
        Journal.create_or_open(loop, done(1))


def test_there_must_be_something_to_go_on_with_or_to_read(path: Path) -> None:
    with pytest.raises(JournalError, match="none to resume"):
        Journal.create_or_open(path, None)
    with pytest.raises(JournalError, match="there is none"):
        open_journal(path)
    assert not path.exists()


def test_one_in_use_by_this_process_is_refused_under_any_name(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    with Journal.create_or_open(path, done(1)):
        before = contents(path)
        for name in (path, link):
            with pytest.raises(JournalError, match="a running process uses it"):
                Journal.create_or_open(name, done(1))
        assert contents(path) == before
    Journal.create_or_open(link, done(1)).close()


def test_a_lock_file_that_is_something_else_is_told(path: Path) -> None:
    Path(f"{path}-lock").write_text("mine" * 999)
    with pytest.raises(JournalError, match="cannot be locked"):
        Journal.create_or_open(path, done(1))
    assert Path(f"{path}-lock").read_text() == "mine" * 999


def test_a_refusal_frees_the_file_though_its_error_is_kept(path: Path) -> None:
    Journal.create_or_open(path, done(1)).close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TABLE job")
    kept = []
    for _ in range(2):
        with pytest.raises(JournalError, match="no such table") as caught:
            Journal.create_or_open(path, None)
        kept.append(caught.value)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("attempts", b"x"),
        ("request_id", b"x"),
        ("reason", b"x"),
        ("facts", '{"class":"TransportError","url":[]}'),
        ("facts", "[" * 5000),
        ("error", b"x"),
        ("settled_at", 1e300),
        ("settled_at", -(2**63)),
    ],
)
def test_values_that_no_run_has_written_are_an_error_of_the_journal(
    column: str, value: object, path: Path
) -> None:
    another_job(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"UPDATE rows SET {column} = ? WHERE state != 'pending'", (value,))  # noqa: S608 - ours
        database.commit()
    with open_journal(path) as journal:
        for look in (journal.report, lambda: str(list(journal.rows()))):
            with pytest.raises(JournalError, match="values that no run has written"):
                look()


@pytest.mark.parametrize("column", ["began_at", "ended_at", "resume_after"])
@pytest.mark.parametrize("moment", [-(2**63), 2**63 - 1, 1e300])
def test_so_are_moments_of_a_run_beyond_the_calendar(column: str, moment: float, path: Path) -> None:
    with Journal.create_or_open(path, done(1)) as journal:
        journal.begin_run()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"UPDATE runs SET {column} = ?", (moment,))  # noqa: S608 - ours
    with open_journal(path) as journal, pytest.raises(JournalError, match="no run has written"):
        journal.runs()
