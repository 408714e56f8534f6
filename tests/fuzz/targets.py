"""Every reader of foreign or damaged data: what it is given, and the only errors that may come out."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, time
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import click
from attrs import frozen
from fakeredis import FakeAsyncRedis
from openpyxl import Workbook

from gong_tasks_async import (
    DecodeError,
    GongError,
    JournalError,
    Lane,
    Permit,
    QuotaLimits,
    QuotaStoreError,
    QuotaUnavailable,
    RedisQuota,
    TaskStatus,
    TaskUpdate,
    codec,
)
from gong_tasks_async.auth import token_endpoint
from gong_tasks_async.bulk.journal import Journal, open_journal
from gong_tasks_async.bulk.outcomes import JournalRow, RowState, TaskSnapshot
from gong_tasks_async.cli.input.source import Source, parsed
from gong_tasks_async.config.config_file import read_config_file
from gong_tasks_async.config.errors import ConfigurationError, NoSecretError
from gong_tasks_async.config.grant_file import GrantFile
from gong_tasks_async.distributed import serialization
from gong_tasks_async.http import responses
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.quota.local.day_file import SqliteStore
from gong_tasks_async.quota.redis.url import read_url
from gong_tasks_async.simulator import Engine, VirtualClockLoop
from tests.fuzz.mutation import TOKENS, VALUES, damage, spoil_table

NOW = datetime(2026, 3, 2, tzinfo=UTC)
NOON = 1_800_000_000.0
TASKS = 3


@frozen
class Target:
    """One reader.

    ``read`` gets a folder of its own, damaged data, and a generator for further choices; what it raises must be one of
    ``errors``.
    """

    name: str
    corpus: Sequence[bytes]
    read: Callable[[Path, bytes, Random], object]
    errors: tuple[type[Exception], ...]
    examples: int
    """In each test run."""

    def data(self, chance: Random) -> bytes:
        """One damaged document; now and then an undamaged one."""
        data = chance.choice(self.corpus)
        return data if chance.random() < 0.02 else damage(data, chance, self.corpus)


# Responses


def _listing() -> bytes:
    engine = Engine(users=1, tasks_per_user=TASKS)
    return json.dumps({"requestId": "r1", "tasks": list(engine.tasks.values()), "records": {}}).encode()


LISTING = _listing()
USER = {"id": "12", "emailAddress": "a@b.example", "active": True, "created": "2024-01-01T00:00:00Z"}
USERS = json.dumps(
    {"requestId": "r", "users": [USER], "records": {"cursor": "c", "totalRecords": 1}}
).encode()
WORKSPACES = json.dumps({"requestId": "r", "workspaces": [{"id": "1", "name": "A"}]}).encode()
DECODERS: Sequence[Callable[..., Any]] = (
    codec.decode_answer,
    lambda *parts: list(codec.decode_tasks(*parts)),
    codec.decode_user,
    codec.decode_users,
    codec.decode_workspaces,
)


def read_answer(_: Path, data: bytes, chance: Random) -> None:
    unreadable: list[object] = []
    values = chance.choice(DECODERS)(data, *chance.choice(((), (unreadable.append,))))
    str(unreadable), repr(values)


def read_task(_: Path, data: bytes, __: Random) -> None:
    codec.to_json(codec.task_from_json(data))


REFUSALS = (
    b'{"requestId":"4al018gzaztcr8nbukw","errors":["Too many","api_key wrong"]}',
    b"<html><head><title>503 Service &amp; more</title></head><body>Ray ID: 7</body></html>",
    b'{"error":"invalid_grant","error_description":"used"}',
)
HEADERS = ("Retry-After", "Content-Type", "Location", "x-traceid", "Server", "cf-mitigated", "Date", "Via")
REQUESTS = (
    HttpRequest("PATCH", "/v2/tasks/1", b"{}"),
    HttpRequest("POST", "/oauth2", result_key="access_token", error_key="error", quotable=False),
)


def judge(_: Path, data: bytes, chance: Random) -> None:
    status = chance.choice(
        (200, 201, 204, 302, 400, 401, 403, 404, 407, 408, 418, 429, 500, 503, 520, 99, 999)
    )
    values = [
        *(token.decode(errors="replace") for token in TOKENS),
        "120",
        "Fri, 31 Dec 1999 23:59:59 GMT",
        "text/html",
    ]
    headers = {name: chance.choice(values) for name in HEADERS if chance.random() < 0.4}
    response = HttpResponse(status, headers, data, chance.random() < 0.2, framed=chance.random() < 0.8)
    verdict = responses.judge(response, chance.choice(REQUESTS), lambda: NOW)
    if verdict is not response:
        assert isinstance(verdict, GongError)
        assert len(str(verdict)) < 20_000, "the text of an error is not bounded"
        _wait_of(verdict)


def _wait_of(error: GongError) -> None:
    wait = getattr(error, "retry_after", None)
    assert wait is None or wait >= 0, wait


GRANT = json.dumps(
    {
        "access_token": "a",
        "refresh_token": "r",
        "expires_in": 86400,
        "api_base_url_for_customer": "https://x.gong.io",
    }
).encode()


def read_grant(_: Path, data: bytes, __: Random) -> None:
    granted = token_endpoint.read_grant(HttpResponse(200, {}, data), NOW)
    assert granted.expires_at > NOW


# Files


def _in_memory(fill: Callable[[Path], None]) -> Callable[[Path], bytes]:
    """The bytes of a file, made once in the first folder."""
    made: list[bytes] = []

    def bytes_of(folder: Path) -> bytes:
        if not made:
            path = folder / "made"
            fill(path)
            with closing(sqlite3.connect(path)) as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            made.append(path.read_bytes())
        return made[0]

    return bytes_of


def _write_journal(path: Path) -> None:
    rows = [TaskUpdate(number, "12", TaskStatus.DONE, priority="HIGH") for number in range(1, 40)]
    with Journal.create_or_open(path, rows) as journal:
        journal.begin_run()
        error = responses.judge(HttpResponse(404, {}, REFUSALS[0]), REQUESTS[0], lambda: NOW)
        assert isinstance(error, GongError)
        states = (RowState.UPDATED, RowState.FAILED)
        journal.settle(
            [
                JournalRow(row, state, 1, "r", error if state is RowState.FAILED else None, NOW)
                for row, state in zip(rows[:20], states * 10, strict=True)
            ]
        )


journal_bytes = _in_memory(_write_journal)


def read_journal(folder: Path, _: bytes, chance: Random) -> None:
    path = folder / "journal"
    _write_damaged(path, journal_bytes(folder), chance, ("rows", "job", "runs", "facts", "users"))
    if chance.random() < 0.5:
        with open_journal(path) as journal:
            _look_through(journal)
    else:
        with Journal.create_or_open(path, None) as journal:
            pending = journal.pending(0, 100)
            journal.settle(
                [JournalRow(row.update, RowState.UPDATED, 1, None, None, NOW) for row in pending[:3]]
            )
            _look_through(journal)


def _look_through(journal: Any) -> None:
    journal.counts(), journal.by_user(), journal.timeline(7), journal.runs(), journal.facts, journal.users
    str(list(journal.rows())), str(journal.report())


def _write_damaged(path: Path, whole: bytes, chance: Random, tables: Sequence[str]) -> None:
    """A damaged SQLite file: half of the time its bytes, otherwise its values."""
    for beside in path.parent.glob(f"{path.name}*"):
        beside.unlink()
    if chance.random() < 0.5:
        for _ in range(chance.choice((1, 3, 20))):
            place = chance.randrange(len(whole))
            with_damage = chance.choice((b"\xff", b"\x00" * 64, chance.randbytes(8), b"VIEW"))
            whole = whole[:place] + with_damage + whole[place + len(with_damage) :]
        path.write_bytes(whole[: chance.choice((len(whole), len(whole), chance.randrange(len(whole))))])
    else:
        path.write_bytes(whole)
        spoil_table(path, chance.choice(tables), chance)


def _write_day(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        for second in range(30):
            store.take(NOON + second, NOON - 1000, 100)


day_bytes = _in_memory(_write_day)


def read_day(folder: Path, _: bytes, chance: Random) -> None:
    path = folder / "day"
    whole = day_bytes(folder)
    with closing(sqlite3.connect(folder / "made")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    _write_damaged(path, whole, chance, tables)
    with closing(SqliteStore(path)) as store:
        for second in range(4):
            store.take(NOON + 100 + second, NOON - 1000, 100)
        store.pause(NOON + 400, NOON + 100)
        count = store.count(NOON + 200, NOON - 1000)
        assert count.paused_until <= NOON + 200 + 2 * 86_400
        store.reopen()


def _private(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    path.chmod(0o600)
    return path


GRANT_FILE = json.dumps(
    {
        "access_token": "a",
        "refresh_token": "r",
        "expires_at": NOW.isoformat(),
        "base_url": "https://x.gong.io",
    }
).encode()


def read_grant_file(folder: Path, data: bytes, __: Random) -> None:
    file = GrantFile(_private(folder, "grant", data))
    grant = file.read()
    assert grant.expires_at.tzinfo
    file.save(grant)
    assert file.read() == grant, "what was saved is not what is read"


CONFIG = b"""
default_profile = "acme"
[profiles.acme]
access_key = "k"
access_key_secret = "env:ACME"
base_url = "https://us-1.api.gong.io"
per_second = 3
per_day = 10000
[profiles.other]
refresh_token = "file:/x"
client_id = "i"
client_secret = "keyring"
day_starts = "00:00"
redis = "env:REDIS_URL"
"""


def read_config(folder: Path, data: bytes, __: Random) -> None:
    file = read_config_file(_private(folder, "config.toml", data))
    for name in file.names:
        with suppress(ConfigurationError):
            repr(file.named(name))


def _sheet() -> bytes:
    book = Workbook()
    for row in (["taskId", "userId", "status"], [7, "12", "DONE"], ["8", "ann@example.com", None]):
        book.worksheets[0].append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


ROWS = (
    b"taskId,userId,status,dueDate\n7,12,DONE,2026-03-02\n8,ann@example.com,OPEN,+7d\n",
    b"taskId;userId;priority\r\n7;12;HIGH\r\n",
    b'{"taskId":"7","userId":"12","status":"DONE"}\n{"taskId":8,"userId":"12","dueDate":"tomorrow 17:00"}\n',
    b'[{"id":"7","userId":"12","status":"DONE","priority":{"name":"high"}}]',
    "taskId\tuserId\tstatus\n7\t12\tDONE\n".encode("utf-16"),
)
SOURCE = Source(file="x", status=None)
SETTING = Source(file="x", status=TaskStatus.DONE, skip_unknown=True)


def read_rows(_: Path, data: bytes, chance: Random) -> None:
    found = parsed(data, chance.choice((SOURCE, SETTING)))
    for row in found.rows[:50]:
        with suppress(ValueError):
            row.update(row.user)
    str(found.problems)


# Redis

SERVER_URL = b"rediss://:p4ss-w0rd@redis.example:6380/0?ssl_cert_reqs=none"


def read_redis_url(_: Path, data: bytes, __: Random) -> None:
    url: str = data.decode(errors="replace")
    try:
        shown, _secrets = read_url(url)
    except ValueError as error:
        shown = str(error)
    password, _at, rest = url.partition("://:")[2].rpartition("@")
    assert "p4ss" not in password or password in rest or password not in shown


PLANNED = serialization.PlannedRow(
    TaskUpdate(7, "12", TaskStatus.DONE, NOW), TaskSnapshot(TaskStatus.OPEN, NOW, "HIGH", NOW)
)
STORED = (
    serialization.row_text(PLANNED.update, PLANNED.before).encode(),
    serialization.outcome_text(
        JournalRow(TaskUpdate(7, "12", TaskStatus.DONE), RowState.UPDATED, 1, "r", None, NOW)
    ).encode(),
    serialization.settings_text(
        serialization.JobSettings(
            credentials="bot", limits=QuotaLimits(day_starts=time(0, tzinfo=ZoneInfo("UTC")))
        )
    ).encode(),
    b'2:{"kind":"ServerError","status":503,"method":"PATCH","url":"https://x/7","errors":["a"]}',
)
STORED_READERS: Sequence[Callable[[bytes], object]] = (
    serialization.row_of,
    lambda text: serialization.row_with_outcome(PLANNED, text),
    serialization.settings_of.__wrapped__,
    serialization.error_of,
    serialization.attempt_of,
    serialization.origin_of,
)


def read_stored(_: Path, data: bytes, chance: Random) -> None:
    repr(chance.choice(STORED_READERS)(data))


REPLIES: Sequence[list[Any]] = (
    [b"go", 0, 5, 30_000, 1_800_086_700, 3, 3, 0, 343_333, 343_333, 0],
    [b"wait", 200_000, 4],
    [b"shut", 1_000_000, 0, 0],
    [b"spent", 1_800_086_700, 10_000],
    [b"room", 100_000],
    [b"joined", 7, 1_800_000_000_000_000, b"limits"],
    [b"state", 1_800_000_000_000_000, 0, 0, 0, 343_333, 1_800_086_700, 3],
    [b"done"],
    [b"unknown"],
)


def in_virtual_time(live: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        clock = runner.get_loop().time
        with patch("time.time", lambda: NOON + clock()):  # the server's, too
            runner.run(live)


def _odd_reply(chance: Random) -> Any:
    reply = list(chance.choice(REPLIES))
    for _ in range(chance.choice((0, 1, 1, 2))):
        place = chance.randrange(len(reply) + 1)
        reply[place : place + chance.choice((0, 1))] = [chance.choice((*VALUES, *TOKENS, 2**62, -5, 10**15))]
    return chance.choice((reply, reply, reply, reply[: chance.randrange(len(reply) + 1)], *VALUES[:3]))


def answer_script(_: Path, __: bytes, chance: Random) -> None:
    """A server whose replies are not the script's: nothing but the quota's errors comes out, and no call hangs."""

    async def live() -> None:
        quota = RedisQuota(FakeAsyncRedis(), company="acme", limits=QuotaLimits(day_starts=None))

        async def run(asked: tuple[str | bytes, ...]) -> Any:
            plain = [b"joined", 1, int(NOON * 1e6), 0, b"x"] if asked[0] == "join" else None
            return plain if plain and chance.random() < 0.7 else _odd_reply(chance)

        quota._backend._run = run  # type: ignore[method-assign]  # such a server
        for step in (
            quota.snapshot(),
            quota.acquire(Lane.BULK, deadline=0.05 + _time(), max_wait=1.0),
            quota.reopen(),
        ):
            with suppress(GongError):
                if isinstance(got := await step, Permit):
                    quota.release(got, status=200)
        quota.pause(0.01)
        await asyncio.sleep(0)
        await quota.close()

    in_virtual_time(live())


def _time() -> float:
    return asyncio.get_running_loop().time()


FIELDS = [
    "epoch",
    "serial",
    "seen",
    "next",
    "shut",
    "day_shut",
    "probe",
    "used",
    "sweep_at",
    "rung",
    "run",
    "patience",
    "trying",
    "refused_at",
    "answers",
    "flight",
    "deviation",
    "quickest",
    "earned",
    "urgent",
    "urgent_by",
    "issued_bulk",
    "served_bulk",
    "issued_interactive",
    "served_interactive",
    "limits",
]


def spoil_keys(_: Path, __: bytes, chance: Random) -> None:
    """Anything in the keys: the script answers, and a call departs or is refused with the quota's errors."""

    async def live() -> None:
        client = FakeAsyncRedis()
        quota = RedisQuota(
            client, company="acme", limits=QuotaLimits(day_starts=None, per_second=1000.0), timeout=5.0
        )
        quota.release(await quota.acquire(Lane.BULK), status=200)
        odd: list[Any] = [
            *TOKENS,
            *(repr(value).encode() for value in VALUES if isinstance(value, int | float)),
            b"1e15",
        ]
        state: dict[Any, Any] = {name: chance.choice(odd) for name in FIELDS if chance.random() < 0.3} or {
            "next": b"nan"
        }
        await client.hset("{gong:acme}:state", mapping=dict(state))
        day: dict[Any, Any] = {
            chance.choice((*odd, b"1800086700", b"1800086700:5")): chance.choice(odd) for _ in range(3)
        }
        await client.hset("{gong:acme}:day", mapping=day)
        scores = {
            chance.choice(odd): chance.choice((-1e300, 0.0, 1e15, 1.8e15, 2e17, float("inf")))
            for _ in range(3)
        }
        await client.zadd("{gong:acme}:leases", scores)
        for step in (quota.snapshot(), quota.acquire(Lane.BULK, deadline=_time() + 0.02, max_wait=1.0)):
            try:
                await step
            except QuotaUnavailable as error:
                raise AssertionError(error.reason) from error
            except GongError:
                pass
        await quota.reopen()
        await quota.close()
        await client.aclose()

    in_virtual_time(live())


