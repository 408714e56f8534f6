"""One process and a real Redis: passwords, TLS, servers that are slow, mute, restarted or not ours to use."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from gong_tasks_async import Event, Lane, QuotaLimits, QuotaUnavailable, RedisQuota
from tests.redis_server import PATIENCE, RedisServer, require_redis

ROOT = Path(__file__).parents[1]
SECRET = "p@ss:w/rd#?%"
SPELLED = "p%40ss%3Aw%2Frd%23%3F%25"
FAST = QuotaLimits(per_second=1000.0)


async def spend(quota: RedisQuota) -> None:
    quota.release(await quota.acquire(Lane.BULK), status=200)


async def back(quota: RedisQuota) -> None:
    """Wait until Redis has been found again."""
    assert await quota._health.wait_up(PATIENCE)


async def spend_in_the_end(quota: RedisQuota) -> None:
    """Spend with a timeout that a busy machine may exceed now and then."""
    while True:
        with suppress(QuotaUnavailable):
            return await spend(quota)
        await back(quota)


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not happened():  # noqa: ASYNC110 - what happens is a server's doing
            await asyncio.sleep(0.01)


def everything_said(error: BaseException) -> str:
    """The text, the chain and all that a traceback shows."""
    return "".join(traceback.format_exception(error)) + repr(error)


async def test_a_password_opens_and_is_never_shown(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Redis.from_url(redis_server.url) as admin:
        await admin.config_set("requirepass", SECRET)
    heard: list[Event] = []
    url = redis_server.url.replace("://", f"://default:{SPELLED}@")
    async with RedisQuota(url, company="acme", limits=FAST, on_event=heard.append, timeout=PATIENCE) as quota:
        await spend(quota)
        redis_server.kill()
        with pytest.raises(QuotaUnavailable) as refused:
            await quota.acquire(Lane.BULK)
        said = everything_said(refused.value) + repr(quota) + caplog.text + repr(heard)
    assert str(redis_server.port) in said
    assert SECRET not in said
    assert SPELLED not in said


async def test_a_wrong_password_is_an_error_that_does_not_show_it(redis_server: RedisServer) -> None:
    async with Redis.from_url(redis_server.url) as admin:
        await admin.config_set("requirepass", "another")
    url = redis_server.url.replace("://", f"://:{SPELLED}@")
    async with RedisQuota(url, company="acme", timeout=PATIENCE) as quota:
        with pytest.raises(QuotaUnavailable, match=r"AuthenticationError|invalid") as refused:
            await quota.acquire(Lane.BULK)
    assert SECRET not in everything_said(refused.value)
    assert SPELLED not in everything_said(refused.value)


@pytest.mark.parametrize("url", ["redis://:half#xyzzy@host:6379", "redis://:[xyzzy@host", "ftp://:xyzzy@x"])
def test_a_url_that_cannot_be_read_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="URL of Redis cannot be read") as refused:
        RedisQuota(url, company="acme")
    assert "xyzzy" not in everything_said(refused.value)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of our own for this machine, and its key."""
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    made = subprocess.run(  # noqa: S603 - fixed words
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("no openssl makes certificates here")
    return certificate, key


async def test_tls_is_spoken_and_a_stranger_s_certificate_refused(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    require_redis()
    words = ("--tls-cert-file", str(certificate[0]), "--tls-key-file", str(certificate[1]))
    server = RedisServer(tmp_path, *words, "--tls-auth-clients", "no")
    server.settings += ("--tls-port", str(server.port), "--port", "0")
    server.start()
    try:
        url = f"rediss://127.0.0.1:{server.port}/0"
        async with RedisQuota(
            f"{url}?ssl_ca_certs={certificate[0]}", company="a", limits=FAST, timeout=PATIENCE
        ) as quota:
            await spend(quota)
            assert (await quota.snapshot()).used == 1
        async with RedisQuota(url, company="a", timeout=PATIENCE) as trusting:
            with pytest.raises(QuotaUnavailable, match=r"(?i)certificate"):
                await trusting.acquire(Lane.BULK)
    finally:
        server.kill()


@pytest.mark.parametrize("decoded", [False, True])
async def test_a_client_of_one_s_own_is_used_and_left_open(redis_server: RedisServer, decoded: bool) -> None:
    async with Redis.from_url(redis_server.url, decode_responses=decoded) as client:
        async with RedisQuota(client, company="acme", limits=FAST, timeout=PATIENCE) as quota:
            await spend(quota)
            quota.pause(0.01)
            await spend(quota)
            assert (await quota.snapshot()).used == 2
        assert await client.ping()
        keys = await client.keys()
        assert len({key_slot(key if isinstance(key, bytes) else key.encode()) for key in keys}) == 1
        assert min([await client.pttl(key) for key in keys]) > 0


async def test_what_ended_last_is_told_before_closing(redis_server: RedisServer) -> None:
    limits = QuotaLimits(per_second=1000.0, count_rate_limited=False)
    async with RedisQuota(redis_server.url, company="acme", limits=limits, timeout=PATIENCE) as quota:
        await spend(quota)
        quota.release(await quota.acquire(Lane.BULK), status=429)
    async with RedisQuota(redis_server.url, company="acme", limits=limits, timeout=PATIENCE) as later:
        assert (await later.snapshot()).used == 1


async def test_a_script_that_was_flushed_away_is_sent_again(redis_server: RedisServer) -> None:
    async with (
        RedisQuota(redis_server.url, company="acme", limits=FAST, timeout=PATIENCE) as quota,
        Redis.from_url(redis_server.url) as admin,
    ):
        await spend(quota)
        await admin.script_flush()
        await spend(quota)


async def test_a_server_too_slow_to_answer_holds_nobody(redis_server: RedisServer) -> None:
    async with RedisQuota(redis_server.url, company="acme", limits=FAST, timeout=0.1) as quota:
        await spend_in_the_end(quota)
        redis_server.suspend()
        with pytest.raises(QuotaUnavailable, match=r"(?i)timeout|no answer within 0.1 s"):
            await quota.acquire(Lane.BULK)
        with pytest.raises(QuotaUnavailable):  # at once: nobody tries again what has just failed
            await quota.acquire(Lane.BULK)
        redis_server.resume()
        await spend_in_the_end(quota)


async def test_a_connection_that_is_open_and_mute_holds_nobody() -> None:
    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        writer.close()

    server = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with RedisQuota(f"redis://127.0.0.1:{port}", company="acme", timeout=0.1) as quota:
        with pytest.raises(QuotaUnavailable):
            await quota.acquire(Lane.BULK, deadline=asyncio.get_running_loop().time() + 60.0)
    server.close()


async def test_a_server_that_became_a_replica_is_gone_until_it_is_none(redis_server: RedisServer) -> None:
    async with (
        RedisQuota(redis_server.url, company="acme", limits=FAST, timeout=PATIENCE) as quota,
        Redis.from_url(redis_server.url) as admin,
    ):
        await spend(quota)
        await admin.replicaof("127.0.0.1", 1)
        with pytest.raises(QuotaUnavailable, match=r"READONLY|read only"):
            await quota.acquire(Lane.BULK)
        await admin.replicaof("NO", "ONE")
        await back(quota)
        await spend(quota)


async def test_a_user_who_may_not_ask_for_info_can_share_a_quota(redis_server: RedisServer) -> None:
    async with Redis.from_url(redis_server.url) as admin:
        await admin.acl_setuser(
            "bot",
            enabled=True,
            passwords=["+pw"],
            keys=["{gong:acme}:*"],
            reset_channels=True,  # Redis 6.2 admits all by default
            channels=["{gong:acme}:*"],
            commands=["+@all", "-@dangerous", "-info"],
        )
    url = redis_server.url.replace("://", "://bot:pw@")
    async with RedisQuota(url, company="acme", limits=FAST, timeout=PATIENCE) as quota:
        await spend(quota)
        assert (await quota.snapshot()).used == 1


async def test_a_real_server_keeps_state_waiters_and_both_pauses(redis_server: RedisServer) -> None:
    async with (
        Redis.from_url(redis_server.url) as admin,
        RedisQuota(redis_server.url, company="acme", timeout=PATIENCE) as one,
        RedisQuota(redis_server.url, company="acme", timeout=PATIENCE) as other,
    ):
        calls = [asyncio.create_task(one.acquire(Lane.BULK)) for _ in range(90)]  # of half a minute
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        await until(lambda: one._dispatcher.queue.total_waiting < 89)  # by then it has reported how many wait
        assert 0 < (await other.snapshot()).waiting[Lane.BULK] < 90
        before, seen, after = [(await quota.snapshot()).used for quota in (one, other, one)]
        assert 0 < before <= seen <= after
        for call in calls:
            call.cancel()
        numbers = re.search(r"string.rep\('d', (\d+)\)", (ROOT / "docs/shared-quota.md").read_text())
        assert numbers is not None
        assert await admin.hstrlen("{gong:acme}:state", "numbers 2") == 8 * int(numbers[1])
        for odd in ("", "abc", "[1]", "\x00" * 184, "\xff" * 184):
            for field in await admin.hkeys("{gong:acme}:state"):
                await admin.hset("{gong:acme}:state", field, odd)
            await spend(other)
        one.pause(3600.0, day_spent=True)
        one.pause(30.0)
        await until(lambda: other._gate.rate_limit_left() > 0)
        assert other._gate.day_spent
        assert not other._gate.is_probe_due()
