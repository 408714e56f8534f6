"""A guarded job that is killed again and again, over a network that fails in every way, until it is done; so is the retry
of its failed rows, and its undo.

Nine kills by default, a third of them in the undo; ``nox -s torture`` sets GONG_TORTURE_KILLS to 200.
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
from typing import Any

import pytest
from attrs import define, evolve, field, frozen

from gong_tasks_async.bulk import JournalRow, RowState, open_journal, retry_failed
from gong_tasks_async.simulator import Engine, Fault, Request, Response, SecondLimit, SimulatorThread
from gong_tasks_async.simulator.ledger import Entry
from tests import torture_job

ALL_KILLS = int(os.environ.get("GONG_TORTURE_KILLS", "9"))
UNDO_KILLS, RETRY_KILLS = max(1, ALL_KILLS // 3), max(1, ALL_KILLS // 20)
KILLS = ALL_KILLS - UNDO_KILLS - RETRY_KILLS
SEED = int(os.environ.get("GONG_TORTURE_SEED", "4"))
ROWS_A_KILL = 40
MISSING, USERS = 8, 5
"""Rows of tasks that are made only before the retry; users."""
MOST_CALLS = 30
"""In one life before its kill: so few that the rows last for all kills."""
WORKERS = 8
LATENCY = (0.002, 0.020)
PATIENCE = 600.0
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
            users=USERS,
            tasks_per_user=KILLS * ROWS_A_KILL // USERS,
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
    what: str = "run"
    life: int = 0
    printed: list[Reported] = field(factory=list)
    settled: dict[int, JournalRow] = field(factory=dict)
    """Each row as it stood in the journal when it was first seen to be settled."""

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        self.life += 1
        what = (self.life, self.what, self.gong.base_url, self.gong.access_key, self.gong.access_key_secret)
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
        path = self.journal if self.what == "run" else self.journal.with_name("undo")
        if not path.exists():
            assert not self.settled
            return frozenset()
        with open_journal(path) as reader:
            rows = [evolve(row, cause=None) for row in reader.rows() if row.state is not RowState.PENDING]
        now = {row.update.task_id: row for row in rows}  # errors are equal to themselves alone
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert self.settled.items() <= now.items()  # each keeps its first outcome, to the microsecond
        anew = now.keys() - self.settled.keys()
        self.settled = now
        return frozenset(anew)

    def die(self, chance: random.Random, most: int = MOST_CALLS) -> Death:
        """Run until a random moment, and kill; one time in five before anything is sent."""
        calls = 0 if chance.random() < 0.2 else chance.randint(1, most)
        with self.running() as process:
            self.engine.wait_for_calls(self.life, calls)
            time.sleep(chance.uniform(0.0, 0.010))
            process.kill()
            assert self.listen(process) == ""
            assert process.returncode == -signal.SIGKILL
        recorded = self.look()
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
    """A job that was killed and killed, and is done, and undone."""

    job: Job
    deaths: tuple[Death, ...]
    """Of the run, before the retry."""
    done: dict[int, JournalRow]
    """The job's rows at its end."""
    undone: dict[int, JournalRow]
    """The rows of the undo."""
    failed: dict[int, JournalRow]
    """The rows that the run had failed, before the retry."""
    left: dict[int, str]
    """Each task's status at the end of the job."""
    edited: frozenset[int]
    """Tasks that a person changed before the undo."""
    patches: tuple[tuple[Entry, int], ...]
    """The updates that arrived, each with the life that sent it."""

    @property
    def lives(self) -> dict[int, set[int]]:
        """The lives in which each row was sent."""
        found: dict[int, set[int]] = defaultdict(set)
        for entry, life in self.patches:
            found[entry.task_id or 0].add(life)
        return found


