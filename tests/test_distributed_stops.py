"""When a job stops, pauses, or gives a row up, whichever of its workers has met the reason."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from gong_tasks_async import (
    AuthenticationError,
    Credentials,
    CredentialsError,
    DailyQuotaError,
    DeadlineExceeded,
    Lane,
    Permit,
    Quota,
    QuotaLimits,
    RateLimitError,
    RefusedAlikeError,
    RetryPolicy,
    ServerError,
    TaskUpdate,
    Unlimited,
)
from gong_tasks_async.api.updates import UpdateApplier
from gong_tasks_async.bulk import Applied
from gong_tasks_async.distributed import (
    Jobs,
    JobState,
    RowCrashedError,
    UnknownCredentialsError,
    effects,
    row_attempts,
)
from gong_tasks_async.http.retry import Resend
from gong_tasks_async.simulator import Fault, Simulator
from tests.distributed_floor import (
    COMPANY,
    at_work,
    engine,
    memory,
    over,
    settings_of,
    until,
    updates_of,
)


async def test_credentials_that_no_worker_knows_stop_the_job_until_it_is_resumed() -> None:
    url, gong_engine = memory(), engine(20)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        known = {"default": settings_of(gong)}
        async with at_work(url, gong, credentials=known):
            job = await jobs.submit(updates_of(gong_engine), credentials="bot")
            progress = await over(job)
            assert progress.state is JobState.STOPPED
            assert isinstance(progress.stopped_because, UnknownCredentialsError)
            assert progress.stopped_because.name == "bot"
            assert "resume the job" in str((await job.report()).stopped_because)
            assert (progress.pending, gong.ledger.calls) == (20, 0)
            known["bot"] = known["default"]
            assert await job.resume() is JobState.STARTING
            progress = await over(job)
    assert (progress.state, progress.updated, progress.stopped_because) == (JobState.ENDED, 20, None)
    assert gong.ledger.calls == 20


async def test_a_resolver_that_fails_stops_the_job_and_its_words_are_kept_to_itself() -> None:
    def resolve(name: str) -> Credentials:
        raise ValueError(f"{name}: the vault refuses hunter2")

    url, gong_engine = memory(), engine(4)
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, gong, credentials=resolve),
    ):
        progress = await over(await jobs.submit(updates_of(gong_engine)))
    assert progress.state is JobState.STOPPED
    assert "opening a client with them raised ValueError" in str(progress.stopped_because)
    assert "hunter2" not in str(progress.stopped_because)
    assert gong.ledger.calls == 0


async def test_wrong_credentials_stop_the_job_before_more_than_a_handful_is_sent() -> None:
    url, gong_engine = memory(), engine(200)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        gong_engine.access_key_secret = "another-one"
        wrong = settings_of(gong)
        gong_engine.access_key_secret = "the-right-one"
        async with (
            at_work(url, gong, credentials={"default": wrong}, concurrency=4),
            at_work(url, gong, credentials={"default": wrong}, concurrency=4),
        ):
            job = await jobs.submit(updates_of(gong_engine))
            progress = await over(job)
    assert progress.state is JobState.STOPPED
    assert isinstance(progress.stopped_because, AuthenticationError)
    assert progress.stopped_because.status == 401
    assert 1 <= gong.ledger.calls <= 8
    assert progress.pending == 200


class Forgetful(Unlimited):
    """A quota whose day has turned as soon as it was spent."""

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        pass


def forgetful(_company: str, _limits: QuotaLimits) -> Quota:
    return Forgetful()


async def test_a_spent_day_pauses_the_job_for_all_workers_until_it_turns() -> None:
    url, gong_engine = memory(), engine(100)
    gong_engine.inject_fault(Fault.TOO_MANY, times=8, retry_after="7200")
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, gong, concurrency=4, quota=forgetful),
        at_work(url, gong, concurrency=4, quota=forgetful),
    ):
        job = await jobs.submit(updates_of(gong_engine))
        progress = await until(job, lambda now: now.state is JobState.PAUSED and now.in_flight == 0)
        report = await job.report()
        assert isinstance(report.stopped_because, DailyQuotaError)
        assert progress.resume_after is not None
        away = progress.resume_after - datetime.now(UTC)
        assert timedelta(hours=1, minutes=55) < away <= timedelta(hours=2)
        assert not progress.finished  # it goes on by itself
        alarm = await jobs._docket.get_execution(f"{job.name}:start")
        assert alarm is not None
        assert abs(alarm.when - progress.resume_after) < timedelta(
            seconds=5
        )  # of several 429s, the last one counts
        assert gong.ledger.calls <= 8
        await job.resume()
        assert (await over(job)).updated == 100


async def test_a_short_pause_ends_by_itself() -> None:
    url, gong_engine = memory(), engine(12)
    gong_engine.inject_fault(Fault.TOO_MANY, retry_after="1")
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        impatient = settings_of(gong, retry=RetryPolicy(max_wait=0.1))
        async with at_work(url, gong, credentials={"default": impatient}, concurrency=1):
            job = await jobs.submit(updates_of(gong_engine))
            paused = await until(job, lambda now: now.state is JobState.PAUSED)
            ended = await over(job)
    assert type(paused.stopped_because) is RateLimitError
    assert (ended.updated, ended.rate_limited, ended.calls) == (12, 1, 13)
    assert ended.stopped_because is None


async def test_a_run_of_server_faults_over_all_workers_stops_the_job() -> None:
    url, gong_engine = memory(), engine(60, fault_rates={Fault.UNAVAILABLE: 1.0})
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, gong, concurrency=3),
        at_work(url, gong, concurrency=3),
    ):
        job = await jobs.submit(updates_of(gong_engine), stop_after=4)
        progress = await over(job)
        assert progress.state is JobState.STOPPED
        assert isinstance(progress.stopped_because, ServerError)
        assert 4 <= gong.ledger.calls <= 4 + 6
        assert progress.calls == gong.ledger.calls
        gong_engine.fault_rates = {}
        await job.resume()
        assert (await over(job)).updated == 60


async def test_an_answer_in_between_ends_the_run_of_faults_and_rows_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(effects, "FIRST_RETRY", timedelta(milliseconds=1))
    url, gong_engine = memory(), engine(20)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        gone = [TaskUpdate(99_999_990 + number, "77", status="DONE") for number in range(6)]
        gong_engine.inject_fault(Fault.RESET_BEFORE)
        async with at_work(url, gong, concurrency=1):
            job = await jobs.submit([*updates_of(gong_engine)[:1], *gone, *updates_of(gong_engine)[1:]])
            progress = await over(job)
    assert (progress.state, progress.updated, progress.failed) == (JobState.ENDED, 20, 6)
    assert progress.calls == gong.ledger.calls == 27


async def test_a_row_that_keeps_failing_is_given_up_and_tried_again_when_the_job_is_resumed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(effects, "FIRST_RETRY", timedelta(milliseconds=1))
    url, gong_engine = memory(), engine(2)
    bad = updates_of(gong_engine)[0]
    gong_engine.inject_fault(Fault.SERVER_ERROR, times=3)
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, gong, concurrency=1),
    ):
        job = await jobs.submit([bad], row_attempts=3)
        progress = await over(job)
        assert (progress.state, progress.given_up, progress.pending) == (JobState.ENDED, 1, 1)
        assert gong.ledger.calls == progress.calls == 3
        assert not (await job.report()).complete
        assert await job.resume() is JobState.STARTING
        progress = await over(job)
        assert (progress.updated, progress.given_up) == (1, 0)
        assert await job.resume() is JobState.ENDED  # nothing is left to go on with


class Hurried(Unlimited):
    """A quota whose line is too long, twice."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = 2

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Permit:
        if self.refusals:
            self.refusals -= 1
            raise DeadlineExceeded(reason="the line is too long")
        return await super().acquire(lane, deadline=deadline, max_wait=max_wait, returning=returning)


