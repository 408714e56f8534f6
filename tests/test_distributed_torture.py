"""A job on four workers that are killed again and again, as is their Redis, until each row is settled.

``nox -s torture`` sets GONG_TORTURE_JOBS for the long form of 2,000 rows; GONG_TORTURE_SEED makes it other moments.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from pathlib import Path
from typing import Self

import pytest
from attrs import define, field, frozen

from gong_tasks_async import BulkReport, RowState, TaskUpdate
from gong_tasks_async.distributed import Job, Jobs
from gong_tasks_async.simulator import Engine, Request, Response, SecondLimit, SimulatorThread
from tests import torture_worker
from tests.redis_server import RedisServer, require_redis

LONG = "GONG_TORTURE_JOBS" in os.environ
SEED = int(os.environ.get("GONG_TORTURE_SEED", "4"))
ROWS = 2_000 if LONG else 320
KILLS, REDIS_KILLS = (24, 6) if LONG else (4, 2)
WORKERS = 4
CONCURRENCY = 8
LEASE = 10.0
"""Seconds; a machine that stands still for some of them is no death of its workers."""
READY = b"ready"
LATENCY = (0.020, 0.080)
PATIENCE = 600.0
"""Seconds; nothing here takes so long, on whatever machine."""


class Witness(Engine):
    """An engine that knows which life sent what, and when so many calls have arrived."""

    def __init__(self) -> None:
        super().__init__(
            users=20, tasks_per_user=ROWS // 20, second_limit=SecondLimit.NONE, per_day=10**9, seed=SEED
        )
        self.senders: list[int] = []
        """The life of each entry of the ledger."""
        self._news = threading.Condition()

    def answer(self, request: Request, now: float) -> Response:
        headers = {name.lower(): text for name, text in request.headers.items()}
        with self._news:
            response = super().answer(request, now)
            self.senders.append(int(headers[torture_worker.LIFE]))
            self._news.notify_all()
        return response

    def wait_for_calls(self, calls: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: len(self.senders) >= calls, PATIENCE)


@define
class Crew:
    """The workers: as many as there should be, however many have died."""

    gong: SimulatorThread
    redis: RedisServer
    folder: Path
    alive: dict[int, subprocess.Popen[bytes]] = field(factory=dict)
    killed: list[int] = field(factory=list)
    lives: int = 0

    def hire(self) -> None:
        self.lives += 1
        settings = (
            self.redis.url,
            self.lives,
            CONCURRENCY,
            LEASE,
            self.gong.access_key,
            self.gong.access_key_secret,
            self.gong.base_url,
        )
        command = [sys.executable, torture_worker.__file__, *map(str, settings)]
        with (self.folder / f"worker-{self.lives}").open("wb") as log:
            self.alive[self.lives] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)  # noqa: S603

    def kill(self, life: int) -> None:
        _end(self.alive.pop(life))
        self.killed.append(life)

    def dismiss(self) -> list[int]:
        """SIGTERM to all, as soon as they listen; return with what they ended."""
        for worker in self.alive.values():
            assert worker.stdout is not None
            assert worker.stdout.read(len(READY)) == READY
            worker.terminate()
        return [worker.wait(PATIENCE) for worker in self.alive.values()]

    def __enter__(self) -> Self:
        for _ in range(WORKERS):
            self.hire()
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.alive.values():
            _end(worker)


def _end(worker: subprocess.Popen[bytes]) -> None:
    with worker:
        worker.kill()


@frozen
class Story:
    """A job that was killed and killed, and is done."""

    engine: Witness
    report: BulkReport
    states: Counter[RowState]
    killed: tuple[int, ...]
    ended_with: tuple[int, ...]
    lives: dict[int, list[int]]
    """The lives that sent each row, in their order."""
    recorded: tuple[tuple[int, frozenset[int]], ...]
    """After each kill of a worker, how many calls there had been, and the tasks that were settled before."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    require_redis()
    folder = tmp_path_factory.mktemp("torture")
    engine = Witness()
    with (
        SimulatorThread(engine, latency=LATENCY, seed=SEED) as gong,
        RedisServer(folder, appendonly=True) as redis,
        Crew(gong, redis, folder) as crew,
    ):
        asyncio.run(submitted(redis.url, engine, gong.base_url))
        recorded = wear_down(engine, crew, random.Random(SEED))
        report, states = asyncio.run(ended(redis.url))
        ended_with = crew.dismiss()
    lives: dict[int, list[int]] = defaultdict(list)
    for entry, life in zip(engine.ledger.entries, engine.senders, strict=True):
        lives[entry.task_id or 0].append(life)
    return Story(engine, report, states, tuple(crew.killed), tuple(ended_with), lives, tuple(recorded))


