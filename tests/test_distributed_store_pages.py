"""What is read of jobs in Redis, a page at a time, and what is remembered of messages that cannot be read."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from gong_tasks_async import JournalRow, RowState, TransportError
from gong_tasks_async.distributed.effects import JobEffect
from gong_tasks_async.distributed.errors import CorruptJobError
from gong_tasks_async.distributed.records import AttemptCost
from gong_tasks_async.distributed.store import JobStore
from tests.distributed_floor import JOB, ROWS, SETTINGS, running_job

LOST = TransportError(reason="reset", attempts=1)


@pytest.fixture
async def store() -> AsyncIterator[JobStore]:
    async with running_job() as store:
        yield store


def updated(number: int) -> JournalRow:
    return JournalRow(ROWS[number - 1], RowState.UPDATED, 1)


class TestQuarantine:
    """Messages that cannot be read are remembered for a person, but bounded: they come from anyone who may write."""

    async def test_a_long_key_and_a_long_reason_are_cut(self, store: JobStore) -> None:
        await store.quarantine(b"k" * 200, "short")
        await store.quarantine(b"k" * 201, "short")
        await store.quarantine(b"k", "r" * 1_000)
        long, *keys = await store.quarantined()
        assert keys == [f"{b'k' * 200!r}: short"] * 2
        assert (len(long), long[:8]) == (500, "b'k': rr")

    async def test_they_are_kept_for_a_week_after_the_last_one(self, store: JobStore) -> None:
        began, week = time.monotonic(), 7 * 86_400
        await store.quarantine(b"k", "odd")
        async with store.server.connect() as redis:
            left = await redis.ttl(store.key("quarantine"))
        assert week - (time.monotonic() - began) - 1 <= left <= week

    async def test_the_latest_hundred_are_kept(self, store: JobStore) -> None:
        for number in range(103):
            await store.quarantine(b"k", str(number))
        assert await store.quarantined() == [f"b'k': {number}" for number in range(102, 2, -1)]


async def test_rows_are_enqueued_until_there_are_enough_and_the_last_one_examined_is_known(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gong_tasks_async.distributed.store.QUEUE_PAGE", 2)
    assert await store.unsettled(JOB, 0, 2) == ([1, 2], 2)
    await store.settle(JOB, 1, updated(1), AttemptCost(1, 1, 0))
    assert await store.unsettled(JOB, 0, 2) == ([2, 3, 4], 4)
    assert await store.unsettled(JOB, 4, 2) == ([5], 5)
    assert await store.unsettled(JOB, 5, 2) == ([], 5)


async def test_the_rows_of_a_job_of_several_pages_are_each_read_once(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their texts, outcomes and last attempts each at the row that they are of."""
    monkeypatch.setattr("gong_tasks_async.distributed.store.PAGE", 2)
    await store.claim(JOB, 2, "worker-1")
    await store.requeue(JOB, 2, LOST, JobEffect("fault"), AttemptCost(1, 5, 0), SETTINGS)
    await store.settle(JOB, 3, updated(3), AttemptCost(1, 1, 0))
    rows = [row async for row in store.rows(JOB)]
    assert [(each.number, each.row and each.row.update) for each in rows] == list(enumerate(ROWS, 1))
    assert [each.row.state for each in rows if each.row] == [
        RowState.UPDATED if number == 3 else RowState.PENDING for number in range(1, 6)
    ]
    assert [each.number for each in rows if each.last_attempt] == [2]
    assert [each.number for each in rows if each.outcome] == [3]


@pytest.mark.parametrize("damage", [{"rows": "many"}, {"created_at": "1e300"}, {"created_at": "1e17"}])
async def test_damaged_facts_are_a_corrupt_job_which_is_named(
    damage: dict[str, str], store: JobStore
) -> None:
    await store.server.write(store.key(f"jobs:{JOB}"), damage, 60)
    with pytest.raises(CorruptJobError, match="the facts of job 'nightly' cannot be read"):
        await store.progress(JOB)