async def test_a_row_that_was_never_sent_comes_again_and_says_nothing_about_gong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_attempts, "REDELIVER_AFTER", timedelta(milliseconds=1))
    url, gong_engine, quota = memory(), engine(4), Hurried()
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, gong, quota=lambda *_: quota),
    ):
        job = await jobs.submit(updates_of(gong_engine), row_attempts=1, stop_after=1)
        progress = await over(job)
    assert (progress.updated, progress.given_up, progress.calls, quota.refusals) == (4, 0, 4, 0)


def test_the_pace_of_goes_at_a_row_slows_down_and_stays_finite() -> None:
    delays = [effects.retry_delay(attempt) for attempt in (1, 2, 3, 10, 10_000)]
    assert [delay.total_seconds() for delay in delays] == [2, 4, 8, 300, 300]


async def test_a_vault_that_fails_stops_the_job_and_is_not_asked_for_each_row() -> None:
    asked = 0

    def vault() -> Credentials:
        nonlocal asked
        asked += 1
        raise ConnectionError("the vault is sealed")

    url, gong_engine = memory(), engine(40)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        known = {"default": settings_of(gong, credentials=vault)}
        async with at_work(url, gong, credentials=known, concurrency=4):
            progress = await over(await jobs.submit(updates_of(gong_engine)))
    assert progress.state is JobState.STOPPED
    assert isinstance(progress.stopped_because, CredentialsError)
    assert progress.pending == 40
    assert asked <= 4


