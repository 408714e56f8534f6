"""A bulk job that is killed again and again, over a network that fails in every way, until it is done.

Ten kills by default; ``nox -s torture`` sets GONG_TORTURE_KILLS to 200.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from attrs import define, field, frozen

from gong_tasks_async.bulk import JournalRow, RowState, open_journal
from gong_tasks_async.simulator import Engine, Fault, Request, Response, SecondLimit, SimulatorThread
from tests import torture_job

KILLS = int(os.environ.get("GONG_TORTURE_KILLS", "10"))
SEED = int(os.environ.get("GONG_TORTURE_SEED", "4"))
ROWS_A_KILL = 40
MOST_CALLS = 30
"""In one life before its kill: so few that the rows last for all kills."""
WORKERS = 8
LATENCY = (0.002, 0.020)
PATIENCE = 120.0
"""Seconds; no life takes so long, on whatever machine."""

FAULTS = dict.fromkeys(
    (
        Fault.RESET_BEFORE,
        Fault.RESET_AFTER,
        Fault.TRUNCATED,
        Fault.TOO_MANY,
        Fault.SERVER_ERROR,
        Fault.BAD_GATEWAY,
    ),
    0.05,
)


class Witness(Engine):
    """An engine that knows which life sent what, and says when so many calls of a life have arrived."""

    def __init__(self) -> None:
        super().__init__(
            users=20,
            tasks_per_user=KILLS * ROWS_A_KILL // 20,
            second_limit=SecondLimit.NONE,
            per_day=10**9,
            fault_rates=FAULTS,
            seed=SEED,
        )
        self.senders: list[int] = []
        """The life of each entry of the ledger."""
        self._arrived: Counter[int] = Counter()
        self._news = threading.Condition()

    def answer(self, request: Request, now: float) -> Response:
        life = next(
            int(text) for name, text in request.headers.items() if name.lower() == torture_job.LIFE.lower()
        )
        with self._news:
            response = super().answer(request, now)
            self.senders.append(life)
            self._arrived[life] += 1
            self._news.notify_all()
        return response

    def wait_for_calls(self, life: int, calls: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self._arrived[life] >= calls, PATIENCE)


@frozen
class Reported:
    """An outcome, as its program told it."""

    life: int
    kind: str
    task_id: int
    at: float


@frozen
class Death:
    """What a killed life left behind."""

    printed: frozenset[int]
    recorded: frozenset[int]
    """The rows that this life has settled."""


@define
class Job:
    """One job over all its lives."""

    gong: SimulatorThread
    engine: Witness
    wanted: Path
    journal: Path
    life: int = 0
    printed: list[Reported] = field(factory=list)
    settled: dict[int, JournalRow] = field(factory=dict)
    """Each row as it stood in the journal when it was first seen to be settled."""

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        self.life += 1
        what = (self.life, self.gong.base_url, self.gong.access_key, self.gong.access_key_secret)
        command = [sys.executable, torture_job.__file__, *map(str, (*what, self.wanted, self.journal))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:  # noqa: S603
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
                yield process
            finally:
                process.kill()

    def listen(self, process: subprocess.Popen[bytes]) -> str:
        """Take what a life had to say, and return its last word, which it has if it was not killed."""
        lines = process.communicate(timeout=PATIENCE)[0].decode().splitlines()
        outcomes = [line.split() for line in lines if " " in line and not line.startswith("left")]
        self.printed += [Reported(self.life, kind, int(task), float(at)) for kind, task, at in outcomes]
        return lines[-1] if len(lines) > len(outcomes) else ""

    def look(self) -> frozenset[int]:
        """See that the journal is whole and has kept what stood there; return the rows that are settled anew."""
        if not self.journal.exists():
            assert not self.settled
            return frozenset()
        with open_journal(self.journal) as reader:
            now = {row.update.task_id: row for row in reader.rows() if row.state is not RowState.PENDING}
        with closing(sqlite3.connect(f"{self.journal.as_uri()}?mode=ro", uri=True)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert self.settled.items() <= now.items()  # each keeps its first outcome, to the microsecond
        anew = now.keys() - self.settled.keys()
        self.settled = now
        return frozenset(anew)

    def die(self, chance: random.Random) -> Death:
        """Run until a random moment, and kill; one time in five before anything is sent."""
        calls = 0 if chance.random() < 0.2 else chance.randint(1, MOST_CALLS)
        with self.running() as process:
            self.engine.wait_for_calls(self.life, calls)
            time.sleep(chance.uniform(0.0, 0.010))
            process.kill()
            assert self.listen(process) == ""
            assert process.returncode == -signal.SIGKILL
        recorded = self.look()
        assert len(self.settled) < len(self.engine.tasks)  # it was alive, and had something left to do
        return Death(
            frozenset(printed.task_id for printed in self.printed if printed.life == self.life), recorded
        )

    def end(self) -> None:
        with self.running() as process:
            assert self.listen(process) == "complete"
            assert process.returncode == 0
        self.look()


@frozen
class Story:
    """A job that was killed and killed, and is done."""

    job: Job
    deaths: tuple[Death, ...]

    lives: dict[int, set[int]]
    """The lives in which each row was sent."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("torture")
    engine, chance = Witness(), random.Random(SEED)
    rows = [f"{number} {task['userId']}" for number, task in engine.tasks.items()]
    wanted = folder / "wanted"
    wanted.write_text("\n".join(rows))
    with SimulatorThread(engine, latency=LATENCY, seed=SEED) as gong:
        job = Job(gong, engine, wanted, folder / "job")
        deaths = tuple(job.die(chance) for _ in range(KILLS))
        job.end()
    lives: dict[int, set[int]] = defaultdict(set)
    for entry, life in zip(engine.ledger.entries, engine.senders, strict=True):
        lives[entry.task_id or 0].add(life)
    return Story(job, deaths, lives)


