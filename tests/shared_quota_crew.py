"""Starts processes that share a quota, and watches them at the simulator and at Redis."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import frozen
from redis import Redis

from gong_tasks_async.simulator import DayLimit, Engine, SecondLimit, SimulatorThread
from tests.redis_server import RedisServer

LATENCY = (0.005, 0.030)
PATIENCE = 120.0


@frozen
class Measured:
    """What the simulator and Redis saw in a stretch of time."""

    seconds: float
    per_second: float
    admitted: int
    refused: int
    steps: int
    by_process: tuple[int, ...]
    most_in_a_second: int

    @property
    def used(self) -> float:
        return self.admitted / (self.per_second * self.seconds)

    @property
    def turns(self) -> int:
        return self.admitted + self.refused


class Crew:
    """Some processes, each on a task of its own, by which the simulator tells them apart."""

    def __init__(self, redis: RedisServer, engine: Engine, base_url: str, **quota: Any) -> None:
        self.redis = redis
        self.engine = engine
        self.base_url = base_url
        self.quota = quota
        self.tasks = list(engine.tasks)
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, count: int, *, callers: int = 8) -> None:
        for _ in range(count):
            task_id = self.tasks[len(self.processes)]
            settings = {
                "redis": self.redis.url,
                "base_url": self.base_url,
                "per_second": self.engine.per_second,
                "task_id": task_id,
                "user_id": str(self.engine.tasks[task_id]["userId"]),
                "key": self.engine.access_key,
                "secret": self.engine.access_key_secret,
                "callers": callers,
                "quota": self.quota,
            }
            command = [sys.executable, "-m", "tests.shared_quota_job", json.dumps(settings)]
            self.processes.append(
                subprocess.Popen(  # noqa: S603 - ourselves
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=Path(__file__).parents[1],
                )
            )
        self.wait_for(lambda: all(self.calls_of(place) >= 2 for place in range(len(self.processes))))

    def calls_of(self, place: int) -> int:
        return len(self.engine.ledger.for_task(self.tasks[place]))

    def wait_for(self, happened: Callable[[], bool]) -> None:
        give_up = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < give_up, "it did not happen"
            assert all(process.poll() in {None, -9} for process in self.processes), "a process has ended"
            time.sleep(0.01)

    def steps(self) -> int:
        """How often the script was run, by all."""
        with Redis.from_url(self.redis.url) as client:
            stats: dict[str, dict[str, int]] = client.info("commandstats")
        return sum(stats[name]["calls"] for name in ("cmdstat_evalsha", "cmdstat_eval") if name in stats)

    def measure(self, seconds: float) -> Measured:
        """Watch for so long."""
        ledger = self.engine.ledger
        first, steps, began = len(ledger.entries), self.steps(), time.monotonic()
        time.sleep(
            seconds
        )  # the processes' clocks are real, and what they do in this time is what is looked at
        seconds, steps = time.monotonic() - began, self.steps() - steps
        seen = ledger.entries[first:]
        tasks = self.tasks[: len(self.processes)]
        return Measured(
            seconds=seconds,
            per_second=self.engine.per_second,
            admitted=sum(not entry.refused for entry in seen),
            refused=sum(entry.refused for entry in seen),
            steps=steps,
            by_process=tuple(sum(entry.task_id == task for entry in seen) for task in tasks),
            most_in_a_second=ledger.most_in_window(1.0),
        )

    def still_after(self, seconds: float) -> list[int]:
        """The calls of each, when nobody has called for so long."""
        before = -1
        while before != (before := len(self.engine.ledger.entries)):
            time.sleep(seconds)  # to see that nothing happens
        return [self.calls_of(place) for place in range(len(self.processes))]

    def kill(self, place: int) -> None:
        """SIGKILL: no goodbye."""
        self.processes[place].kill()
        self.processes[place].wait()

    def end(self) -> list[dict[str, int]]:
        """Let them end as they should, and say what they counted."""
        counts = []
        for process in self.processes:
            said, _ = process.communicate("", timeout=PATIENCE)
            if process.returncode != -9:
                assert process.returncode == 0
                counts.append(json.loads(said))
        return counts

    def kill_all(self) -> None:
        for process in self.processes:
            process.kill()
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=PATIENCE)


@contextmanager
def crew(redis: RedisServer, *, per_second: float, **quota: Any) -> Iterator[Crew]:
    engine = Engine(
        users=1,
        tasks_per_user=9,
        second_limit=SecondLimit.SLIDING,
        day_limit=DayLimit.NONE,
        per_second=per_second,
    )
    with SimulatorThread(engine, latency=LATENCY) as gong:
        team = Crew(redis, engine, gong.base_url, **quota)
        try:
            yield team
        finally:
            team.kill_all()
