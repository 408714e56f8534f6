"""What stands in Redis is data: no byte of it is run, and no garbage ends a worker or a command."""

from __future__ import annotations

import inspect
import logging
import os
import pickle
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # Docket's, without types
import docket.docket
import docket.execution
import docket.strikelist
import docket.worker
import pytest
from docket import Docket
from docket.strikelist import StrikeList
from hypothesis import given, strategies as st

from gong_tasks_async import GongError
from gong_tasks_async.distributed import Jobs, JobState, UnreadableRowError, effects
from gong_tasks_async.distributed.data_docket import CheckedRedis, DataDocket
from gong_tasks_async.distributed.messages import (
    FEED,
    NAME,
    ROW,
    START,
    RowKey,
    check_message,
    read_arguments,
    row_of_key,
)
from gong_tasks_async.distributed.queue import open_docket
from gong_tasks_async.simulator import Simulator
from tests.distributed_floor import COMPANY, at_work, engine, eventually, memory, over, updates_of

names = st.from_regex(NAME, fullmatch=True).filter(lambda name: len(name) <= 100)
numbers = st.integers(1, 10**9)


class Evil:
    """A pickle that creates a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


def message(
    function: str | bytes = ROW, key: str | bytes = "nightly:1", *arguments: object, **fields: object
) -> dict[Any, Any]:
    usual: dict[Any, Any] = {
        b"function": function.encode() if isinstance(function, str) else function,
        b"key": key.encode() if isinstance(key, str) else key,
        b"args": cloudpickle.dumps(arguments or ("nightly", 1)),
        b"kwargs": cloudpickle.dumps({}),
        b"when": datetime.now(UTC).isoformat().encode(),
        b"attempt": b"1",
        b"generation": b"1",
    }
    return usual | {name.encode(): value for name, value in fields.items()}


class TestMessages:
    @given(names, numbers)
    def test_what_this_version_writes_is_read_as_it_was(self, job: str, number: int) -> None:
        written: list[object] = [(job,), (job, number), (), {}]
        for arguments in written:
            assert read_arguments(cloudpickle.dumps(arguments)) == arguments
        checked = check_message(message(ROW, f"{job}:{number}", job, number))
        assert pickle.loads(checked[b"args"]) == (job, number)  # noqa: S301 - made by this process
        assert row_of_key(f"{job}:{number}") == RowKey(job, number)

    @pytest.mark.parametrize(
        "value",
        [
            5.0,
            None,
            True,
            b"x",
            [],
            {"a": 1},
            {1},
            ("a", 1, 2),
            os.mkdir,
            Evil(Path("x")),
            datetime.now(UTC),
        ],
        ids=range(11),
    )
    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_anything_else_is_refused_and_nothing_is_run(self, value: object, protocol: int) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - each in its own words
            read_arguments(pickle.dumps(value, protocol))

    @given(st.binary(max_size=1_100))
    def test_no_bytes_bring_another_error(self, data: bytes) -> None:
        try:
            found = read_arguments(data)
        except ValueError:
            return
        assert isinstance(found, str | int | tuple | dict)

    @pytest.mark.parametrize(
        "odd",
        [
            {},
            {b"function": ROW.encode()},
            message(args=pickle.dumps(5)),
            message(args=b"\x80\x05r\xff\xff\xff\x7f."),
            message(kwargs=pickle.dumps({"job": "other"})),
            message(when=b"2026-11-26T12:00:00"),
            message(when=b"soon"),
            message(when=b"\xff"),
            message(attempt=b"0"),
            message(attempt=b"-1"),
            message(attempt=b"9" * 5_000),
            message(generation=b"x"),
            message(function=b"os.system"),
            message(ROW, "nightly:2"),
            message(ROW, "nightly:start", "nightly"),
            message(START, "nightly:1"),
            message(FEED, "nightly:start", "nightly"),
            message(ROW, "a:b:1", "a:b", 1),
            message(key=b"\xff:1"),
        ],
        ids=range(19),
    )
    def test_a_message_of_another_shape_is_refused(self, odd: dict[bytes, bytes]) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - each in its own words
            check_message(odd)


def test_docket_writes_nothing_where_logging_is_not_set_up() -> None:
    handlers = logging.getLogger("docket").handlers
    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)


class TestDocket:
    """Fails when Docket reads Redis in another way than `data_docket` knows."""

    def test_it_unpickles_where_it_did(self) -> None:
        places = {
            module.__name__: inspect.getsource(module).count(".loads(")
            - inspect.getsource(module).count("json.loads(")
            for module in (docket.docket, docket.execution, docket.strikelist, docket.worker)
        }
        assert places == {
            "docket.docket": 2,  # get_execution, which nothing here calls
            "docket.execution": 4,  # from_message: of checked messages; get_result: nothing has one
            "docket.strikelist": 1,  # of a strike that is read from Redis
            "docket.worker": 0,
        }

    def test_its_worker_gets_messages_by_the_two_commands_that_are_checked(self) -> None:
        source = inspect.getsource(docket.worker.Worker)
        assert source.count("redis.xreadgroup(") == 1
        assert source.count("redelivery_sweep.claim(redis") == 1
        assert inspect.getsource(docket._redelivery).count("redis.xautoclaim(") == 1
        assert "Execution.from_message" in source

    def test_it_reads_no_strikes(self) -> None:
        opened = open_docket("memory://", COMPANY)
        assert isinstance(opened, DataDocket)
        assert opened.strike_list._redis is None

    async def test_its_unpickler_sees_only_what_this_process_has_pickled(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[bytes] = []
        real = cloudpickle.loads

        def loads(data: bytes) -> object:
            seen.append(data)
            return real(data)

        monkeypatch.setattr(cloudpickle, "loads", loads)
        url, gong_engine = memory(), engine(4)
        async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs, at_work(url, gong):
            job = await jobs.submit(updates_of(gong_engine), name="nightly")
            await over(job)
        rows = {pickle.dumps(("nightly", number)) for number in range(1, 5)}
        assert rows < set(seen) <= rows | {pickle.dumps({}), pickle.dumps(("nightly",))}


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    return tmp_path / "ran"


@pytest.fixture
async def jobs() -> AsyncIterator[Jobs]:
    async with Jobs(memory(), company=COMPANY) as found:
        yield found


async def test_looking_opens_no_docket_and_unpickles_nothing(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it unpickles")

    job = await jobs.submit(updates_of(engine(2)), name="nightly")
    monkeypatch.setattr(cloudpickle, "loads", never)
    monkeypatch.setattr(pickle, "loads", never)
    for opened in (Docket, StrikeList):
        monkeypatch.setattr(opened, "__aenter__", never)
    async with Jobs(jobs._docket.url, company=COMPANY) as others:
        assert [found.job for found in await others.overview()] == ["nightly"]
        assert (await others.job("nightly").report()).pending == 2
        assert len([row async for row in others.job("nightly").rows()]) == 2
        await others.job("nightly").cancel()
    assert (await job.progress()).state is JobState.CANCELLED


async def test_code_in_every_place_of_redis_is_not_run_and_honest_rows_are_done(
    jobs: Jobs, trap: Path
) -> None:
    gong_engine, evil = engine(4), pickle.dumps(Evil(trap))
    queue = jobs._docket
    async with queue.redis() as redis:
        job = await jobs.submit(updates_of(gong_engine), name="nightly")
        strike: dict[Any, Any] = {"direction": "strike", "operator": "==", "value": evil}
        await redis.xadd(queue.key("strikes"), strike)
        for odd in (message(args=evil), message(kwargs=evil), message(ROW, "other:1", args=evil)):
            await redis.xadd(queue.stream_key, odd)
        await redis.hset(queue.key("runs:nightly:1"), mapping={"args": evil, "kwargs": evil, "function": ROW})
        await redis.hset(queue.key("later:1"), mapping=message(ROW, "later:1", args=evil))
        await redis.zadd(queue.queue_key, {"later:1": 1.0})
        async with Simulator(gong_engine) as gong, at_work(jobs._docket.url, gong):
            progress = await over(job)
            await eventually(lambda: _has_quarantined(jobs, 4))
    assert not os.path.exists(trap)  # noqa: ASYNC240, PTH110 - one look, when all is over
    assert progress.updated + progress.given_up == 4
    assert progress.given_up <= 1  # the row whose key the hostile messages had


async def _has_quarantined(jobs: Jobs, count: int) -> bool:
    return len(await jobs.quarantined()) >= count


ODD_MESSAGES = [
    {b"nothing": b"x"},
    message(args=pickle.dumps(5)),
    message(when=b"soon"),
    message(key=b"\xff"),
    message(function=b"unknown"),
    message(attempt=b"many"),
]


@pytest.mark.parametrize("odd", ODD_MESSAGES, ids=range(len(ODD_MESSAGES)))
async def test_an_odd_message_is_set_aside_and_the_worker_goes_on(
    odd: dict[Any, Any], jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    gong_engine, queue = engine(4), jobs._docket
    async with Simulator(gong_engine) as gong, at_work(queue.url, gong), queue.redis() as redis:
        await redis.xadd(queue.stream_key, odd)
        await eventually(lambda: _has_quarantined(jobs, 1))
        assert (await over(await jobs.submit(updates_of(gong_engine)))).updated == 4
    assert "cannot be read and is set aside" in caplog.text


async def test_a_scheduled_entry_without_its_parts_does_not_hold_up_the_others(jobs: Jobs) -> None:
    gong_engine, queue = engine(4), jobs._docket
    async with Simulator(gong_engine) as gong, at_work(queue.url, gong), queue.redis() as redis:
        await redis.hset(queue.key("bad:1"), mapping={"function": ROW})
        await redis.zadd(queue.queue_key, {"bad:1": 1.0})
        job = await jobs.submit(updates_of(gong_engine), name="nightly")  # its start is scheduled, too
        await queue.replace(ROW, datetime.now(UTC), "nightly:1")("nightly", 1)
        assert (await over(job)).updated == 4
        await eventually(lambda: _has_quarantined(jobs, 1))


@pytest.mark.parametrize("ahead", [4 * 365 * 86_400.0, 3 * 86_400.0, float("inf")])
async def test_a_row_that_a_clock_ahead_has_put_off_for_years_is_due(jobs: Jobs, ahead: float) -> None:
    gong_engine, queue = engine(4), jobs._docket
    async with Simulator(gong_engine) as gong:
        job = await jobs.submit(updates_of(gong_engine), name="nightly")
        async with queue.redis() as redis:
            await queue.replace(ROW, datetime.now(UTC) + timedelta(days=1), "nightly:1")("nightly", 1)
            await redis.zadd(queue.queue_key, {"nightly:1": datetime.now(UTC).timestamp() + ahead})
        async with at_work(queue.url, gong):
            assert (await over(job)).updated == 4


async def test_a_row_that_waits_for_the_day_s_reset_is_left_alone(jobs: Jobs) -> None:
    queue, now = jobs._docket, datetime.now(UTC).timestamp()

    async def nothing(key: bytes, reason: str) -> None:
        raise AssertionError((key, reason))

    async with queue.redis() as redis:
        await redis.zadd(queue.queue_key, {"a:1": now + 86_400.0, "a:2": now + 100_000.0})
        await CheckedRedis(redis, queue, nothing).bring_near(now)
        left = dict(await redis.zrange(queue.queue_key, 0, -1, withscores=True))
    assert left == {b"a:1": now + 86_400.0, b"a:2": now}


@pytest.mark.parametrize("state", ["nonsense", "\udcff"])
async def test_garbage_in_a_task_s_record_does_not_end_the_worker(state: str, jobs: Jobs) -> None:
    gong_engine, queue = engine(2), jobs._docket
    async with Simulator(gong_engine) as gong, queue.redis() as redis:
        job = await jobs.submit(updates_of(gong_engine), name="nightly")
        await redis.hset(
            queue.key("runs:nightly:start"),
            mapping={"completed_at": state.encode("utf-8", "surrogateescape")},
        )
        async with at_work(queue.url, gong):
            assert (await over(await jobs.submit(updates_of(gong_engine), name="honest"))).updated == 2
            assert (await job.progress()).state is JobState.STARTING
            await job.resume()
            await over(job)


async def test_a_row_of_a_version_to_come_is_given_up_after_its_attempts_and_named(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hurry(monkeypatch)
    gong_engine, queue = engine(6), jobs._docket
    job = await jobs.submit(updates_of(gong_engine), name="nightly", row_attempts=3)
    async with queue.redis() as redis:
        await redis.hset(queue.key("jobs:nightly:rows"), mapping={"3": '{"v":2,"task":"of a newer version"}'})
    async with Simulator(gong_engine) as gong, at_work(queue.url, gong):
        progress = await over(job)
    assert (progress.state, progress.updated, progress.given_up) == (JobState.ENDED, 5, 1)
    report = await job.report()
    assert (report.pending, report.by_user["0"].pending) == (1, 1)
    problems = await job.problems()
    assert list(problems) == [3]
    assert problems[3].attempt == 3
    assert isinstance(problems[3].error, UnreadableRowError)
    assert "written in format 2, and this version reads format 1" in str(problems[3].error)


@pytest.mark.parametrize(
    "row", ["", "x", "[]", "5", "[1,2]", '["a","1",null,null,null]', "[1,[],3,4,5]", "\ud83d", "[" * 9_000]
)
async def test_whatever_a_row_holds_the_job_ends_and_its_report_can_be_read(
    row: str, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hurry(monkeypatch)
    gong_engine, queue = engine(2), jobs._docket
    job = await jobs.submit(updates_of(gong_engine), name="nightly", row_attempts=2)
    async with queue.redis() as redis:
        await redis.hset(queue.key("jobs:nightly:rows"), mapping={"1": row.encode("utf-8", "surrogatepass")})
    async with Simulator(gong_engine) as gong, at_work(queue.url, gong):
        progress = await over(job)
    assert (progress.updated, progress.given_up) == (1, 1)
    assert (await job.report()).pending == 1
    assert list(await job.problems()) == [1]


@pytest.mark.parametrize(
    "fact", ["state", "rows", "updated", "resume_after", "settings", "because", "origin"]
)
@pytest.mark.parametrize(
    "value",
    [b"", b"nonsense", b"\xff", b"9" * 400, b"[" * 5_000, b'{"kind":5}', str(-(2**63)).encode()],
    ids=range(7),
)
async def test_whatever_a_job_s_facts_hold_only_documented_errors_come_out(
    fact: str, value: bytes, jobs: Jobs
) -> None:
    job = await jobs.submit(updates_of(engine(2)), name="bad")
    await jobs.submit(updates_of(engine(2)), name="good")
    async with jobs._docket.redis() as redis:
        await redis.hset(jobs._docket.key("jobs:bad"), mapping={fact: value})
    assert [found.job for found in await jobs.overview()] == ["bad", "good"]
    for look in (job.progress, job.report, job.problems, job.cancel, job.resume):
        with suppress(GongError):
            str(await look())


def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "FIRST_RETRY", timedelta(milliseconds=1))