def test_every_task_is_as_wanted_and_none_was_left_out(story: Story) -> None:
    tasks = story.job.engine.tasks
    assert story.lives.keys() == tasks.keys()
    assert {task["status"] for task in tasks.values()} == {"DISMISSED"}
    assert story.job.settled.keys() == tasks.keys()
    assert {row.state for row in story.job.settled.values()} == {RowState.UPDATED}


def test_each_row_was_told_at_most_once_and_only_after_it_was_recorded(story: Story) -> None:
    assert {printed.kind for printed in story.job.printed} == {"Updated"}
    assert max(Counter(printed.task_id for printed in story.job.printed).values()) == 1
    for death in story.deaths:
        assert death.printed <= death.recorded
        assert len(death.recorded - death.printed) <= WORKERS  # on disk, and killed before the word was out


def test_no_row_that_was_told_was_ever_sent_again(story: Story) -> None:
    printed = {printed.task_id: printed for printed in story.job.printed}
    engine = story.job.engine
    for entry, life in zip(engine.ledger.entries, engine.senders, strict=True):
        outcome = printed.get(entry.task_id or 0)
        if outcome is not None:
            assert life <= outcome.life
            assert entry.arrived < outcome.at  # both are of the system's one monotonic clock


def test_no_row_that_was_recorded_was_sent_in_a_later_life(story: Story) -> None:
    for life, death in enumerate(story.deaths, 1):
        assert all(max(story.lives[task_id]) == life for task_id in death.recorded)


def test_a_kill_has_no_more_rows_sent_again_than_there_are_workers(story: Story) -> None:
    """No program gives a row up, so whatever two lives have sent was under way at the kill between them."""
    again: Counter[int] = Counter()
    for lives in story.lives.values():
        again.update(sorted(lives)[:-1])
    assert max(again.values(), default=0) <= WORKERS
    assert again.total() >= KILLS // 2  # kills do hit calls under way


def test_everything_that_can_go_wrong_did(story: Story) -> None:
    faults = Counter(entry.fault for entry in story.job.engine.ledger.entries)
    assert all(faults[fault] for fault in FAULTS)
    assert len(story.deaths) == KILLS
    assert sum(bool(death.recorded) for death in story.deaths) >= KILLS // 4
