"""What travels with a job, what a worker has of its own, and what nobody is shown."""

from __future__ import annotations

import math
from contextlib import nullcontext
from datetime import timedelta
from typing import Self, cast

import pytest

from gong_tasks_async import (
    AccessKey,
    LocalQuota,
    Quota,
    QuotaLimits,
    TaskUpdate,
    Unlimited,
)
from gong_tasks_async.distributed import (
    JobNotFoundError,
    Jobs,
    JobState,
    Resolver,
    Worker,
    WrongAddressError,
)
from gong_tasks_async.distributed.clients import check_address
from gong_tasks_async.distributed.serialization import JobSettings
from gong_tasks_async.settings import ClientSettings
from gong_tasks_async.simulator import Simulator
from tests.distributed_floor import (
    COMPANY,
    at_work,
    engine,
    memory,
    over,
    settings_of,
    unlimited,
    updates_of,
)

GONE = TaskUpdate(99_999_999, "77", status="DONE")
"""A task that Gong does not know."""


async def test_one_quota_serves_all_jobs_of_the_same_limits_and_their_settings_travel() -> None:
    url, gong_engine = memory(), engine(8)
    made: list[tuple[str, QuotaLimits]] = []

    def quota_of(company: str, limits: QuotaLimits) -> Quota:
        made.append((company, limits))
        return LocalQuota(limits)

    wide = QuotaLimits(per_second=1000.0, per_day=None)
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, gong, credentials=lambda _: settings_of(gong), quota=quota_of),
    ):
        wanted = updates_of(gong_engine)
        first = await jobs.submit(wanted[:4], limits=wide, base_url=gong.base_url)
        second = await jobs.submit(wanted[4:], limits=wide, base_url=gong.base_url, credentials="bot")
        assert [(await over(job)).updated for job in (first, second)] == [4, 4]
    assert made == [(COMPANY, wide)]


@pytest.mark.parametrize("credentials", ["mapping", "function"])
async def test_a_job_for_another_address_than_the_worker_s_is_stopped_and_nothing_is_sent(
    credentials: str,
) -> None:
    url, gong_engine = memory(), engine(2)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        settings = settings_of(gong)
        known: Resolver = {"default": settings} if credentials == "mapping" else lambda _: settings
        async with at_work(url, gong, credentials=known):
            job = await jobs.submit(updates_of(gong_engine), base_url="https://us-1.elsewhere.example")
            progress = await over(job)
    assert (progress.state, gong.ledger.calls) == (JobState.STOPPED, 0)
    assert isinstance(progress.stopped_because, WrongAddressError)
    assert progress.stopped_because.worker_url == gong.base_url


@pytest.mark.parametrize(
    ("job_url", "client", "accepted"),
    [
        (None, {}, True),
        ("https://api.gong.io", {}, True),
        ("https://API.gong.io", {}, True),
        ("https://us-1.api.gong.io", {}, False),
        ("https://us-1.api.gong.io", {"base_url": "https://us-1.api.gong.io/v2/"}, True),
        ("https://api.gong.io.evil.example", {}, False),
        ("https://api.gong.io", {"base_url": "https://us-1.api.gong.io"}, False),
    ],
)
def test_a_job_s_address_is_only_compared(
    job_url: str | None, client: dict[str, str], accepted: bool
) -> None:
    settings = JobSettings(credentials="default", base_url=job_url)
    found = cast("ClientSettings", {"credentials": AccessKey("key", "secret"), **client})
    with nullcontext() if accepted else pytest.raises(WrongAddressError):
        check_address(settings, found)


async def test_companies_do_not_see_each_other_s_jobs() -> None:
    url, gong_engine = memory(), engine(4)
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company="globex") as theirs,
        Jobs(url, company=COMPANY) as own,
        at_work(url, gong),
    ):
        others = await theirs.submit(updates_of(gong_engine), name="nightly")
        with pytest.raises(JobNotFoundError):
            await own.job("nightly").report()
        await over(await own.submit(updates_of(gong_engine)))
        assert (await others.progress()).state is JobState.STARTING


async def test_nothing_in_redis_is_a_secret_and_every_key_of_a_job_ends_by_itself() -> None:
    url, gong_engine = memory(), engine(10)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs, at_work(url, gong):
        job = await jobs.submit([*updates_of(gong_engine), GONE], keep=timedelta(days=2))
        await over(job)
        async with jobs._docket.redis() as redis:
            names = [key.decode() for key in await redis.keys()]
            # The set of the rows in hand is empty, which only this Redis in memory keeps.
            own = [name for name in names if ":jobs:" in name and not name.endswith(":hands")]
            texts = [str(await redis.hgetall(name)) for name in own]
            lifetimes = [await redis.ttl(name) for name in own]
    assert {name.rpartition(":")[2] for name in own} == {job.name, "rows", "outcomes"}
    assert all(name.startswith("{gong-jobs:acme}:") for name in names)
    assert all(2 * 86_400 - 60 < seconds <= 2 * 86_400 for seconds in lifetimes)
    secrets = (gong.access_key_secret, AccessKey(gong.access_key, gong.access_key_secret).authorization)
    assert not any(secret in text for secret in secrets for text in texts)
    assert "TaskNotFoundError" in "".join(texts)


@pytest.mark.parametrize(
    "settings",
    [
        {"company": "a b"},
        {"company": ""},
        {"company": "a{b}"},
        {"concurrency": 0},
        {"lease": 0.0},
        {"lease": math.nan},
    ],
)
def test_a_worker_s_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    usual: dict[str, object] = {"company": COMPANY, "credentials": {}, "quota": unlimited}
    with pytest.raises(ValueError, match=r"must be"):
        Worker("memory://", **usual | settings)  # type: ignore[arg-type]  # made wrong on purpose


@pytest.mark.parametrize(
    "settings",
    [
        {"row_attempts": 0},
        {"stop_after": 0},
        {"keep": timedelta(hours=1)},
        {"base_url": "http://gong.example"},
        {"limits": QuotaLimits(day_store="day.sqlite")},
        {"name": "a:b"},
    ],
)
async def test_a_job_s_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    async with Jobs(memory(), company=COMPANY) as jobs:
        with pytest.raises(ValueError):  # noqa: PT011 - each says it in its own words
            await jobs.submit([GONE], **settings)  # type: ignore[arg-type]  # made wrong on purpose


def test_no_repr_shows_the_address_or_its_password() -> None:
    url = "redis://:hunter2@redis.example:6379/0"
    worker = Worker(url, company=COMPANY, credentials={}, quota=unlimited)
    shown = f"{worker!r} {Jobs(url, company=COMPANY)!r} {Jobs(url, company=COMPANY).job('x')!r}"
    assert shown == "<Worker of acme> <Jobs of acme> <Job x>"


class Rented(Unlimited):
    """A quota with a connection of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []

    async def __aenter__(self) -> Self:
        self.steps.append("opened")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.steps.append("closed")


async def test_a_quota_with_a_connection_is_opened_once_and_closed_with_its_worker() -> None:
    url, gong_engine, quota = memory(), engine(8), Rented()
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        async with at_work(url, gong, quota=lambda *_: quota):
            for wanted in (updates_of(gong_engine)[:4], updates_of(gong_engine)[4:]):
                await over(await jobs.submit(wanted))
            assert quota.steps == ["opened"]
        assert quota.steps == ["opened", "closed"]
