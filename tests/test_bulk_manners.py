"""A library's manners: callbacks, streams, generators, cancel scopes, JSON that reads back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from gong_tasks_async import (
    ClientStateError,
    DecodeError,
    Failed,
    JournalError,
    Outcome,
    Task,
    TaskNotFoundError,
    TaskUpdate,
    TransportError,
    open_journal,
    task_from_json,
    to_json,
    to_rows,
)
from gong_tasks_async.simulator import full_task
from tests.fakes import task_answer
from tests.test_bulk import by_task, network_of, scripted, updates


@pytest.mark.virtual
async def test_a_coroutine_function_is_awaited_for_each_outcome() -> None:
    seen: list[Outcome] = []

    async def on_outcome(outcome: Outcome) -> None:
        await asyncio.sleep(0.01)
        seen.append(outcome)

    async with scripted(by_task({2: 404})) as gong:
        await gong.update_many(updates(5), on_outcome=on_outcome)
    assert len(seen) == 5
    [failed] = [outcome for outcome in seen if isinstance(outcome, Failed)]
    assert (failed.status, failed.request_id) == (404, "r")


def test_an_error_without_a_response_has_neither_status_nor_request_id() -> None:
    failed = Failed(updates(1)[0], TransportError(reason="lost"))
    assert (failed.status, failed.request_id) == (None, None)


@pytest.mark.virtual
async def test_a_stream_that_was_not_entered_says_how_it_is_used() -> None:
    async with scripted(task_answer) as gong:
        with pytest.raises(ClientStateError, match=r"async with gong\.stream_updates"):
            async for _ in gong.stream_updates(updates(3)):
                pass
        with pytest.raises(ClientStateError, match="async with"):
            await anext(gong.stream_updates(updates(3)))


@pytest.mark.virtual
async def test_a_stream_left_early_has_a_report_and_closes_the_rows() -> None:
    closed: list[str] = []

    def rows() -> Iterator[TaskUpdate]:
        try:
            yield from updates(200)
        finally:
            closed.append("rows")

    async with scripted(task_answer, seconds=0.1) as gong:
        async with gong.stream_updates(rows()) as outcomes:
            await anext(outcomes)
        assert closed == ["rows"]
        assert 1 <= outcomes.report.updated <= len(network_of(gong).sent) < 200


@pytest.mark.virtual
@pytest.mark.parametrize("cancelled", [False, True])
async def test_an_async_generator_is_closed_when_the_run_stops(cancelled: bool) -> None:
    closed: list[str] = []

    async def rows() -> AsyncIterator[TaskUpdate]:
        try:
            for update in updates(200):
                yield update
                await asyncio.sleep(0.01)
        finally:
            closed.append("rows")

    async with scripted(by_task(dict.fromkeys(range(1, 200), 503)), seconds=0.1) as gong:
        running = asyncio.create_task(gong.update_many(rows()))
        if cancelled:
            await asyncio.sleep(0.05)
            running.cancel()
        await asyncio.wait([running])
    assert closed == ["rows"]


@pytest.mark.virtual
async def test_an_error_of_the_rows_is_raised_after_an_early_break_too() -> None:
    def rows() -> Iterator[TaskUpdate]:
        yield from updates(1)
        raise OSError("the CSV is gone")

    async with scripted(task_answer) as gong:
        with pytest.raises(OSError, match="the CSV is gone"):
            async with gong.stream_updates(rows()) as outcomes:
                await anext(outcomes)


@pytest.mark.virtual
async def test_the_error_about_another_job_names_what_resumes_it(tmp_path: Path) -> None:
    async with scripted(by_task({1: 503})) as gong:
        await gong.update_many(updates(1), journal=tmp_path / "job")
        with pytest.raises(JournalError, match=r"resume_many\(\)"):
            await gong.update_many(updates(2), journal=tmp_path / "job")


async def test_a_scope_that_cancels_at_each_await_leaves_the_grace(tmp_path: Path) -> None:
    anyio = pytest.importorskip("anyio")
    async with scripted(task_answer, seconds=0.1) as gong:

        async def cancel_when_sent(scope: Any) -> None:
            while len(network_of(gong).sent) < 8:  # noqa: ASYNC110 - the fake has no event
                await asyncio.sleep(0.001)
            scope.cancel()

        with anyio.CancelScope() as scope:
            cancelling = asyncio.create_task(cancel_when_sent(scope))
            await gong.update_many(updates(100), journal=tmp_path / "job", grace=30.0)
        await cancelling
        assert scope.cancelled_caught
        with open_journal(tmp_path / "job") as journal:
            assert journal.counts().updated == len(network_of(gong).sent) >= 8


@pytest.mark.virtual
async def test_a_second_cancel_ends_the_grace(tmp_path: Path) -> None:
    async with scripted(task_answer, seconds=60.0) as gong:
        running = asyncio.create_task(gong.update_many(updates(9), journal=tmp_path / "job", grace=30.0))
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.sleep(1)
        running.cancel()
        before = asyncio.get_running_loop().time()
        await asyncio.wait([running])
        assert asyncio.get_running_loop().time() - before < 0.1
        assert running.cancelled()


# JSON


@given(st.integers(1, 2**62))
def test_a_task_reads_back_from_its_json(number: int) -> None:
    task = task_from_json(full_task(number) | {"sentLater": {"a": [1]}})
    assert task_from_json(to_json(task)) == task == task_from_json(json.dumps(to_json(task)))
    assert task.extra == {"sentLater": {"a": [1]}}


@pytest.mark.parametrize("text", ["", "[]", "7", '{"status": "OPEN"}', b"\xff"])
def test_what_is_no_task_is_refused(text: str | bytes) -> None:
    with pytest.raises(DecodeError):
        task_from_json(text)


def test_an_update_is_plain_json_with_its_task() -> None:
    plain = to_json(TaskUpdate(7, "21", status="DONE", priority="HIGH"))
    assert plain == {"taskId": 7, "userId": "21", "status": "DONE", "priority": "HIGH"}
    assert type(plain["status"]) is str


def test_rows_are_flat_and_ids_are_text() -> None:
    [row] = to_rows([task_from_json(full_task(2**62))])
    assert row["taskId"] == str(2**62)
    assert set(map(type, row.values())) <= {str, type(None)}
    [bare] = to_rows([Task(id=1)])
    assert bare["contact"] is bare["dueDate"] is None
    assert list(bare) == list(row)


def test_the_error_of_a_row_is_the_task_s() -> None:
    error = TaskNotFoundError(status=404, request_id="r-1")
    assert Failed(updates(1)[0], error).request_id == "r-1"
