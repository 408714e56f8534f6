"""The console blocks of the page on distributed jobs, typed one after another beside the page's own workers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

pytest.importorskip("openpyxl", reason="needs the extra excel")

from gong_tasks_async.simulator import Engine, SecondLimit, SimulatorThread
from tests.redis_server import RedisServer, require_redis

PAGE = (Path(__file__).parent.parent / "docs" / "distributed-jobs.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line.removeprefix("$ ") for line in "".join(BLOCKS).splitlines()]
WORKERS = [command for command in COMMANDS if command.startswith("gong-tasks worker")]
TYPED = [command for command in COMMANDS if command.startswith("gong-tasks jobs")]
SET_UP = ("pip install ", "export ")
"""What is there already: the package, and a Redis and a Gong in the place of those of the page."""
PROFILE = """
default_profile = "acme"

[profiles.acme]
base_url = "{base_url}"
access_key = "{access_key}"
secret = "env:ACME_SECRET"
"""


@contextmanager
def at_work(command: str, environment: dict[str, str]) -> Iterator[None]:
    """A worker, which ends with 0 when it is stopped."""
    with subprocess.Popen(command.split(), env=environment, stderr=subprocess.PIPE, text=True) as worker:  # noqa: S603 - the page's own
        try:
            yield
        finally:
            worker.send_signal(signal.SIGTERM)
            _, printed = worker.communicate(timeout=300)
        assert worker.returncode == 0, printed


def environment_of(gong: SimulatorThread, redis: RedisServer, folder: Path) -> dict[str, str]:
    own = re.search(r"^```toml\n\[profiles\.acme\]\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert own is not None
    profile = PROFILE.format(base_url=gong.base_url, access_key=gong.access_key) + own[1]
    config = folder / "config.toml"
    config.write_text(profile, encoding="utf-8")
    config.chmod(0o600)
    return {
        "HOME": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GONG_TASKS_CONFIG": str(config),
        "GONG_TASKS_STATE": str(folder / "state"),
        "ACME_REDIS_URL": redis.url,
        "ACME_SECRET": gong.access_key_secret,
    }


def test_each_command_of_the_page_is_run_or_set_up() -> None:
    assert len(WORKERS) == 2
    assert len(TYPED) > 5
    assert all(command.startswith(SET_UP) for command in COMMANDS if command not in {*WORKERS, *TYPED})


def test_the_commands_of_the_page_do_what_it_promises(tmp_path: Path) -> None:
    require_redis()
    engine = Engine(users=1, tasks_per_user=12, second_limit=SecondLimit.SLIDING)
    before = [task["status"] for task in engine.tasks.values()]
    with ExitStack() as stack:
        gong = stack.enter_context(SimulatorThread(engine))
        redis = stack.enter_context(RedisServer(tmp_path))
        own = environment_of(gong, redis, tmp_path)
        without_profile = {
            "GONG_REDIS_URL": redis.url,
            "GONG_ACCESS_KEY": gong.access_key,
            "GONG_ACCESS_KEY_SECRET": gong.access_key_secret,
            "GONG_BASE_URL": gong.base_url,
        }
        stack.enter_context(at_work(WORKERS[0], own))
        stack.enter_context(at_work(WORKERS[1], own | without_profile))
        rows = "".join(f"{task['id']},{task['userId']},DISMISSED\n" for task in engine.tasks.values())
        (tmp_path / "dismiss.csv").write_text(f"taskId,userId,status\n{rows}", encoding="utf-8")
        last = "gong-tasks jobs status nightly-undo --follow"
        ran = subprocess.run(  # noqa: S603 - the page's own commands
            ["bash", "-e", "-c", "\n".join([*TYPED, last])],  # noqa: S607
            cwd=tmp_path,
            env=own,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    assert ran.returncode == 0, ran.stderr
    assert [task["status"] for task in engine.tasks.values()] == before
    assert (tmp_path / "report.xlsx").exists()
    assert {request.status for request in gong.ledger.entries} == {200}
