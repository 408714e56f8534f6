"""What a shared quota survives: odd texts in its keys and on its channel, clocks that move, replies lost on their way."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import math
import struct
import time
from typing import Any

import pytest

from gong_tasks_async import DailyQuotaError, Lane, QuotaLimits, QuotaUnavailable, RateLimitError, RedisQuota
from gong_tasks_async.quota.redis.commands import STATE
from tests.shared_quota_fakes import BEGAN, MakeShared, shared as shared  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.virtual
SPACING = QuotaLimits().spacing
AN_HOUR = 3600.0
A_DAY = 86_400.0
ODD = ["", "abc", "nan", "inf", "-inf", "1e400", "-1", "0x10", "9" * 40, "\x00\xff", "{}", " 1 2 3", "1.5"]


def now() -> float:
    return asyncio.get_running_loop().time()


def client_of(quota: RedisQuota) -> Any:
    return quota._backend._client


async def put(client: Any, **numbers: float) -> None:
    """Write numbers into the state."""
    [field] = [each for each in await client.hkeys("{gong:acme}:state") if b"numbers" in each]
    form = f"<{len(STATE)}d"
    state = dict(zip(STATE, struct.unpack(form, await client.hget("{gong:acme}:state", field)), strict=True))
    assert state.keys() >= numbers.keys()
    await client.hset("{gong:acme}:state", field, struct.pack(form, *(state | numbers).values()))


async def spend(quota: RedisQuota, *, max_wait: float = 60.0) -> float:
    permit = await quota.acquire(Lane.INTERACTIVE, max_wait=max_wait)
    quota.release(permit, status=200)
    return permit.departed


async def soon(quota: RedisQuota) -> None:
    """A few calls depart in seconds, however the keys have been spoiled."""
    before = now()
    for _ in range(4):
        await spend(quota)
    assert now() - before < 15.0
    assert (await quota.snapshot()).used >= 0


@pytest.mark.parametrize("odd", ODD)
async def test_any_text_in_any_field_is_survived(shared: MakeShared, odd: str) -> None:
    quota = shared(QuotaLimits(day_starts=None))
    await soon(quota)
    client = client_of(quota)
    for field in await client.hkeys("{gong:acme}:state"):
        await client.hset("{gong:acme}:state", field, odd)
    await client.hset("{gong:acme}:day", mapping={odd: "5", "1800086700": odd, f"1800086700:{odd}": "2"})
    await client.zadd("{gong:acme}:leases", {odd or "x": 1.0, "later": BEGAN * 2e6})
    await soon(quota)


@pytest.mark.parametrize("key", ["state", "leases", "day"])
@pytest.mark.parametrize("kind", ["string", "list", "hash", "zset"])
async def test_a_key_of_another_kind_is_survived(shared: MakeShared, key: str, kind: str) -> None:
    quota, name = shared(), f"{{gong:acme}}:{key}"
    await soon(quota)
    client = client_of(quota)
    await client.delete(name)
    fill = {"string": client.set, "list": client.rpush, "hash": client.hset, "zset": client.zadd}
    arguments: dict[str, tuple[Any, ...]] = {"hash": ("a", "b"), "zset": ({"a": 1.0},)}
    await fill[kind](name, *arguments.get(kind, ("x",)))
    await soon(quota)


@pytest.mark.parametrize("key", ["state", "leases", "day"])
async def test_a_key_of_another_kind_is_survived_by_a_newcomer(shared: MakeShared, key: str) -> None:
    client = client_of(shared())
    await client.set(f"{{gong:acme}}:{key}", "x")
    await soon(shared())


async def test_numbers_far_beyond_ours_hold_up_nobody(shared: MakeShared) -> None:
    quota = shared(QuotaLimits(day_starts=None))
    await soon(quota)
    client = client_of(quota)
    await client.zadd("{gong:acme}:leases", {f"never {number}": math.inf for number in range(9)})
    await put(client, issued_interactive=1e15, used=1e15, next=1e15, rung=1e6, tidy_at=8e15)
    await soon(quota)


@pytest.mark.parametrize("starts", [None, dt.time(tzinfo=dt.UTC)])
async def test_a_day_of_a_million_million_calls_takes_no_memory(
    shared: MakeShared, starts: dt.time | None
) -> None:
    quota = shared(QuotaLimits(day_starts=starts))
    await soon(quota)
    (field, *_) = await client_of(quota).hkeys("{gong:acme}:day")
    await client_of(quota).hset("{gong:acme}:day", field, 10**12)
    await put(client_of(quota), sweep_at=0)
    assert (await quota.snapshot()).used >= 10**12
    assert (await quota.estimate(100)).seconds > 0
    with pytest.raises(DailyQuotaError):
        await shared(QuotaLimits(day_starts=starts)).acquire(Lane.BULK)


async def test_a_day_in_more_parts_than_a_day_has_is_forgotten(shared: MakeShared) -> None:
    quota = shared()
    await soon(quota)
    await client_of(quota).hset(
        "{gong:acme}:day", mapping={str(int(BEGAN) + 9 + second): 1 for second in range(5_000)}
    )
    await soon(quota)
    assert (await quota.snapshot()).used < 100


@pytest.mark.parametrize(
    "reply",
    [
        None,
        [],
        b"OK",
        [b"go"],
        [b"go", 0, 0, 1, 1_800_000_300, 1, 1, 1, 0],
        [b"go", 10**12, 1, 1, 1_800_000_300, 1, 1, 1, 0],
        [b"go", 0, 1, 1, 10**12, 1, 1, 1, 0],
        [b"wait", b"soon", 1],
        [b"wait", 1],
        [b"spent", 1_800_000_300],
        [b"spent", 1_800_000_300, -5],
        [b"shut", 10**17, 0, 0],
        [b"joined", 1, 1, 0, b""],
        [b"done"],
        [[b"go"], 1],
    ],
    ids=str,
)
async def test_a_reply_that_is_not_the_scripts_is_an_error_of_the_quota(
    shared: MakeShared, reply: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = shared()
    await spend(quota)

    async def odd(_: object) -> object:
        return reply

    monkeypatch.setattr(quota._backend, "_run", odd)
    for step in (quota.acquire(Lane.BULK), quota.snapshot(), quota.reopen()):
        with pytest.raises(QuotaUnavailable):
            await step
        quota._health.up = True
        quota._session._epoch = 0  # another one joins
    monkeypatch.undo()
    await asyncio.sleep(1.0)
    quota._health.up = True


@pytest.mark.parametrize("decoded", [False, True])
async def test_any_message_is_survived_and_the_next_one_understood(shared: MakeShared, decoded: bool) -> None:
    first, second = shared(decode_responses=decoded), shared(decode_responses=decoded)
    await spend(first)
    await second.snapshot()
    publisher = client_of(shared())
    for odd in [
        *ODD,
        b"\xff\xfe",
        "shut",
        "shut x y z",
        "shut 1",
        "shut -5 0 1",
        "shut " + "9" * 30 + " 0 1",
        "open x",
    ]:
        await publisher.publish("{gong:acme}:news", odd)
        await asyncio.sleep(0.3)
    assert not second._gate.remaining()
    first.pause(30.0)
    await asyncio.sleep(1.0)
    assert second._gate.remaining() == pytest.approx(29.0, abs=0.1)


async def test_joining_again_and_again_counts_nothing_twice(shared: MakeShared) -> None:
    quota = shared(fail="local", local_share=1.0)
    await spend(quota)
    client_of(quota).connection_pool.connection_kwargs["server"].connected = False
    for _ in range(5):
        await spend(quota)
    client_of(quota).connection_pool.connection_kwargs["server"].connected = True
    await asyncio.sleep(2.0)
    for _ in range(3):
        await quota._session._join()
    assert (await quota.snapshot()).used == 6


@pytest.mark.parametrize("hours", [1, 24 * 365])
async def test_a_server_whose_clock_is_set_back_stalls_nobody_and_keeps_the_count(
    shared: MakeShared, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    loop, ahead = asyncio.get_running_loop(), hours * AN_HOUR
    monkeypatch.setattr(time, "time", lambda: BEGAN + ahead + loop.time())
    one, other = shared(), shared()
    for _ in range(5):
        await spend(one)
    monkeypatch.setattr(time, "time", lambda: BEGAN + loop.time())
    before = now()
    await spend(other)
    await spend(one)
    assert now() - before < 5.0
    if hours == 1:
        assert (await other.snapshot()).used == 7


async def test_a_pause_is_shifted_with_the_clock(shared: MakeShared, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    one, other = shared(), shared()
    await spend(one)
    one.pause(30.0)
    closed_at = now()
    await asyncio.sleep(1.0)
    monkeypatch.setattr(time, "time", lambda: BEGAN - AN_HOUR + loop.time())
    assert await spend(other, max_wait=60.0) == pytest.approx(closed_at + 30.0, abs=2.5)


async def test_a_clock_that_was_a_day_ahead_for_a_moment_forgets_no_call(
    shared: MakeShared, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, quota = asyncio.get_running_loop(), shared()
    for _ in range(6):
        await spend(quota)
    monkeypatch.setattr(time, "time", lambda: BEGAN + 2 * A_DAY + loop.time())
    assert (await quota.snapshot()).used == 0
    monkeypatch.setattr(time, "time", lambda: BEGAN + loop.time())
    await spend(quota)
    assert (await quota.snapshot()).used == 7


@pytest.mark.parametrize("spent", [False, True])
async def test_no_pause_is_longer_than_a_day(shared: MakeShared, spent: bool) -> None:
    one, other = shared(), shared()
    await other.snapshot()
    one.pause(7 * A_DAY, day_spent=spent)
    await asyncio.sleep(1.0)
    for quota in (one, other):
        paused_until = (await quota.snapshot()).paused_until
        assert paused_until is not None
        assert paused_until.timestamp() <= BEGAN + A_DAY + 1.0
        with pytest.raises(RateLimitError):
            await spend(quota)
    client = client_of(one)
    await put(client, paused=(BEGAN + 300 * A_DAY) * 1e6, spent=(BEGAN + 300 * A_DAY) * 1e6)
    assert (await other.snapshot()).paused_until.timestamp() <= BEGAN + A_DAY + 2.0  # type: ignore[union-attr]  # it is paused


async def test_one_process_reopens_the_quota_for_all(shared: MakeShared) -> None:
    one, other = shared(), shared()
    await other.snapshot()
    one.pause(AN_HOUR)
    await asyncio.sleep(1.0)
    with pytest.raises(RateLimitError):
        await spend(other)
    await shared().reopen()
    await asyncio.sleep(1.0)
    before = now()
    await spend(other)
    await spend(one)
    assert now() - before < 2.0


async def test_once_an_hour_one_call_finds_out_whether_the_day_is_still_spent(shared: MakeShared) -> None:
    one, other = shared(), shared()
    await other.snapshot()
    one.pause(10 * AN_HOUR, day_spent=True)
    await asyncio.sleep(AN_HOUR - 10.0)
    for quota in (one, other):
        with pytest.raises(DailyQuotaError):
            await spend(quota)
    await asyncio.sleep(20.0)
    probe = await one.acquire(Lane.BULK, max_wait=60.0)
    with pytest.raises(DailyQuotaError):
        await spend(other)
    one.release(probe, status=429)
    one.pause(10 * AN_HOUR, day_spent=True)
    await asyncio.sleep(AN_HOUR - 10.0)
    with pytest.raises(DailyQuotaError):
        await spend(one)
    await asyncio.sleep(30.0)
    other.release(await other.acquire(Lane.INTERACTIVE, max_wait=60.0), status=200)
    await asyncio.sleep(31.0)
    await spend(one)
    await spend(other)
    assert (await one.snapshot()).paused_until is None


async def test_a_short_pause_of_one_process_holds_the_probe_of_another(shared: MakeShared) -> None:
    one, other = shared(), shared()
    await other.snapshot()
    await asyncio.sleep(1.0)
    one.pause(10 * AN_HOUR, day_spent=True)
    await asyncio.sleep(AN_HOUR - 5.0)
    other.pause(30.0)
    await asyncio.sleep(20.0)
    for quota in (one, other, shared()):  # the last one knows neither pause from the channel
        with pytest.raises(DailyQuotaError):
            await quota.acquire(Lane.BULK, max_wait=60.0)
    await asyncio.sleep(11.0)
    probe = await one.acquire(Lane.BULK, max_wait=60.0)
    other.pause(60.0)
    await asyncio.sleep(0.1)
    one.release(probe, status=200)
    await asyncio.sleep(0.1)
    for quota in (one, other, shared()):
        with pytest.raises(RateLimitError):
            await spend(quota, max_wait=1.0)
    await asyncio.sleep(60.0)
    await spend(one, max_wait=1.0)


async def test_processes_with_different_limits_are_told(
    shared: MakeShared, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    await spend(shared())
    await spend(shared())
    assert not caplog.records
    other = shared(QuotaLimits(per_second=8.0, per_day=200, interactive_reserve=0))
    await spend(other)
    assert "per_second=3.0" in caplog.text
    assert "per_day=200" in caplog.text
    assert len(caplog.records) == 1
