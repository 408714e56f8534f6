"""One process's life with a bulk job, for tests that end it at a chosen point."""

from __future__ import annotations

import asyncio
import enum
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

from gong_tasks_async import (
    AccessKey,
    BulkReport,
    Credentials,
    Outcome,
    RetryPolicy,
    TaskUpdate,
    Unlimited,
    Updated,
)
from gong_tasks_async.bulk import JournalRow, RowState, open_journal
from gong_tasks_async.bulk.journal import Journal
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.settings import BulkSettings
from tests.fakes import ScriptedClient, answer, lost, task_answer

ROWS = [TaskUpdate(number, str(number % 3), status="DONE") for number in range(1, 13)]
MISSING = frozenset({4, 9})
"""Tasks that are not there: these rows fail, and nothing else does."""
WORKERS = 3
SLOWEST = 2.0
COMMIT = Journal.settle


END = {row.task_id: RowState.FAILED if row.task_id in MISSING else RowState.UPDATED for row in ROWS}
"""How every job ends, whatever came between."""


class Answer(enum.Enum):
    FINE = enum.auto()
    LOST_BEFORE = enum.auto()
    LOST_AFTER = enum.auto()
    UNAVAILABLE = enum.auto()


class Point(enum.Enum):
    """Where a life may end, between one effect on the world and the next."""

    BEFORE_APPLYING = enum.auto()
    AFTER_APPLYING = enum.auto()
    BEFORE_COMMIT = enum.auto()
    IN_COMMIT = enum.auto()
    AFTER_COMMIT = enum.auto()
    BEFORE_TELLING = enum.auto()
    AFTER_TELLING = enum.auto()


class Gong:
    """What outlives every process: what was applied, what was sent, and what people were told."""

    def __init__(self) -> None:
        self.applied: set[int] = set()
        self.sent: Counter[int] = Counter()
        self.printed: Counter[int] = Counter()
        self.sent_though_told: list[int] = []


def log_of(path: Path) -> Path:
    return Path(f"{path}-wal")


class Life:
    """One process: the client's network and the journal's disk, until it ends or dies.

    Dying copies the files as they are; whatever it does afterwards has no effect on anything.
    """

    base_url = "https://api.gong.io"

    def __init__(self, gong: Gong, path: Path, answers: Sequence[Answer] = (), seconds: float = 0.0) -> None:
        self.gong = gong
        self.path = path
        self.fine: set[int] = set()
        """The rows that were answered for good in this life."""
        self.settings: BulkSettings = {"workers": WORKERS, "stop_after": 100}
        self.dies_at: tuple[Point, int] | None = None
        self.image: Path | None = None
        """Where the files are that a dead life has left; None while it lives."""
        self.cut = 1.0
        """The share of a commit's log that is on disk when it dies in a commit."""
        self.on_commit: Callable[[Journal, Sequence[JournalRow]], None] = COMMIT
        self._answers = list(answers)
        self._seconds = seconds
        self._passed: Counter[Point] = Counter()
        self._effects = threading.RLock()
        self._died = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def run(self, cancel_after: float | None = None) -> BulkReport | None:
        """Live; the report of a life that has come to its end by itself."""
        client = ScriptedClient(
            AccessKey("k", "s"), quota=Unlimited(), retry=RetryPolicy(attempts=2, backoff=0.1)
        )
        client.transport = self
        with mock.patch.object(Journal, "settle", lambda journal, rows: self._settle(journal, rows)):  # noqa: PLW0108 - binds the journal
            async with client as gong:
                running = asyncio.create_task(
                    gong.update_many(ROWS, journal=self.path, on_outcome=self._report, **self.settings)
                )
                dying = asyncio.create_task(self._died.wait())
                await asyncio.wait(
                    [running, dying], timeout=cancel_after, return_when=asyncio.FIRST_COMPLETED
                )
                running.cancel()
                dying.cancel()
                await asyncio.wait([running, dying])
        return None if running.cancelled() or self.image else running.result()

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ARG002, ASYNC109 - the protocol's
        task_id = int(request.path.rpartition("/")[2])
        half_way = self._seconds * task_id / len(ROWS) / 2
        await asyncio.sleep(half_way)
        what = self._answers.pop(0) if self._answers else Answer.FINE
        with self._effects:
            if self._alive_at(Point.BEFORE_APPLYING):
                self.gong.sent[task_id] += 1
                if self.gong.printed[task_id]:
                    self.gong.sent_though_told.append(task_id)
                if what in (Answer.FINE, Answer.LOST_AFTER) and task_id not in MISSING:
                    self.gong.applied.add(task_id)
                if what is Answer.FINE:
                    self.fine.add(task_id)
                self._alive_at(Point.AFTER_APPLYING)
        await asyncio.sleep(half_way)
        if self.image:
            await asyncio.Event().wait()
        if what is Answer.UNAVAILABLE:
            return answer(503)
        if what is not Answer.FINE:
            raise lost()
        return answer(404) if task_id in MISSING else task_answer(request)

    def use(self, credentials: Credentials, base_url: str | None = None) -> None:
        raise AssertionError(f"{credentials} and {base_url} are fixed here")

    async def close(self) -> None:
        """Nothing is open."""

    def _settle(self, journal: Journal, rows: Sequence[JournalRow]) -> None:
        """Commit, in the journal's thread."""
        if not self._alive_at(Point.BEFORE_COMMIT):
            return
        before = size_of(log_of(self.path))
        self.on_commit(journal, rows)
        with self._effects:
            if not self._alive_at(Point.IN_COMMIT) and self.image:
                tear(log_of(self.image), before, self.cut)
        self._alive_at(Point.AFTER_COMMIT)

    def _report(self, outcome: Outcome) -> None:
        with self._effects:
            if self._alive_at(Point.BEFORE_TELLING):
                self.gong.printed[outcome.update.task_id] += 1
                assert isinstance(outcome, Updated) is (outcome.update.task_id not in MISSING)
                self._alive_at(Point.AFTER_TELLING)

    def _alive_at(self, point: Point) -> bool:
        with self._effects:
            self._passed[point] += 1
            if not self.image and self.dies_at == (point, self._passed[point]):
                self.image = copied(self.path, f"{self.path.name}.{point.name}")
                self._loop.call_soon_threadsafe(self._died.set)
            return self.image is None


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def tear(log: Path, before: int, share: float) -> None:
    """Leave no more than a share of what was written since the log was so long."""
    if (written := size_of(log) - before) > 0:
        with log.open("r+b") as torn:
            torn.truncate(before + int(written * share))


def copied(path: Path, name: str) -> Path:
    """The journal's files under another name, as a machine that lost its power would find them."""
    image = path.with_name(name)
    shutil.copyfile(path, image)
    if log_of(path).exists():
        shutil.copyfile(log_of(path), log_of(image))
    return image


def states(path: Path) -> dict[int, RowState]:
    with open_journal(path) as journal:
        return {row.update.task_id: row.state for row in journal.rows()}
