"""The commands about jobs, as a shell sees them."""

from __future__ import annotations

import asyncio
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
from gong_tasks_async.simulator import SecondLimit, SimulatorThread
from tests.distributed_floor import COMPANY, PATIENCE, engine, over, updates_of
from tests.redis_server import RedisServer, require_redis

pytestmark = pytest.mark.usefixtures("patient_quota")

GONE = "redis://:hunter2@127.0.0.1:1/0"
LOOKING = ("status", "cancel", "resume", "report")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    require_redis()
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture(autouse=True)
def nobodys_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a configuration."""
    monkeypatch.setenv("GONG_TASKS_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("GONG_TASKS_STATE", str(tmp_path / "state"))
    for name in ("GONG_ACCESS_KEY", "GONG_ACCESS_KEY_SECRET", "GONG_ACCESS_TOKEN", "GONG_TASKS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def gong(*line: str, url: str | None = None, **environment: str) -> Result:
    variables: dict[str, str | None] = {"GONG_REDIS_URL": url}
    return CliRunner().invoke(gong_tasks, line, env=variables | environment)


@pytest.mark.parametrize("command", LOOKING)
def test_a_redis_that_is_away_is_told_in_a_line(command: str) -> None:
    away = gong("jobs", command, "--company", COMPANY, "nightly", url=GONE)
    assert (away.exit_code, away.output.count("\n")) == (5, 1)
    assert "no response (ConnectionError)" in away.output
    assert "hunter2" not in away.output


def test_nothing_is_submitted_to_a_redis_that_is_away(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("taskId,userId,status\n1,7,DONE\n")
    line = ("jobs", "submit", str(rows), "--yes", "--company", COMPANY)
    away = gong(*line, url=GONE, GONG_ACCESS_TOKEN="t0ken")
    assert (away.exit_code, away.output.count("\n")) == (5, 1)
    assert "hunter2" not in away.output


def test_a_company_that_cannot_be_one_is_refused() -> None:
    refused = gong("jobs", "status", "--company", "a b", "nightly", url=GONE)
    assert (refused.exit_code, "company 'a b' must be" in refused.output) == (2, True)


@pytest.mark.parametrize("url", [GONE, "redis://:hun/ter2@x", "redis://x?password=hunter2"])
def test_a_password_on_the_command_line_is_refused_and_not_repeated(url: str) -> None:
    refused = gong("worker", "--company", COMPANY, "--redis", url)
    assert refused.exit_code == 2
    assert "GONG_REDIS_URL" in refused.output
    assert "hun" not in refused.output


def test_a_worker_without_credentials_says_which_it_needs() -> None:
    refused = gong("worker", "--company", COMPANY, url=GONE)
    assert refused.exit_code == 3
    assert "set GONG_ACCESS_KEY" in refused.output


@pytest.mark.parametrize("missing", ["docket", "redis"])
@pytest.mark.parametrize("line", [["jobs", "status", "x"], ["jobs", "submit", "x"], ["worker"]])
def test_without_the_extra_the_package_and_the_commands_name_it(missing: str, line: list[str]) -> None:
    hidden = f"import sys; sys.modules[{missing!r}] = None; "
    imported = python(hidden + "import gong_tasks_async.distributed")
    assert imported.stderr.splitlines()[-1].endswith("install 'gong_tasks_async[docket]'")
    ended = python(f"{hidden}sys.argv[1:] = {line}; from gong_tasks_async.cli import main; main()")
    assert ended.returncode == 2
    assert ended.stderr == "Error: pydocket and redis are needed; install 'gong_tasks_async[docket]'\n"


def python(program: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", program]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=300, env=os.environ)  # noqa: S603


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
            begun = [worker.stderr.readline() for worker in workers if worker.stderr]
            assert asyncio.run(followed(redis.url, updates_of(gong_engine))).updated == 6
        finally:
            for worker in workers:
                worker.terminate()
            said = [worker.communicate(timeout=PATIENCE)[1] for worker in workers]
    assert begun == [b"Working for acme; press Ctrl-C to stop\n"] * 2
    assert said == [b""] * 2
    assert [worker.returncode for worker in workers] == [0, 0]
    assert simulator.ledger.refused == 0


async def followed(url: str, updates: list[TaskUpdate]) -> Progress:
    async with Jobs(url, company=COMPANY) as jobs:
        return await over(await jobs.submit(updates))
