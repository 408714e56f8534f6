"""Whatever a writer to Redis, or Gong, has put into a job is drawn as text by `jobs` and `worker`, in a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from gong_tasks_async.cli.jobs import COMMANDS
from tests.cli.company import Company, Found, Terminal
from tests.cli.job_floor import NAME, Floor
from tests.cli.test_hostile_text import OBEYED, PLANTED, plant, shown
from tests.redis_server import RedisServer, require_redis

pytestmark = pytest.mark.usefixtures("patient_quota")

EACH = (
    "import json, sys; from gong_tasks_async.cli import main\n"
    "for words in json.loads(sys.argv[1]):\n"
    "    sys.argv[1:] = words\n"
    "    try: main()\n"
    "    except SystemExit as end: print(f'{words[0]} {words[1]} ended with {end.code}')\n"
)
"""Many commands in one process, which saves their imports."""

TEXT = PLANTED.replace("\x00", "")
ERROR = {
    "class": "ServerError",
    "method": "PATCH",
    "url": TEXT,
    "attempts": 1,
    "status": 500,
    "errors": [TEXT],
}
KEY = f"{{gong-jobs:{NAME}}}:jobs:"


@pytest.fixture
def floor(found: Found, tmp_path: Path) -> Iterator[Floor]:
    require_redis()
    company = found(users=2, tasks_per_user=2)
    plant(company)
    with RedisServer(tmp_path) as server:
        yield Floor(company, server)


def plant_in_redis(floor: Floor) -> None:
    """Every text of a job that is shown somewhere: names, origin, errors, values of rows."""
    error = json.dumps(ERROR)
    for job in ("mine", "done", "given"):
        floor.submit(2, "--name", job, "--again")
    floor.done("done")
    with Redis(port=floor.redis.port) as redis:
        facts = {"because": error, "state": "stopped", "origin": json.dumps({"file": TEXT, "line": TEXT})}
        redis.hset(f"{KEY}mine", mapping=facts)
        redis.hset(f"{KEY}{TEXT.replace(':', ';')}", mapping={**facts, "rows": 1})
        redis.hset(f"{KEY}bad", mapping={"state": TEXT})
        redis.hset(f"{KEY}given", mapping={"state": "ended", "given_up": 2})
        redis.hset(f"{KEY}given:tries", mapping={"1": f"1!:{error}", "2": f"{TEXT}!:{TEXT}"})
        redis.hset(f"{KEY}done:rows", "1", json.dumps([7, TEXT, TEXT, None, TEXT, [TEXT, 1, TEXT, 1]]))
        redis.hset(f"{KEY}done:outcomes", "1", json.dumps(["failed", 1, 1.0, TEXT, ERROR, TEXT]))
        redis.lpush(f"{{gong-jobs:{NAME}}}:quarantine", TEXT)


def lines(company: Company) -> list[list[str]]:
    jobs = [
        *(["list", "-o", form] for form in ("table", "csv", "jsonl")),
        *(
            ["status", job, "-o", form]
            for job in ("mine", "given", "bad", TEXT)
            for form in ("table", "jsonl")
        ),
        ["status", "mine", "--follow", "-o", "table"],
        *(
            ["report", job, "-o", form]
            for job in ("done", "mine")
            for form in ("table", "csv", "json", "html")
        ),
        *([command, TEXT] for command in ("cancel", "resume", "report", "undo", "retry", "status")),
        ["resume", "mine"],
        ["retry", "done", "--reason", TEXT],
        ["retry", "done", "--yes"],
        ["undo", "given", "--yes"],
        ["undo", "done", "--dry-run", "-o", "table"],
        ["cancel", "bad"],
        *(["submit", company.rows(2), "--yes", option, TEXT] for option in ("--name", "--credentials")),
        ["submit", "--user", TEXT, "--set-status", "DONE", "--yes"],
        ["submit", TEXT],
        ["submit", "--user", company.engine.user_ids[0], "--set-status", "DONE", "--name", "all", "--yes"],
        ["submit", "--user", company.engine.user_ids[0], "--set-status", "DONE", "--dry-run", "-o", "table"],
        ["list", "--company", TEXT],
        ["list", "--redis", TEXT],
    ]
    worker = [["worker", option, TEXT] for option in ("--company", "--redis", "--concurrency", "--listen")]
    return [["jobs", *words] for words in jobs] + worker


def test_nothing_that_a_terminal_obeys_reaches_it(floor: Floor) -> None:
    plant_in_redis(floor)
    words = lines(floor.company)
    assert {line[1] for line in words if line[0] == "jobs"} == set(COMMANDS)
    listen = words.pop()  # it needs a port, or it would begin to work
    words.append([*listen, "--health-port", "0"])
    with Terminal((json.dumps(words),), floor.company.environment, 150, program=EACH) as terminal:
        terminal.end()
        seen = shown(terminal.raw)
    assert "Traceback" not in seen
    assert seen.count(" ended with ") == len(words), seen
    assert OBEYED.search(seen) is None, ascii(seen)
    assert seen.count("[/x]") >= 20
    assert "http://evil.example" not in seen.replace("[link=http://evil.example]", "").replace(
        "[link=http;//evil", ""
    )
