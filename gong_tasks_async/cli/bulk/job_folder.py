"""The job folder: one journal for each named run, of each company.

A job belongs to the company whose tasks it changes: resumed at another one, all its rows would be refused, and
recorded as failed for good. So each company has a folder of its own.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final

import click
from attrs import frozen

from gong_tasks_async.bulk import JournalReader, open_journal
from gong_tasks_async.cli.input.job_choice import KnownJob, Standing
from gong_tasks_async.config.private_files import make_private_folder
from gong_tasks_async.errors import JournalError

SUFFIX: Final = ".gong"


@frozen
class JobFolder:
    """The jobs of all companies, and the company of this command line."""

    root: Path
    company: str | None = None
    """None to read jobs of any company."""

    def path(self, name: str) -> Path:
        """Where the journal of a job of this company stands, or would."""
        return self.root / (self.company or "") / f"{name}{SUFFIX}"

    def all(self) -> list[Path]:
        """The journals of all companies, the one written last first."""
        return sorted(self.root.glob(f"*/*{SUFFIX}"), key=last_written, reverse=True)

    def find(self, name: str) -> Path:
        """The journal of a job by its name; `company/name` where several companies have one.

        Raises:
            click.UsageError: there is none, or more than one, or it is another company's.
            UnsafeFileError: its folder is another user's, or others can write it.
        """
        company, _, plain = name.removesuffix(SUFFIX).rpartition("/")
        found = [path for path in self.all() if path.stem == plain and company in ("", path.parent.name)]
        if self.company is not None and (own := [path for path in found if path.parent.name == self.company]):
            found = own
        if len(found) == 1:
            return self._of_this_company(found[0])
        raise click.UsageError(self._not_one(name, found))

    def known(self) -> list[KnownJob]:
        """The jobs of this company that have rows, the one written last first."""
        paths = sorted(self.path("").parent.glob(f"*{SUFFIX}"), key=last_written, reverse=True)
        return [state.known for state in map(state_of, paths) if not state.is_empty]

    def unfinished(self, stem: str, line: str) -> str | None:
        """An unfinished job of this company under such a name, and of another line."""
        for path in sorted(self.path("").parent.glob(f"{stem}-*{SUFFIX}"), key=last_written, reverse=True):
            dated = _DATED.fullmatch(path.stem.removeprefix(stem))
            if not dated:
                continue
            job = state_of(path).known
            if job.standing is Standing.UNFINISHED and job.line != line:
                return job.name
        return None

    def new(self, name: str) -> Path:
        """Where the journal of a new job is to stand: with a number where the name is taken."""
        names = (name if number == 1 else f"{name}-{number}" for number in count(1))
        return next(path for path in map(self.path, names) if _left(path))

    def _of_this_company(self, path: Path) -> Path:
        if self.company == path.parent.name:
            make_private_folder(path.parent)  # refused where others could have planted the journal
        if self.company in (None, path.parent.name):
            return path
        raise click.UsageError(
            f"the job {path.stem!r} changes tasks of {path.parent.name}, and this is {self.company}: "
            "choose its company with --profile or --base-url"
        )

    def _not_one(self, name: str, found: list[Path]) -> str:
        if found:
            named = ", ".join(f"{path.parent.name}/{path.stem}" for path in found)
            return f"several companies have a job {name!r}: say which, as one of {named}"
        known = [path.stem for path in self.all()[:5]]
        advice = f"the latest are {', '.join(known)}" if known else "there are none yet"
        return f"there is no job {name!r} in {self.root}: {advice}. List them:\n  gong-tasks bulk status"


_DATED = re.compile(r"-[0-9]{4}-[0-9]{2}-[0-9]{2}(-[0-9]+)?")


def last_written(path: Path) -> datetime:
    """When a journal was last written; during a run, its log beside it is newer.

    1970 of one that is not there: removed since it was listed, or a link that leads nowhere.
    """
    return datetime.fromtimestamp(max(_written(path), _written(Path(f"{path}-wal"))), UTC)


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _left(path: Path) -> bool:
    """Whether no job has this journal; an empty one leaves its name to the next."""
    if path.exists() and state_of(path).is_empty:
        delete_job(path)
    return not path.exists()


def in_use(path: Path) -> bool:
    """Whether a running process holds the lock beside a journal."""
    lock = Path(f"{path}-lock")
    try:
        if not lock.is_file():  # SQLite would wait for the writer of a pipe
            return False
        with closing(sqlite3.connect(f"{lock.resolve().as_uri()}?mode=ro", uri=True, timeout=0)) as database:
            database.execute("PRAGMA schema_version").fetchone()
    except sqlite3.DatabaseError as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    except OSError:
        return False
    return False


@frozen
class JobState:
    """The status of a job."""

    path: Path
    counts: dict[str, int]
    """Row counts by state; empty of a journal that cannot be read."""
    last_written: datetime
    in_use: bool
    trouble: str | None = None
    """Why its file cannot be read, if so."""
    line: str | None = None
    """The command line that it began with, as :func:`line_of` gives it."""

    @property
    def standing(self) -> Standing:
        """How the job stands."""
        if self.in_use:
            return Standing.RUNNING
        if self.trouble is not None:
            return Standing.UNREADABLE
        return Standing.UNFINISHED if self.counts["pending"] else Standing.FINISHED

    @property
    def is_empty(self) -> bool:
        """Whether it had nothing to do: no row, so nothing to report, resume or undo."""
        return self.standing is Standing.FINISHED and not self.counts["total"]

    @property
    def known(self) -> KnownJob:
        """The job, to be chosen from others."""
        return KnownJob(self.path.stem, self.standing, self.line)


def state_of(path: Path) -> JobState:
    """The status of a job; an unreadable one must not hide the others."""
    try:
        with open_journal(path) as journal:
            counts, line = counts_of(journal), journal.facts.get("line")
    except JournalError as error:
        return JobState(path, {}, last_written(path), in_use=in_use(path), trouble=error.reason)
    return JobState(path, counts, last_written(path), in_use(path), line=line)


BESIDE: Final = ("-lock", "-wal", "-shm", "-journal", "-unfinished", "-unfinished-wal", "-unfinished-shm")
REPORTS: Final = (".failed.csv", ".html")


def delete_job(path: Path) -> None:
    """Delete a journal, with what stands beside it.

    Raises:
        OSError: a file cannot be deleted.
    """
    path.unlink(missing_ok=True)
    for end in BESIDE:
        Path(f"{path}{end}").unlink(missing_ok=True)
    for suffix in REPORTS:
        path.with_suffix(suffix).unlink(missing_ok=True)


def counts_of(journal: JournalReader) -> dict[str, int]:
    """Row counts by state."""
    counts = journal.counts()
    names = ("updated", "unchanged", "failed", "pending", "skipped", "total")
    return {name: getattr(counts, name) for name in names}
