"""The commands about jobs, as a shell sees them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gong_tasks_async import TaskUpdate
from gong_tasks_async.cli.app import gong_tasks
from gong_tasks_async.distributed import Jobs, Progress
from gong_tasks_async.simulator import SecondLimit, Simulator, SimulatorThread
from tests.distributed_floor import COMPANY, PATIENCE, at_work, engine, over, updates_of
from tests.redis_server import RedisServer, require_redis

GONE = "redis://:hunter2@127.0.0.1:1/0"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    require_redis()
    with RedisServer(tmp_path) as server:
        yield server


def gong(*line: str, url: str | None = None, **environment: str) -> Result:
    variables = {"GONG_REDIS_URL": url, "GONG_ACCESS_KEY": None, "GONG_ACCESS_TOKEN": None} | environment
    return CliRunner().invoke(gong_tasks, line, env=variables)


async def ended_job(url: str) -> None:
    gong_engine = engine(6)
    async with (
        Simulator(gong_engine) as simulator,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, simulator),
    ):
        await over(await jobs.submit(updates_of(gong_engine), name="nightly"))


async def waiting_job(url: str) -> None:
    async with Jobs(url, company=COMPANY) as jobs:
        await jobs.submit(updates_of(engine(6)), name="nightly")


def test_a_job_that_has_ended_is_followed_and_reported(redis: RedisServer) -> None:
    asyncio.run(ended_job(redis.url))
    job = ("--company", COMPANY, "nightly")
    status = gong("jobs", "status", "--follow", *job, url=redis.url)
    assert status.output == "ended: 6 of 6 rows settled, 0 failed, 0 under way; 6 calls\n"
    assert gong("jobs", "resume", *job, url=redis.url).output == "nightly is ended\n"
    assert "6 updated, 0 unchanged, 0 failed" in gong("jobs", "report", *job, url=redis.url).output
    report = gong("jobs", "report", "--form", "json", *job, "--redis", redis.url)
    assert json.loads(report.output)["updated"] == 6


def test_a_job_is_cancelled(redis: RedisServer) -> None:
    asyncio.run(waiting_job(redis.url))
    job = ("--company", COMPANY, "nightly")
    assert gong("jobs", "status", *job, url=redis.url).output.startswith("starting: 0 of 6 rows")
    assert gong("jobs", "cancel", *job, url=redis.url).exit_code == 0
    assert gong("jobs", "status", "--follow", *job, url=redis.url).output.startswith("cancelled: 0 of 6 rows")


def test_what_goes_wrong_is_told_in_a_line(redis: RedisServer) -> None:
    nobody_s = gong("jobs", "status", "--company", COMPANY, "nightly", url=redis.url)
    assert (nobody_s.exit_code, "acme has no job 'nightly'" in nobody_s.output) == (1, True)
    ill_named = gong("jobs", "status", "--company", "a b", "nightly", url=redis.url)
    assert (ill_named.exit_code, "company 'a b' must be" in ill_named.output) == (1, True)
    away = gong("jobs", "status", "--company", COMPANY, "nightly", url=GONE)
    assert (away.exit_code, "no answer (ConnectionError)" in away.output) == (1, True)
    assert "hunter2" not in away.output


def test_a_password_on_the_command_line_is_refused_and_not_repeated() -> None:
    refused = gong("worker", "--company", COMPANY, "--redis", GONE)
    assert refused.exit_code == 2
    assert "put the URL into GONG_REDIS_URL" in refused.output
    assert "hunter2" not in refused.output


def test_a_worker_without_credentials_says_which_it_needs() -> None:
    refused = gong("worker", "--company", COMPANY, url=GONE)
    assert refused.exit_code == 1
    assert "set GONG_ACCESS_KEY" in refused.output


@pytest.mark.parametrize("missing", ["docket", "redis"])
def test_without_the_extra_the_package_and_the_commands_name_it(missing: str) -> None:
    hidden = f"import sys; sys.modules[{missing!r}] = None; "
    imported = python(hidden + "import gong_tasks_async.distributed")
    assert imported.stderr.splitlines()[-1].endswith("install 'gong_tasks_async[docket]'")
    line = ["jobs", "status", "--company", "acme", "--redis", "redis://127.0.0.1:1", "x"]
    told = python(f"{hidden}sys.argv[1:] = {line}; from gong_tasks_async.cli import main; main()")
    assert told.returncode == 1
    assert told.stderr.strip().endswith("install 'gong_tasks_async[docket]'")
    assert "Traceback" not in told.stderr


def python(program: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", program]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60, env=os.environ)  # noqa: S603


def test_a_worker_in_a_process_of_its_own_shares_the_quota_and_ends_when_told_to(redis: RedisServer) -> None:
    gong_engine = engine(6, second_limit=SecondLimit.SLIDING)
    with SimulatorThread(gong_engine) as simulator:
        environment = os.environ | {
            "GONG_REDIS_URL": redis.url,
            "GONG_ACCESS_KEY": simulator.access_key,
            "GONG_ACCESS_KEY_SECRET": simulator.access_key_secret,
            "GONG_BASE_URL": simulator.base_url,
        }
        line = [sys.executable, "-m", "gong_tasks_async", "worker", "--company", COMPANY]
        workers = [subprocess.Popen(line, env=environment, stderr=subprocess.PIPE) for _ in range(2)]  # noqa: S603
        try:
            assert asyncio.run(followed(redis.url, updates_of(gong_engine))).updated == 6
        finally:
            for worker in workers:
                worker.terminate()
            said = [worker.communicate(timeout=PATIENCE)[1] for worker in workers]
    assert said == [b"Working for acme; Ctrl-C ends it\n"] * 2
    assert [worker.returncode for worker in workers] == [0, 0]
    assert simulator.ledger.refused == 0


async def followed(url: str, updates: list[TaskUpdate]) -> Progress:
    async with Jobs(url, company=COMPANY) as jobs:
        return await over(await jobs.submit(updates))
