"""Each step of a job in Redis may be asked for twice, by whoever did not hear the answer, and is done once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from gong_tasks_async import (
    AccessDeniedError,
    AuthenticationError,
    DailyQuotaError,
    DeadlineExceeded,
    JournalRow,
    RateLimitError,
    RefusedAlikeError,
    RowState,
    ServerError,
    TaskNotFoundError,
    TransportError,
)
from gong_tasks_async.distributed import JobState, RowLostError
from gong_tasks_async.distributed.effects import JobEffect, effect_of
from gong_tasks_async.distributed.records import AttemptCost, Settled
from gong_tasks_async.distributed.store import JobStore
from tests.distributed_floor import JOB, ROWS, SETTINGS, running_job

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DONE = JournalRow(ROWS[0], RowState.UPDATED, 1)
LOST = TransportError(reason="reset", attempts=1)
FAULT = JobEffect("fault")
DELIVERY = "worker-1"


@pytest.fixture
async def store() -> AsyncIterator[JobStore]:
    async with running_job() as store:
        yield store


async def unsettled(store: JobStore) -> list[int]:
    numbers, last = await store.unsettled(JOB, 0, 1_000)
    assert last == len(ROWS)
    return numbers


async def test_a_row_is_taken_and_settled_once(store: JobStore) -> None:
    for _ in range(2):
        claim = await store.claim(JOB, 2, DELIVERY)
        assert (claim.read_row().update, claim.read_settings()) == (ROWS[1], SETTINGS)
    assert (await store.progress(JOB)).in_flight == 1
    for state in (RowState.UPDATED, RowState.UPDATED, RowState.FAILED):
        await store.settle(JOB, 2, JournalRow(ROWS[1], state, 1), AttemptCost(1, 2, 1))
    progress = await store.progress(JOB)
    assert (progress.updated, progress.failed, progress.calls, progress.rate_limited) == (1, 0, 2, 1)
    assert progress.in_flight == 0
    assert (await store.claim(JOB, 2, DELIVERY)).kind == "over"


async def test_a_fault_counts_once_however_often_it_is_told(store: JobStore) -> None:
    for attempt, again in ((1, True), (2, False)):
        for _ in range(3):
            await store.claim(JOB, 1, DELIVERY)
            assert await store.requeue(JOB, 1, LOST, FAULT, AttemptCost(attempt, 5, 0), SETTINGS) is again
    progress = await store.progress(JOB)
    assert (progress.state, progress.given_up, progress.calls) == (JobState.RUNNING, 1, 10)
    for number, again in ((2, True), (3, False)):
        await store.claim(JOB, number, DELIVERY)
        assert await store.requeue(JOB, number, LOST, FAULT, AttemptCost(1, 5, 0), SETTINGS) is again
    assert (await store.progress(JOB)).state is JobState.STOPPED  # the third row in a row


async def test_a_success_ends_the_run_of_faults(store: JobStore) -> None:
    for number in (1, 2, 4, 5):
        await store.claim(JOB, number, DELIVERY)
        assert await store.requeue(JOB, number, LOST, FAULT, AttemptCost(1, 5, 0), SETTINGS)
        if number == 2:
            await store.settle(JOB, 3, DONE, AttemptCost(1, 1, 0))
    assert (await store.progress(JOB)).state is JobState.RUNNING


async def test_a_row_that_was_given_up_comes_only_with_a_resumed_job(store: JobStore) -> None:
    await store.claim(JOB, 1, DELIVERY)
    assert not await store.requeue(JOB, 1, LOST, JobEffect("given up"), AttemptCost(0, 0, 0), SETTINGS)
    assert (await store.claim(JOB, 1, DELIVERY)).kind == "over"
    assert 1 not in await unsettled(store)
    assert (await store.progress(JOB)).given_up == 1
    await store.settle(JOB, 1, DONE, AttemptCost(1, 1, 0))  # a worker had it in flight
    progress = await store.progress(JOB)
    assert (progress.given_up, progress.updated) == (0, 1)


async def test_what_is_put_in_line_again_is_what_nobody_has_settled_or_has_in_hand(store: JobStore) -> None:
    await store.claim(JOB, 1, DELIVERY)
    await store.settle(JOB, 1, DONE, AttemptCost(1, 1, 0))
    await store.claim(JOB, 2, DELIVERY)
    await store.requeue(JOB, 3, LOST, JobEffect("stopped"), AttemptCost(1, 1, 0), SETTINGS)
    assert (await store.claim(JOB, 4, DELIVERY)).kind == "over"
    assert await store.reopen(JOB) is JobState.STARTING
    assert await store.reopen(JOB) is JobState.STARTING
    assert await unsettled(store) == [4, 5, 3]  # what stopped the job comes last
    assert (await store.claim(JOB, 4, DELIVERY)).kind == "wait"
    await store.fed(JOB, 0, 5)
    assert (await store.claim(JOB, 4, DELIVERY)).kind == "go"


async def test_a_row_in_hand_that_fails_while_its_job_is_put_in_line_comes_again(store: JobStore) -> None:
    await store.claim(JOB, 1, DELIVERY)
    await store.requeue(JOB, 2, LOST, JobEffect("stopped"), AttemptCost(1, 1, 0), SETTINGS)
    await store.reopen(JOB)
    assert 1 not in await unsettled(store)  # so it must not be forgotten when it is put back
    assert await store.requeue(JOB, 1, LOST, FAULT, AttemptCost(1, 1, 0), SETTINGS)


async def test_a_row_in_hand_when_its_job_stops_is_left_to_whoever_resumes_it(store: JobStore) -> None:
    await store.claim(JOB, 1, DELIVERY)
    await store.requeue(JOB, 2, LOST, JobEffect("stopped"), AttemptCost(1, 1, 0), SETTINGS)
    assert not await store.requeue(JOB, 1, LOST, FAULT, AttemptCost(1, 1, 0), SETTINGS)
    await store.reopen(JOB)
    assert 1 in await unsettled(store)


async def test_a_cancelled_job_stays_cancelled_whatever_its_last_rows_come_to(store: JobStore) -> None:
    for number in (1, 2, 3):
        await store.claim(JOB, number, DELIVERY)
    await store.cancel(JOB)
    await store.settle(JOB, 1, DONE, AttemptCost(1, 1, 0))
    await store.requeue(JOB, 2, LOST, JobEffect("paused", NOW), AttemptCost(1, 1, 0), SETTINGS)
    await store.requeue(JOB, 3, LOST, JobEffect("stopped"), AttemptCost(1, 1, 0), SETTINGS)
    await store.fed(JOB, 0, 5)
    progress = await store.progress(JOB)
    assert (progress.state, progress.updated, progress.in_flight) == (JobState.CANCELLED, 1, 0)
    assert progress.stopped_because is None


def test_what_an_error_means_for_its_job() -> None:
    meant = {
        TransportError(reason="reset", attempts=5): JobEffect("fault"),
        ServerError(status=503, attempts=5): JobEffect("fault"),
        DeadlineExceeded(reason="late", attempts=1): JobEffect("fault"),
        DeadlineExceeded(reason="the line is too long"): JobEffect("untried"),
        AuthenticationError(status=401, attempts=1): JobEffect("stopped"),
        RateLimitError(retry_after=90.0): JobEffect("paused", NOW + timedelta(seconds=90)),
        RateLimitError(attempts=1): JobEffect("paused", NOW + timedelta(minutes=1)),
        RateLimitError(retry_after=1.0, paused=300.0): JobEffect("paused", NOW + timedelta(minutes=5)),
        DailyQuotaError(resets_at=NOW + timedelta(hours=3)): JobEffect("paused", NOW + timedelta(hours=3)),
        DailyQuotaError(resets_at=NOW + timedelta(seconds=3)): JobEffect(
            "paused", NOW + timedelta(minutes=1)
        ),
        DailyQuotaError(): JobEffect("paused", NOW + timedelta(minutes=1)),
    }
    assert {error: effect_of(error, NOW) for error in meant} == meant


def refusal(number: int, words: str = "no such task") -> JournalRow:
    error = TaskNotFoundError(method="PATCH", status=404, attempts=1, errors=(f"{words} {number}",))
    return JournalRow(ROWS[number - 1], RowState.FAILED, 1, cause=error)


async def refuse(store: JobStore, number: int, words: str = "no such task", limit: int = 3) -> None:
    await store.claim(JOB, number, DELIVERY)
    settings = evolve(SETTINGS, stop_after_refusals=limit)
    for _ in range(2):  # however often it is delivered
        await store.refuse(JOB, number, refusal(number, words), AttemptCost(1, 1, 0), settings)


class TestRefusals:
    """Across workers, the rule of a run in one process: `bulk.breaker`."""

    async def test_rows_refused_alike_are_held_and_a_success_settles_them(self, store: JobStore) -> None:
        for number in (1, 2):
            await refuse(store, number)
        assert (await store.progress(JOB)).failed == 0
        await store.claim(JOB, 3, DELIVERY)
        await store.settle(JOB, 3, DONE, AttemptCost(1, 1, 0))
        progress = await store.progress(JOB)
        assert (progress.failed, progress.updated, progress.calls) == (2, 1, 3)
        causes = [
            row.row.cause async for row in store.rows(JOB) if row.row and row.row.state is RowState.FAILED
        ]
        assert [str(cause) for cause in causes] == [str(refusal(1).cause), str(refusal(2).cause)]

    async def test_so_many_of_them_stop_the_job_and_stay_pending(self, store: JobStore) -> None:
        for number in (1, 2, 3):
            await refuse(store, number)
        progress = await store.progress(JOB)
        assert (progress.state, progress.failed, progress.pending) == (JobState.STOPPED, 0, 5)
        assert isinstance(progress.stopped_because, RefusedAlikeError)
        assert (progress.stopped_because.count, progress.stopped_because.rows) == (3, 3)
        await store.reopen(JOB)
        assert await unsettled(store) == [4, 5, 1, 2, 3]

    async def test_a_job_that_is_resumed_without_accepting_them_is_stopped_by_them_again(
        self, store: JobStore
    ) -> None:
        for _ in range(2):
            for number in (1, 2, 3):
                await refuse(store, number)
            assert (await store.progress(JOB)).state is JobState.STOPPED
            await store.reopen(JOB)
            await store.fed(JOB, 0, 5)

    async def test_accepted_refusals_are_settled(self, store: JobStore) -> None:
        for number in (1, 2, 3):
            await refuse(store, number)
        await store.reopen(JOB, accept_refusals=True)
        await store.fed(JOB, 0, 5)
        for number in (1, 2, 3, 4):
            await refuse(store, number)
        progress = await store.progress(JOB)
        assert (progress.state, progress.failed) == (JobState.RUNNING, 4)

    async def test_a_refusal_for_another_reason_settles_those_before(self, store: JobStore) -> None:
        for number, words in (
            (1, "no such task"),
            (2, "no such task"),
            (3, "odd owner"),
            (4, "no such task"),
        ):
            await refuse(store, number, words)
        assert (await store.progress(JOB)).failed == 3

    async def test_the_end_of_the_job_settles_the_last_ones(self, store: JobStore) -> None:
        for number in range(1, 6):
            await refuse(store, number, limit=6)
        progress = await store.progress(JOB)
        assert (progress.state, progress.failed, progress.in_flight) == (JobState.ENDED, 5, 0)

    async def test_a_suspect_is_not_sent_again(self, store: JobStore) -> None:
        await refuse(store, 1)
        assert (await store.claim(JOB, 1, DELIVERY)).kind == "over"
        assert 1 not in await unsettled(store)

    async def test_denied_credentials_stop_the_job_at_the_third_row(self, store: JobStore) -> None:
        denied = AccessDeniedError(method="PATCH", status=403, attempts=1, errors=("not allowed",))
        for number in (1, 2, 3):
            await store.claim(JOB, number, DELIVERY)
            row = JournalRow(ROWS[number - 1], RowState.FAILED, 1, cause=denied)
            await store.refuse(JOB, number, row, AttemptCost(1, 1, 0), SETTINGS)
        assert (await store.progress(JOB)).state is JobState.STOPPED

    async def test_a_cancelled_job_settles_what_was_refused(self, store: JobStore) -> None:
        await refuse(store, 1)
        await store.claim(JOB, 2, DELIVERY)
        await store.cancel(JOB)
        await refuse(store, 2)
        progress = await store.progress(JOB)
        assert (progress.state, progress.failed) == (JobState.CANCELLED, 2)


class TestRowsThatEndTheirWorkers:
    async def claim(self, store: JobStore, deliveries: range) -> list[str]:
        return [(await store.claim(JOB, 2, f"worker-{number}")).kind for number in deliveries]

    async def test_it_is_given_up_after_its_attempts_and_named(self, store: JobStore) -> None:
        assert await self.claim(store, range(3)) == ["go", "go", "over"]  # SETTINGS have 2 attempts
        progress = await store.progress(JOB)
        assert (progress.given_up, progress.in_flight, progress.state) == (1, 0, JobState.RUNNING)
        (problem,) = [row.last_attempt async for row in store.rows(JOB) if row.last_attempt]
        assert (problem.attempt, problem.given_up) == (2, True)
        assert isinstance(problem.error, RowLostError)

    async def test_it_comes_last_when_the_job_is_resumed_and_has_all_its_attempts(
        self, store: JobStore
    ) -> None:
        await self.claim(store, range(3))
        for number in (1, 3, 4, 5):
            await store.requeue(JOB, number, LOST, JobEffect("given up"), AttemptCost(0, 0, 0), SETTINGS)
        assert (await store.progress(JOB)).state is JobState.ENDED
        await store.reopen(JOB)
        await store.fed(JOB, 0, 5)
        assert await self.claim(store, range(3, 5)) == ["go", "go"]

    async def test_one_delivery_that_asks_again_is_no_other_worker(self, store: JobStore) -> None:
        for _ in range(5):
            claim = await store.claim(JOB, 2, DELIVERY)
            assert (claim.kind, claim.ends, claim.may_be_made) == ("go", 0, False)

    async def test_what_was_recorded_counts_no_more(self, store: JobStore) -> None:
        await self.claim(store, range(2))
        await store.requeue(JOB, 2, LOST, JobEffect("untried"), AttemptCost(1, 0, 0), SETTINGS)
        claim = await store.claim(JOB, 2, "worker-9")
        assert (claim.kind, claim.ends) == ("go", 0)

    async def test_the_next_delivery_knows_that_the_update_may_have_been_made(self, store: JobStore) -> None:
        await store.claim(JOB, 2, "worker-1")
        assert (await store.claim(JOB, 2, "worker-2")).may_be_made
        for error, made in (
            (TransportError(method="PATCH", reason="reset", attempts=1), True),
            (TransportError(method="PATCH", reason="refused", attempts=1, connected=False), False),
        ):
            await store.claim(JOB, 3, "worker-1")
            await store.requeue(JOB, 3, error, FAULT, AttemptCost(1, 1, 0), evolve(SETTINGS, row_attempts=9))
            assert (await store.claim(JOB, 3, "worker-1")).may_be_made is made


class TestSkipped:
    async def test_a_row_settled_without_a_call_is_no_evidence_about_gong(self, store: JobStore) -> None:
        """Neither for the rows that were refused, nor of the end of an outage."""
        await refuse(store, 1)
        await store.claim(JOB, 2, DELIVERY)
        skipped = JournalRow(ROWS[1], RowState.SKIPPED, reason="changed since")
        assert await store.settle(JOB, 2, skipped, AttemptCost(1, 0, 0)) == Settled(row=True, failed=0)
        progress = await store.progress(JOB)
        assert (progress.skipped, progress.failed, progress.settled, progress.calls) == (1, 0, 1, 1)
        await store.claim(JOB, 3, DELIVERY)
        assert await store.settle(JOB, 3, DONE, AttemptCost(1, 2, 0, 1)) == Settled(row=True, failed=1)
        assert await store.settle(JOB, 3, DONE, AttemptCost(1, 2, 0, 1)) == Settled(row=False, failed=0)
        progress = await store.progress(JOB)
        assert (progress.updated, progress.failed, progress.calls, progress.listings) == (1, 1, 3, 1)

    async def test_the_last_row_may_be_a_skipped_one(self, store: JobStore) -> None:
        for number in range(1, 6):
            await store.claim(JOB, number, DELIVERY)
            await store.settle(JOB, number, JournalRow(ROWS[0], RowState.SKIPPED), AttemptCost(1, 0, 0))
        assert (await store.progress(JOB)).state is JobState.ENDED


class TestOutage:
    """While no connection can be made, the job waits as a whole, one row at a time probes, and then it stops."""

    UNREACHABLE = TransportError(method="PATCH", reason="refused", attempts=1, connected=False)

    async def outage(self, store: JobStore, number: int, limit: float = 300.0) -> bool:
        effect = effect_of(self.UNREACHABLE, datetime.now(UTC))
        settings = evolve(SETTINGS, outage_timeout=limit)
        return await store.requeue(JOB, number, self.UNREACHABLE, effect, AttemptCost(1, 0, 0), settings)

    async def test_no_row_is_sent_before_the_probe_is_due(self, store: JobStore) -> None:
        await store.claim(JOB, 1, DELIVERY)
        assert await self.outage(store, 1)
        assert (await store.claim(JOB, 2, DELIVERY)).kind == "wait"
        progress = await store.progress(JOB)
        assert (progress.state, progress.given_up) == (JobState.RUNNING, 0)
        assert progress.outage_since is not None

    async def test_one_row_at_a_time_probes_and_a_response_ends_it(self, store: JobStore) -> None:
        await store.claim(JOB, 1, DELIVERY)
        await self.outage(store, 1)
        await self.pass_time(store)
        assert (await store.claim(JOB, 1, DELIVERY)).kind == "go"
        assert (await store.claim(JOB, 2, DELIVERY)).kind == "wait"
        await store.settle(JOB, 1, DONE, AttemptCost(1, 1, 0))
        assert (await store.claim(JOB, 2, DELIVERY)).kind == "go"
        assert (await store.progress(JOB)).outage_since is None

    async def test_an_outage_noted_by_a_clock_ahead_neither_holds_its_rows_nor_lasts_for_ever(
        self, store: JobStore
    ) -> None:
        ahead = str(datetime.now(UTC).timestamp() + 365 * 86_400)
        await store.claim(JOB, 1, DELIVERY)
        await self.outage(store, 1)
        noted = {"outage_since": ahead, "outage_until": ahead}
        await store.server.write(store.key(f"jobs:{JOB}"), noted, 86_400)
        assert (await store.claim(JOB, 2, DELIVERY)).kind == "go"
        assert await self.outage(store, 2)
        assert (await store.claim(JOB, 1, DELIVERY)).kind == "wait"
        since = (await store.progress(JOB)).outage_since
        assert since is not None
        assert since <= datetime.now(UTC)

    async def test_it_stops_the_job_in_the_end_and_all_rows_stay_pending(self, store: JobStore) -> None:
        await store.claim(JOB, 1, DELIVERY)
        assert not await self.outage(store, 1, limit=0.0)
        progress = await store.progress(JOB)
        assert (progress.state, progress.pending) == (JobState.STOPPED, 5)
        assert isinstance(progress.stopped_because, TransportError)
        await store.reopen(JOB)
        await store.fed(JOB, 0, 5)
        assert (await store.claim(JOB, 2, DELIVERY)).kind == "go"

    async def test_a_worker_that_was_cut_off_leaves_the_probe_to_the_others_for_a_second(
        self, store: JobStore
    ) -> None:
        """The network that is down may be its own."""
        now = NOW
        store = evolve(store, clock=lambda: now)
        await store.claim(JOB, 1, "cut-1")
        await self.outage(store, 1)
        now += timedelta(seconds=1.9)  # the probe is due after one
        assert (await store.claim(JOB, 2, "cut-2")).kind == "wait"
        assert (await store.claim(JOB, 2, "well-1")).kind == "go"
        await self.outage(store, 2)
        now += timedelta(seconds=2.9)
        for worker in ("cut", "well"):
            assert (await store.claim(JOB, 3, f"{worker}-3")).kind == "wait"
        now += timedelta(seconds=0.1)
        assert (await store.claim(JOB, 3, "cut-4")).kind == "go"
        await store.settle(JOB, 3, DONE, AttemptCost(1, 1, 0))
        await store.claim(JOB, 4, "well-5")
        await self.outage(store, 4)
        now += timedelta(seconds=1.9)
        assert (await store.claim(JOB, 5, "cut-5")).kind == "go"  # the response has cleared it

    async def pass_time(self, store: JobStore) -> None:
        past = str(datetime.now(UTC).timestamp() - 1)
        await store.server.write(store.key(f"jobs:{JOB}"), {"outage_until": past}, 86_400)
