"""While Redis is away: how often it is looked for, how long callers wait for it, and what a process may do alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from gong_tasks_async import Event, QuotaLimits, QuotaLost, QuotaRegained, QuotaUnavailable
from gong_tasks_async.events import EventSink
from gong_tasks_async.quota.redis.outage import LocalFallback, RedisHealth, fallback_problems, supervise

pytestmark = pytest.mark.virtual
AWAY = QuotaUnavailable(server="redis:6379", reason="refused")


def now() -> float:
    return asyncio.get_running_loop().time()


class Server:
    """It is away until a moment, and notes when it was looked for."""

    def __init__(self, back_at: float) -> None:
        self.back_at, self.looks, self.events = back_at, list[float](), list[Event]()
        self.health = RedisHealth(
            "redis:6379", EventSink(self.events.append), self.rejoin, local_fallback=False
        )

    async def rejoin(self) -> None:
        self.looks.append(now())
        if now() < self.back_at:
            raise AWAY


async def test_redis_counts_as_up_until_a_step_fails() -> None:
    server = Server(back_at=0.0)
    up = [server.health.up, await server.health.wait_up(0.0)]
    server.health.mark_down(AWAY)
    up += [server.health.up, await server.health.wait_up(0.0)]
    assert up == [True, True, False, False]
    await server.health.close()


async def test_it_is_looked_for_soon_and_later_each_half_second() -> None:
    server, began = Server(back_at=now() + 60.0), now()
    server.health.mark_down(AWAY)
    await asyncio.sleep(10.0)
    await server.health.close()
    gaps = [later - earlier for earlier, later in pairwise([began, *server.looks])]
    assert gaps[0] == pytest.approx(0.05)
    assert all(0.99 * gap <= longer <= 2.01 * gap for gap, longer in pairwise(gaps))
    assert gaps[4:] == pytest.approx([0.5] * len(gaps[4:]))
    assert len(gaps) > 20


async def test_an_outage_is_emitted_once_with_its_length() -> None:
    server, began = Server(back_at=now() + 0.3), now()
    for _ in range(3):
        server.health.mark_down(AWAY)
    assert await server.health.wait_up(5.0)
    [lost, regained] = server.events
    assert isinstance(lost, QuotaLost)
    assert (lost.server, lost.reason, lost.local_fallback) == ("redis:6379", "refused", False)
    assert isinstance(regained, QuotaRegained)
    assert regained.seconds == pytest.approx(now() - began)
    assert regained.seconds == pytest.approx(0.35)  # at the first look after it was back


@pytest.mark.parametrize(("seconds", "waited"), [(0.0, 0.0), (2.0, 2.0)])
async def test_a_caller_waits_no_longer_than_it_says(seconds: float, waited: float) -> None:
    server, began = Server(back_at=now() + 60.0), now()
    server.health.mark_down(AWAY)
    assert not await server.health.wait_up(seconds)
    assert now() - began == pytest.approx(waited)
    await server.health.close()


async def test_a_caller_without_a_limit_waits_for_hours() -> None:
    server = Server(back_at=now() + 7_200.0)
    server.health.mark_down(AWAY)
    assert await server.health.wait_up()
    assert now() == pytest.approx(server.back_at, abs=0.5)


async def raising(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("step", "succeeded", "logged"),
    [
        (lambda: asyncio.sleep(0), True, 0),
        (lambda: raising(AWAY), False, 0),
        (lambda: raising(KeyError("x")), False, 1),
    ],
)
async def test_a_step_in_the_background_ends_nothing_and_only_what_is_unforeseen_is_logged(
    step: Callable[[], Awaitable[None]], succeeded: bool, logged: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert await supervise(step()) is succeeded
    assert len(caplog.messages) == logged


@pytest.mark.parametrize(
    ("per_day", "reserve", "share", "alone"),
    [
        (10_000, 1_000, 0.25, (2_500, 250)),
        (10_000, 1_000, 1.0, (10_000, 1_000)),
        (10, 3, 0.25, (2, 1)),  # the day is rounded down and the reserve up
        (3, 2, 1.0, (3, 2)),
        (10, 9, 0.1, (1, 0)),  # one call of bulk's is left
        (10, 3, 0.01, (1, 0)),  # never none at all
        (None, 0, 0.5, (None, 0)),
    ],
)
async def test_alone_a_process_has_its_share_of_the_second_the_day_and_the_reserve(
    per_day: int | None, reserve: int, share: float, alone: tuple[int | None, int]
) -> None:
    limits = QuotaLimits(per_second=3.0, per_day=per_day, interactive_reserve=reserve)
    found = LocalFallback(limits, share, Server(0.0).health).quota.limits
    assert (found.per_day, found.interactive_reserve) == alone
    assert found.per_second == pytest.approx(3.0 * share)


@pytest.mark.parametrize(
    ("fail", "share", "problems"),
    [
        ("closed", None, []),
        ("local", 1, []),
        ("local", 0.001, []),
        ("local", 0, ["local_share must be"]),
        ("local", 0.0, ["local_share must be"]),
        ("local", -0.1, ["local_share must be"]),
        ("local", 1.01, ["local_share must be"]),
        ("local", "half", ["local_share must be"]),
        ("local", None, ['fail="local" and']),
        ("closed", 0.5, ['fail="local" and']),
        ("open", None, ["fail must be"]),
        ("open", 2, ["fail must be", 'fail="local" and', "local_share must be"]),
    ],
)
def test_the_share_must_be_chosen_and_lie_in_its_bounds(
    fail: object, share: object, problems: list[str]
) -> None:
    found = list(fallback_problems(fail, share))
    assert len(found) == len(problems)
    assert all(each.startswith(begin) for each, begin in zip(found, problems, strict=True))
