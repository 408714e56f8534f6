"""What a row of a distributed job costs Redis, and how many rows a worker can take, when Gong responds at once.

Each row has its task as a look found it, as the guard and undo need it; ``--no-look`` measures without.

waiting    bytes a row while the job waits for workers, beside Redis's own and its connections'
running    bytes a row once a worker has started the job, with a window of about 1,000 rows in the queue
settled    bytes a row that is kept once all is done
scripts    run for one row, a round trip each, from the queue to its outcome
rows/s     that one worker in this process settles, and its CPU for one

Ends with 1 where a row that is not settled takes more than MOST_BYTES.

    python benchmarks/jobs_cost.py              # 10,000 rows; needs a redis-server on the path
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import asdict, evolve, frozen
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gong_tasks_async import (
    AccessKey,
    Credentials,
    Plan,
    Quota,
    QuotaLimits,
    TaskStatus,
    TaskUpdate,
    Unlimited,
)
from gong_tasks_async.bulk import TaskSnapshot, plan_updates
from gong_tasks_async.bulk.plan import Look
from gong_tasks_async.distributed import Job, Jobs, Worker, clients
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.transport import Transport

COMPANY = "benchmark"

MOST_BYTES = 400
"""Of a row that waits, in the memory of Redis."""


@frozen
class Cost:
    """What was measured."""

    rows: int
    concurrency: int
    waiting_bytes: float
    running_bytes: float
    settled_bytes: float
    scripts: float
    """A row."""
    rows_per_second: float
    cpu_ms: float
    """A row, in the worker's process, which holds the fake network too."""


class InstantNetwork:
    """Answers a PATCH with the task's id, at once."""

    base_url = "https://api.gong.io"

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ARG002, ASYNC109 - the protocol's
        """Answer."""
        return HttpResponse(
            200,
            {},
            b'{"requestId":"r","tasks":[{"id":%s,"status":"DONE"}]}'
            % request.path.rpartition("/")[2].encode(),
        )

    def use(self, credentials: Credentials, base_url: str | None = None) -> None:
        """Nobody checks who calls."""

    async def close(self) -> None:
        """Nothing is open."""


class InstantClient(clients.RowClient):
    """A client without a socket."""

    def _open_transport(self) -> Transport:
        return InstantNetwork()


@contextmanager
def redis_server() -> Iterator[str]:
    """A server of our own, which writes nothing to disk."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise SystemExit("neither redis-server nor valkey-server is installed")
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = str(spare.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        line = [program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with (Path(folder) / "log").open("wb") as log, subprocess.Popen(line, stdout=log) as server:  # noqa: S603
            try:
                yield f"redis://127.0.0.1:{port}/0"
            finally:
                server.terminate()


def unlimited(company: str, limits: QuotaLimits) -> Quota:  # noqa: ARG001 - the interface
    """A quota that is none."""
    return Unlimited()


def planned(rows: int, *, look: bool) -> Plan:
    """The updates, with the tasks as they were found."""
    updates = [
        TaskUpdate(4_000_000_000_000_000_000 + n, "234599484848423", status="DONE") for n in range(rows)
    ]
    plan = plan_updates(updates)
    if not look:
        return plan
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    found = TaskSnapshot(TaskStatus.OPEN, noon, "High", noon + timedelta(hours=1, milliseconds=123))
    return evolve(plan, look=Look({update.task_id: found for update in updates}))


async def measured(url: str, plan: Plan, concurrency: int) -> Cost:
    """One job, looked at before, in the middle and after."""
    rows = plan.calls
    async with Redis.from_url(url) as redis, Jobs(url, company=COMPANY) as jobs:
        await _until_it_answers(redis)
        empty = await _memory(redis)
        job = await jobs.submit(plan, name="job")
        waiting = await _memory(redis)
        worker = Worker(
            url,
            company=COMPANY,
            credentials=lambda _: AccessKey("key", "secret"),
            quota=unlimited,
            concurrency=concurrency,
        )
        async with worker:
            running = asyncio.create_task(worker.run())
            running_memory = await _running(job, redis)
            scripts, began, cpu = await _scripts(redis), time.perf_counter(), time.process_time()
            already = (await job.progress()).settled
            async for _ in job.watch(every=0.5):
                pass
            took, worked = time.perf_counter() - began, time.process_time() - cpu
            scripts = await _scripts(redis) - scripts
            worker.stop()
            await running
        settled = await _memory(redis)
    done = rows - already
    return Cost(
        rows=rows,
        concurrency=concurrency,
        waiting_bytes=(waiting - empty) / rows,
        running_bytes=(running_memory - empty) / rows,
        settled_bytes=(settled - empty) / rows,
        scripts=scripts / done,
        rows_per_second=done / took,
        cpu_ms=1000 * worked / done,
    )


async def _running(job: Job, redis: Redis) -> int:
    while (await job.progress()).started_at is None:  # noqa: ASYNC110 - it stands in Redis
        await asyncio.sleep(0.005)
    return await _memory(redis)


async def _until_it_answers(redis: Redis) -> None:
    while True:
        try:
            await redis.ping()
        except RedisError:
            await asyncio.sleep(0.05)
        else:
            return


async def _memory(redis: Redis) -> int:
    info = await redis.info("memory")
    return int(info["used_memory"]) - int(info["mem_clients_normal"])


async def _scripts(redis: Redis) -> int:
    info = await redis.info("commandstats")
    return int(info["cmdstat_evalsha"]["calls"])


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--no-look", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    clients.RowClient = InstantClient  # type: ignore[misc]  # there is no other seam below a worker
    with redis_server() as url:
        plan = planned(arguments.rows, look=not arguments.no_look)
        cost = asyncio.run(measured(url, plan, arguments.concurrency))
    if arguments.json:
        print(json.dumps([asdict(cost)]))
        return
    for name, value in asdict(cost).items():
        print(f"{name.replace('_', ' '):>18} {value:10,.1f}")
    if max(cost.waiting_bytes, cost.running_bytes) > MOST_BYTES:
        raise SystemExit(f"a waiting row takes more than {MOST_BYTES} bytes")


if __name__ == "__main__":
    main()