async def test_an_exception_of_no_kind_gives_its_row_up_and_not_the_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(effects, "FIRST_RETRY", timedelta(milliseconds=1))
    url, gong_engine = memory(), engine(4)

    async def broken(_: UpdateApplier, update: TaskUpdate, resend: Resend | None = None) -> Applied:
        if update == bad:
            raise ZeroDivisionError
        return await real(_, update, resend)

    real, bad = UpdateApplier.apply, updates_of(gong_engine)[1]
    monkeypatch.setattr(UpdateApplier, "apply", broken)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs, at_work(url, gong):
        job = await jobs.submit(updates_of(gong_engine), row_attempts=2)
        progress = await over(job)
        (problem,) = (await job.problems()).values()
    assert (progress.state, progress.updated, progress.given_up) == (JobState.ENDED, 3, 1)
    assert isinstance(problem.error, RowCrashedError)
    assert "ZeroDivisionError" in str(problem.error)


async def test_rows_refused_alike_stop_the_job_over_all_workers() -> None:
    url, gong_engine = memory(), engine(2)
    gone = [TaskUpdate(99_999_900 + number, "77", status="DONE") for number in range(60)]
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, gong, concurrency=3),
        at_work(url, gong, concurrency=3),
    ):
        job = await jobs.submit(gone)
        progress = await over(job)
        assert isinstance(progress.stopped_because, RefusedAlikeError)
        assert (progress.state, progress.failed, progress.pending) == (JobState.STOPPED, 0, 60)
        assert 25 <= gong.ledger.calls <= 25 + 6
        await job.resume(accept_refusals=True)
        progress = await over(job)
    assert (progress.state, progress.failed, progress.pending) == (JobState.ENDED, 60, 0)


async def test_a_job_waits_while_nothing_can_be_reached_and_goes_on_by_itself() -> None:
    url, gong_engine = memory(), engine(20)
    async with Jobs(url, company=COMPANY) as jobs:
        async with Simulator(gong_engine) as gong:
            known = {"default": settings_of(gong, base_url="http://127.0.0.1:9")}  # nobody listens there
        async with at_work(url, gong, credentials=known, concurrency=4):
            job = await jobs.submit(updates_of(gong_engine), row_attempts=1, stop_after=1)
            await until(job, lambda progress: progress.outage_since is not None)
            progress = await job.progress()
            assert (progress.state, progress.given_up) == (JobState.RUNNING, 0)
            async with Simulator(gong_engine) as back:
                known["default"]["base_url"] = back.base_url
                async with at_work(url, back, credentials={"default": settings_of(back)}):
                    await until(job, lambda progress: progress.updated > 0)
