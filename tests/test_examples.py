"""The examples run, and do what they say."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gong_tasks_async import GongTasksClient, LocalQuota, QuotaLimits, RetryPolicy, Unlimited
from gong_tasks_async.simulator import (
    Engine,
    Fault,
    Request,
    Response,
    Simulator,
    SimulatorThread,
    memory_session,
)
from tests.conftest import Connect, credentials_of
from tests.redis_server import spare_port

EXAMPLES = Path(__file__).parent.parent / "examples"
SECRET = "made-up"
LATE_2026 = datetime(2026, 12, 31, tzinfo=UTC)


def load(path: str) -> Any:
    """An example as a module; it is a program, so that nothing imports it by name."""
    name = Path(path).stem
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def environment(gong: SimulatorThread) -> dict[str, str]:
    return os.environ | {
        "GONG_ACCESS_KEY": gong.access_key,
        "GONG_ACCESS_KEY_SECRET": gong.access_key_secret,
        "GONG_BASE_URL": gong.base_url,
    }


def run(gong: SimulatorThread, *line: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own example
        [sys.executable, "-W", "error", *line],
        env=environment(gong),
        input=typed,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def statuses(engine: Engine) -> list[str]:
    return [task["status"] for task in engine.tasks.values()]


def open_task(engine: Engine) -> tuple[int, str]:
    return next(
        (number, str(task["userId"])) for number, task in engine.tasks.items() if task["status"] == "OPEN"
    )


# --- nightly_bulk.py

nightly_bulk = load("nightly_bulk.py")


def old_and_open(engine: Engine) -> int:
    active = {user["id"] for user in engine.people if user["active"]}
    return sum(
        task["status"] == "OPEN" and bool(task.get("dueDate")) and str(task["userId"]) in active
        for task in engine.tasks.values()
    )


def names_in(folder: Path) -> set[str]:
    """The files in a folder, but for the locks that a journal leaves beside itself."""
    return {file.name for file in folder.iterdir() if not file.name.endswith("-lock")}


@pytest.mark.virtual
async def test_the_nightly_script_goes_on_when_the_day_has_turned(connect: Connect, tmp_path: Path) -> None:
    engine = Engine(users=4, inactive_users=1, tasks_per_user=40, per_day=80)
    wanted = old_and_open(engine)
    assert wanted > 80
    limits, loop = QuotaLimits(per_day=80, interactive_reserve=5), asyncio.get_running_loop()
    gong = await connect(engine, quota=LocalQuota(limits, wall_clock=loop.time))
    before = statuses(engine).count("DISMISSED")
    assert await nightly_bulk.nightly(gong, tmp_path, LATE_2026) == 75
    assert before < statuses(engine).count("DISMISSED") < before + wanted
    assert names_in(tmp_path) == {"dismiss.gong", "report.html"}

    await asyncio.sleep(86_400)
    engine.ledger.clear()
    assert await nightly_bulk.nightly(gong, tmp_path, LATE_2026) == 0
    assert statuses(engine).count("DISMISSED") == before + wanted
    assert engine.ledger.entries[-1].method == "POST"  # then it looks for what has become old since
    assert names_in(tmp_path) == {"dismissed-20261231T000000Z-dismiss.gong", "report.html"}


class Poisoned(Engine):
    """Fails at each change of its first task."""

    def answer(self, request: Request, now: float) -> Response:
        if request.path.endswith(str(next(iter(self.tasks)))):
            self.inject_fault(Fault.SERVER_ERROR)
        return super().answer(request, now)


@pytest.mark.virtual
async def test_a_row_that_gong_cannot_answer_does_not_hold_up_the_next_night(
    connect: Connect, tmp_path: Path
) -> None:
    engine = Poisoned(users=1, inactive_users=0, tasks_per_user=3)
    for task in engine.tasks.values():
        task |= {"status": "OPEN", "dueDate": "2020-01-01T00:00:00Z"}
    *_, new = engine.tasks
    engine.tasks[new]["status"] = "DONE"
    gong = await connect(engine, retry=RetryPolicy(attempts=1))
    assert await nightly_bulk.nightly(gong, tmp_path, LATE_2026) == 1
    assert names_in(tmp_path) == {"aside-20261231T000000Z.gong", "report.html"}
    engine.tasks[new]["status"] = "OPEN"
    assert await nightly_bulk.nightly(gong, tmp_path, LATE_2026 + timedelta(days=1)) == 1
    assert engine.tasks[new]["status"] == "DISMISSED"


@pytest.mark.virtual
async def test_the_nightly_script_comes_again_when_the_day_was_spent_before_it(
    connect: Connect, tmp_path: Path
) -> None:
    gong = await connect(Engine(per_day=1))
    await gong.list_tasks("1")
    assert await nightly_bulk.nightly(gong, tmp_path, LATE_2026) == 75
    assert names_in(tmp_path) == set()


@pytest.mark.virtual
async def test_the_nightly_script_tells_what_failed(connect: Connect, tmp_path: Path) -> None:
    engine = Engine(account="inactive")
    assert await nightly_bulk.nightly(await connect(engine), tmp_path, LATE_2026) == 1


def test_the_nightly_script_as_a_program(tmp_path: Path) -> None:
    engine = Engine(users=2, tasks_per_user=2, seed=3)
    for task in engine.tasks.values():
        task |= {"status": "OPEN", "dueDate": "2020-01-01T00:00:00Z"}
    folder = tmp_path / "jobs"
    with SimulatorThread(engine) as gong:
        finished = run(gong, str(EXAMPLES / "nightly_bulk.py"), str(folder))
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("4 updated, 0 unchanged, 0 failed, 0 pending")
    assert set(statuses(engine)) == {"DISMISSED"}
    assert "day.sqlite" in names_in(folder)
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")


# --- chat_bot.py

chat_bot = load("chat_bot.py")


@pytest.mark.virtual
async def test_the_chat_bot_answers_at_once_beside_a_bulk_run(connect: Connect) -> None:
    engine = Engine(users=3, inactive_users=0, tasks_per_user=200)
    for task in engine.tasks.values():
        task |= {"status": "OPEN", "dueDate": "2020-01-01T00:00:00Z"}
    number, user_id = open_task(engine)
    gong = await connect(engine, latency=(0.04, 0.12))
    bulk_run = asyncio.create_task(chat_bot.postpone_everything(gong))
    await asyncio.sleep(60)
    bot, loop = chat_bot.ChatBot(gong, user_id), asyncio.get_running_loop()
    began = loop.time()
    assert (await bot.answer("tasks")).endswith("... 200 in all")
    assert await bot.answer(f"done {number}") == f"Task {number} is done."
    assert loop.time() - began < 3
    assert not bulk_run.done()
    await bulk_run
    assert all(not task["dueDate"].startswith("2020") for task in engine.tasks.values())
    assert engine.ledger.refused == 0


@pytest.mark.virtual
async def test_the_chat_bot_answers_whatever_happens(connect: Connect) -> None:
    engine = Engine(users=1, tasks_per_user=0)
    bot = chat_bot.ChatBot(await connect(engine), engine.user_ids[0])
    assert await bot.answer("tasks") == "Nothing to do."
    assert await bot.answer("done 7") == "You have no such task."
    for nonsense in ("", "done", "done x", "done 0", "hello"):
        assert (await bot.answer(nonsense)).startswith("Type `tasks`")
    engine.slow_seconds = 60
    engine.inject_fault(Fault.SLOW)
    assert await bot.answer("tasks") == "Gong is busy: look again in a minute."
    engine.scopes = ()
    assert "api:tasks:read" in await bot.answer("tasks")


def test_the_chat_bot_as_a_program() -> None:
    engine = Engine(users=1, tasks_per_user=5, inactive_users=0, second_limit="none")
    number, _ = open_task(engine)
    address = engine.people[0]["emailAddress"]
    with SimulatorThread(engine) as gong:
        finished = run(gong, str(EXAMPLES / "chat_bot.py"), address, typed=f"tasks\ndone {number}\nquit\n")
        unknown = run(gong, str(EXAMPLES / "chat_bot.py"), "nobody@example.com")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert f"Task {number} is done." in finished.stdout
    assert engine.tasks[number]["status"] == "DONE"
    assert (unknown.returncode, unknown.stderr) == (1, "No user has the address nobody@example.com\n")


# --- webhook_service

service = load("webhook_service/service.py")


def sign(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Signature-256": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


Heard = tuple[int, dict[str, str], str]


async def call(engine: Engine, body: bytes, headers: dict[str, str] | None = None) -> Heard:
    """Send one webhook to the service, which stands before a Gong on a socket."""
    async with Simulator(engine) as gong:

        def client() -> GongTasksClient:
            return GongTasksClient(credentials_of(engine), base_url=gong.base_url, quota=Unlimited())

        async with memory_session(
            service.make_app(SECRET, client), base_url="http://service.test"
        ) as session:
            headers = sign(body) if headers is None else headers
            async with session.post("/task-done", data=body, headers=headers) as response:
                return response.status, dict(response.headers), await response.text()


def webhook(task_id: object, user_id: object) -> bytes:
    return json.dumps({"taskId": task_id, "userId": user_id}).encode()


@pytest.mark.parametrize("spelled", [int, str])
async def test_a_webhook_closes_its_task(spelled: type) -> None:
    engine = Engine()
    number, user_id = open_task(engine)
    status, _, text = await call(engine, webhook(spelled(number), user_id))
    assert (status, json.loads(text)) == (200, {"taskId": str(number), "status": "DONE"})
    assert engine.tasks[number]["status"] == "DONE"


@pytest.mark.parametrize(
    "headers", [{}, {"X-Signature-256": "sha256=é"}, sign(b"another"), sign(b"", "other")]
)
async def test_a_webhook_that_we_did_not_sign_changes_nothing(headers: dict[str, str]) -> None:
    engine = Engine()
    status, _, _ = await call(engine, webhook(*open_task(engine)), headers)
    assert (status, engine.ledger.calls) == (401, 0)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", webhook("x", "1"), webhook(2**63, "1"), webhook(1, " ")])
async def test_a_webhook_that_makes_no_sense(body: bytes) -> None:
    engine = Engine()
    status, _, text = await call(engine, body)
    assert (status, engine.ledger.calls) == (400, 0)
    assert "Expected taskId and userId" in text


async def test_errors_of_gong_become_answers_that_our_caller_can_use() -> None:
    engine = Engine()
    number, user_id = open_task(engine)
    assert (await call(engine, webhook(number, "1")))[0] == 404
    engine.inject_fault(Fault.TOO_MANY, retry_after="600")
    status, headers, _ = await call(engine, webhook(number, user_id))
    assert (status, headers["Retry-After"]) == (503, "600")
    engine.inject_fault(Fault.TOO_MANY, retry_after="30")
    status, headers, _ = await call(engine, webhook(number, user_id))
    assert status == 503
    engine.access_key_secret, secret = "changed", engine.access_key_secret
    status, _, text = await call(Engine(access_key_secret=secret, scopes=()), webhook(number, user_id))
    assert status == 502
    assert secret not in text


def test_the_service_refuses_to_start_without_a_secret() -> None:
    with pytest.raises(ValueError, match="WEBHOOK_SECRET"):
        service.make_app("")


def post(port: int, body: bytes) -> int:
    address = f"http://127.0.0.1:{port}/task-done"
    request = urllib.request.Request(address, body, sign(body))
    with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310 - our own service
        return int(response.status)


def test_the_service_as_a_program() -> None:
    engine = Engine()
    number, user_id = open_task(engine)
    port = spare_port()
    with SimulatorThread(engine) as gong:
        settings = {"WEBHOOK_SECRET": SECRET, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
        line = [sys.executable, str(EXAMPLES / "webhook_service" / "service.py")]
        with subprocess.Popen(  # noqa: S603 - our own example
            line, env=environment(gong) | settings, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                assert "Running on" in process.stdout.readline()  # printed once it listens
                assert post(port, webhook(number, user_id)) == 200
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=120) == 0
            finally:
                process.kill()
    assert engine.tasks[number]["status"] == "DONE"


# --- pytest_project


def test_the_little_project_passes_its_own_tests(tmp_path: Path) -> None:
    project = shutil.copytree(
        EXAMPLES / "pytest_project", tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__")
    )
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", "--strict-markers"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "4 passed" in finished.stdout
