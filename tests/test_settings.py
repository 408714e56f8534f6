"""Every setting of every public class refuses another type, by name, and all of them at once."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from gong_tasks_async import (
    AccessKey,
    BearerToken,
    GongTasksClient,
    GongTasksPool,
    InvalidValueError,
    LocalQuota,
    OAuthToken,
    QuotaLimits,
    RetryPolicy,
)
from gong_tasks_async.bulk import RunSettings
from gong_tasks_async.distributed import Jobs, Worker
from gong_tasks_async.distributed.serialization import JobSettings

KEY = AccessKey("key", "secret")
MAKE: dict[Callable[..., Any], dict[str, Any]] = {
    RetryPolicy: {},
    QuotaLimits: {},
    RunSettings: {},
    LocalQuota: {},
    AccessKey: {"access_key": "key", "access_key_secret": "secret"},
    BearerToken: {"token": "token"},
    GongTasksClient: {"credentials": KEY},
    GongTasksPool: {"settings_for": lambda _: {"credentials": KEY}},
    OAuthToken: {
        "client_id": "id",
        "client_secret": "secret",
        "refresh_token": "token",
        "save": lambda _: None,
    },
    Jobs: {"url": "redis://localhost/0", "company": "acme"},
    Worker: {"url": "redis://localhost/0", "company": "acme", "credentials": {}},
    JobSettings: {"credentials": "default"},
}
"""What makes one, and what it cannot be made without."""

ANYTHING = {"wall_clock", "shared"}
"""A clock is for tests; what a pool shares is checked with each of its clients."""


class Wrong:
    """Of no type that a setting has."""

    def __repr__(self) -> str:
        return "<wrong>"


def settings_of(make: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(make).parameters if name not in ANYTHING]


EVERY = [(make, name) for make in MAKE for name in settings_of(make)]


@pytest.mark.parametrize(("make", "name"), EVERY, ids=[f"{make.__name__}.{name}" for make, name in EVERY])
def test_another_type_is_refused_by_name(make: Callable[..., Any], name: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        make(**{**MAKE[make], name: Wrong()})
    assert any(name.removesuffix("_bundle") in problem for problem in refused.value.problems)


@pytest.mark.parametrize("make", MAKE, ids=lambda make: make.__name__)
def test_all_wrong_types_are_named_at_once(make: Callable[..., Any]) -> None:
    names = settings_of(make)
    with pytest.raises(InvalidValueError) as refused:
        make(**{name: Wrong() for name in names})
    assert len(refused.value.problems) >= len(names)


@pytest.mark.parametrize("make", [RetryPolicy, QuotaLimits, RunSettings])
@pytest.mark.parametrize("value", ["3", True, 2.5, math.nan, None])
def test_a_number_of_things_is_a_whole_number(make: Callable[..., Any], value: object) -> None:
    name = {RetryPolicy: "attempts", QuotaLimits: "interactive_reserve", RunSettings: "workers"}[make]  # type: ignore[index]  # these three
    with pytest.raises(InvalidValueError, match=f"{name} must be a whole number, not"):
        make(**{name: value})


@pytest.mark.parametrize("value", ["3", True, math.nan, math.inf, 0, -1.0, None])
def test_a_rate_is_a_positive_number(value: object) -> None:
    with pytest.raises(InvalidValueError, match="per_second must be more than 0 and finite, not"):
        QuotaLimits(per_second=value)  # type: ignore[arg-type]  # what is tried


def test_numbers_of_other_kinds_are_numbers() -> None:
    assert QuotaLimits(per_second=Fraction(7, 2)).spacing == pytest.approx(1.03 / 3.5)  # type: ignore[arg-type]


def test_a_secret_of_another_type_is_not_shown() -> None:
    with pytest.raises(InvalidValueError) as refused:
        AccessKey(b"the-key", b"the-secret")  # read as bytes
    assert "the-" not in str(refused.value)
    assert len(refused.value.problems) == 2


def test_neither_a_worker_s_credentials_nor_its_url_are_shown() -> None:
    with pytest.raises(InvalidValueError) as refused:
        Worker("redis://:the-pass/word@host/0", company="acme", credentials="the-secret")  # type: ignore[arg-type]  # a likely slip
    assert "the-" not in str(refused.value)
    assert len(refused.value.problems) == 2


async def test_a_job_with_wrong_settings_is_refused_before_anything_is_stored() -> None:
    async with Jobs("memory://refused", company="acme") as jobs:
        with pytest.raises(InvalidValueError) as refused:
            await jobs.submit([], base_url="gong", keep=7, row_attempts="5", guard="no")  # type: ignore[arg-type]  # what is tried
        assert len(refused.value.problems) == 4
        assert await jobs.overview() == []


@pytest.mark.parametrize(
    ("name", "value"), [("lane", "bulk"), ("timeout", "3"), ("timeout", True), ("retry", 5)]
)
def test_options_of_a_view_are_refused_alike(name: str, value: object) -> None:
    with pytest.raises(InvalidValueError, match=name):
        GongTasksClient(KEY).with_options(**{name: value})  # type: ignore[arg-type]  # what is tried


@pytest.mark.parametrize("filters", [None, 5, object()])
async def test_a_listing_of_many_refuses_what_is_no_list_before_it_begins(filters: Any) -> None:
    async with GongTasksClient(KEY) as gong:
        with pytest.raises(InvalidValueError, match="filters must be user ids or filters"):
            gong.list_many(filters)
        with pytest.raises(InvalidValueError, match="workers must be a whole number"):
            gong.list_many(["1"], workers="8")  # type: ignore[arg-type]  # what is tried


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("journal", 5),
        ("skip_unchanged", "no"),
        ("guard", "no"),
        ("dry_run", 1),
        ("origin", "text"),
        ("workers", "8"),
        ("grace", "5"),
    ],
)
async def test_a_bulk_run_refuses_wrong_settings_before_a_call(name: str, value: object) -> None:
    async with GongTasksClient(KEY) as gong:
        with pytest.raises(InvalidValueError, match=name):
            await gong.update_many([], **{name: value})  # type: ignore[arg-type]  # what is tried