def targets() -> Iterator[Target]:
    """All of them."""
    answers = (LISTING, USERS, WORKSPACES, json.dumps({"user": USER}).encode())
    one_task = json.dumps(json.loads(LISTING)["tasks"][0]).encode()
    yield Target("answers", answers, read_answer, (DecodeError,), 600)
    yield Target("task_from_json", (one_task,), read_task, (DecodeError,), 300)
    yield Target("judge", (*answers, *REFUSALS), judge, (), 1000)
    yield Target("token_answer", (GRANT,), read_grant, (DecodeError,), 300)
    yield Target("journal", (b"",), read_journal, (JournalError,), 40)
    yield Target("day_store", (b"",), read_day, (QuotaStoreError,), 30)
    yield Target("grant_file", (GRANT_FILE, b"token"), read_grant_file, (NoSecretError,), 60)
    yield Target("config", (CONFIG,), read_config, (ConfigurationError,), 200)
    yield Target("input_file", ROWS, read_rows, (ValueError, click.UsageError), 400)
    yield Target("workbook", (_sheet(),), read_rows, (ValueError, click.UsageError), 100)
    yield Target("redis_url", (SERVER_URL,), read_redis_url, (), 500)
    yield Target("stored_row", STORED, read_stored, (ValueError,), 500)
    yield Target("script_reply", (b"",), answer_script, (), 100)
    yield Target("quota_keys", (b"",), spoil_keys, (), 30)


TARGETS = {target.name: target for target in targets()}