async def submitted(url: str, engine: Witness, base_url: str) -> Job:
    updates = [
        TaskUpdate(number, str(task["userId"]), status="DISMISSED") for number, task in engine.tasks.items()
    ]
    async with Jobs(url, company=torture_worker.COMPANY) as jobs:
        return await jobs.submit(updates, name="torture", base_url=base_url)


def wear_down(engine: Witness, crew: Crew, chance: random.Random) -> list[tuple[int, frozenset[int]]]:
    """Kill at random moments, spread over three quarters of the rows."""
    moments = sorted(chance.sample(range(1, ROWS * 3 // 4), KILLS + REDIS_KILLS))
    victims = ["worker"] * KILLS + ["redis"] * REDIS_KILLS
    chance.shuffle(victims)
    recorded = []
    for calls, victim in zip(moments, victims, strict=True):
        engine.wait_for_calls(calls)
        if victim == "redis":
            crew.redis.restart()
        else:
            sending = engine.senders[-1]  # with its answer still on the way
            crew.kill(sending if sending in crew.alive else chance.choice(list(crew.alive)))
            settled = asyncio.run(settled_tasks(crew.redis.url))
            recorded.append((len(engine.senders), settled))
            crew.hire()
    return recorded


async def settled_tasks(url: str) -> frozenset[int]:
    async with Jobs(url, company=torture_worker.COMPANY) as jobs:
        rows = jobs.job("torture").rows(RowState.UPDATED)
        return frozenset([row.update.task_id async for row in rows])


async def ended(url: str) -> tuple[BulkReport, Counter[RowState]]:
    async with Jobs(url, company=torture_worker.COMPANY) as jobs, asyncio.timeout(PATIENCE):
        job = jobs.job("torture")
        async for _ in job.watch(every=0.2):
            pass
        return await job.report(), Counter([row.state async for row in job.rows()])


def test_every_row_is_settled_and_none_was_lost(story: Story) -> None:
    assert (story.report.updated, story.report.failed, story.report.pending) == (ROWS, 0, 0)
    assert story.report.complete
    assert story.states == {RowState.UPDATED: ROWS}
    assert {task["status"] for task in story.engine.tasks.values()} == {"DISMISSED"}


def test_a_row_is_sent_again_only_if_it_was_in_a_killed_worker_s_hands(story: Story) -> None:
    again: Counter[int] = Counter()
    for lives in story.lives.values():
        assert len(set(lives)) == len(lives)  # no worker sends a row twice
        again.update(lives[:-1])
    assert again.keys() <= set(story.killed)
    assert max(again.values(), default=0) <= CONCURRENCY


def test_no_row_that_was_recorded_is_ever_sent_again(story: Story) -> None:
    sent = [entry.task_id for entry in story.engine.ledger.entries]
    for calls, settled in story.recorded:
        assert settled.isdisjoint(sent[calls:])
    assert any(settled for _, settled in story.recorded)


def test_kills_did_hit_calls_under_way(story: Story) -> None:
    assert len(story.killed) == KILLS
    assert sum(map(len, story.lives.values())) > ROWS


def test_whoever_was_not_killed_ended_well_when_told_to(story: Story) -> None:
    assert story.ended_with == (0,) * WORKERS