def missing_of(engine: Witness) -> dict[int, dict[str, Any]]:
    """Tasks that do not exist yet."""
    owners = list(engine.user_ids)
    model = next(iter(engine.tasks.values()))
    return {
        number: {**model, "id": str(number), "userId": owners[number % len(owners)], "status": "OPEN"}
        for number in range(1, MISSING + 1)
    }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("torture")
    engine, chance = Witness(), random.Random(SEED)
    for task in engine.tasks.values():
        task["status"] = "OPEN"
    missing = missing_of(engine)
    rows = [f"{number} {task['userId']}" for number, task in (engine.tasks | missing).items()]
    chance.shuffle(rows)  # so that what fails is spread over all lives
    wanted = folder / "wanted"
    wanted.write_text("\n".join(rows))
    with SimulatorThread(engine, latency=LATENCY, seed=SEED) as gong:
        job = Job(gong, engine, wanted, folder / "job")
        deaths = tuple(job.die(chance) for _ in range(KILLS))
        job.end()
        failed = {number: row for number, row in job.settled.items() if row.state is RowState.FAILED}

        engine.tasks |= missing
        assert retry_failed(job.journal) == len(failed)
        job.settled = {number: row for number, row in job.settled.items() if number not in failed}
        for _ in range(RETRY_KILLS):
            job.die(chance, MISSING // 2)
        job.end()
        done, left = job.settled, {number: task["status"] for number, task in engine.tasks.items()}

        edited = frozenset(chance.sample(list(engine.tasks), MISSING))
        for number in edited:
            engine.tasks[number] |= {"updated": "2031-01-01T00:00:00Z", "title": "A person's"}
        job.what, job.settled = "undo", {}
        for _ in range(UNDO_KILLS):
            job.die(chance)
        job.end()
    sent = zip(engine.ledger.entries, engine.senders, strict=True)
    patches = tuple((entry, life) for entry, life in sent if entry.method == "PATCH")
    return Story(job, deaths, done, job.settled, failed, left, edited, patches)


def of_the_run(story: Story) -> list[Reported]:
    return [printed for printed in story.job.printed if printed.life <= KILLS + 1]


def test_every_task_is_as_wanted_and_none_was_left_out(story: Story) -> None:
    tasks = story.job.engine.tasks
    assert set(story.left.values()) == {"DISMISSED"}
    assert story.done.keys() == tasks.keys()
    assert {row.state for row in story.done.values()} == {RowState.UPDATED}
    assert story.failed.keys() == set(range(1, MISSING + 1))


def test_each_row_was_told_at_most_once_and_only_after_it_was_recorded(story: Story) -> None:
    printed = Counter((each.kind, each.task_id) for each in of_the_run(story))
    assert {kind for kind, _ in printed} == {"Updated", "Failed"}
    assert max(printed.values()) == 1
    for death in story.deaths:
        assert death.printed <= death.recorded
        assert len(death.recorded - death.printed) <= WORKERS  # on disk, and killed before the word was out


def test_no_row_that_was_told_was_ever_sent_again(story: Story) -> None:
    printed = {printed.task_id: printed for printed in of_the_run(story) if printed.kind == "Updated"}
    for entry, life in story.patches:
        outcome = printed.get(entry.task_id or 0)
        if outcome is not None and life <= KILLS + 1:
            assert life <= outcome.life
            assert entry.arrived < outcome.at  # both are of the system's one monotonic clock


def test_no_row_that_was_recorded_was_sent_in_a_later_life(story: Story) -> None:
    lives = story.lives
    for life, death in enumerate(story.deaths, 1):
        for task_id in death.recorded - story.failed.keys():
            assert max((sent for sent in lives[task_id] if sent <= KILLS + 1), default=0) <= life


def test_a_kill_leaves_no_more_rows_in_doubt_than_there_are_workers(story: Story) -> None:
    """No program gives a row up, so whatever a life has sent and not recorded was in flight at its kill."""
    doubtful = []
    for life, death in enumerate(story.deaths, 1):
        sent = {task_id for task_id, lives in story.lives.items() if life in lives}
        doubtful.append(len(sent - death.recorded - story.failed.keys()))
    assert max(doubtful) <= WORKERS
    assert sum(doubtful) >= KILLS // 2  # kills do hit calls in flight


def test_what_was_made_before_a_kill_is_found_by_the_next_look_and_not_sent_again(story: Story) -> None:
    made: Counter[int] = Counter()
    for entry, life in story.patches:
        if entry.status == 200 and entry.fault is None and life <= KILLS + 1:
            made[entry.task_id or 0] += 1
    assert max(made.values()) == 1
    assert any(row.attempts == 0 for row in story.done.values())  # found, and not sent in that life


def test_the_undo_restores_what_nobody_else_has_touched_and_only_that(story: Story) -> None:
    tasks = story.job.engine.tasks
    assert {number for number, task in tasks.items() if task["status"] == "DISMISSED"} == story.edited
    assert {tasks[number]["status"] for number in tasks.keys() - story.edited} == {"OPEN"}
    assert story.undone.keys() == tasks.keys() - story.edited
    assert {row.state for row in story.undone.values()} == {RowState.UPDATED}


def test_everything_that_can_go_wrong_did(story: Story) -> None:
    faults = Counter(entry.fault for entry in story.job.engine.ledger.entries)
    assert all(faults[fault] for fault in FAULTS)
    assert len(story.deaths) == KILLS
    assert sum(bool(death.recorded) for death in story.deaths) >= KILLS // 4
