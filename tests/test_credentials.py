from __future__ import annotations

import asyncio
import base64
import copy
import math
import pickle
import warnings
from typing import Any

import aiohttp
import pytest
from attrs.exceptions import FrozenInstanceError

from gong_tasks_async import GongTasksClient
from gong_tasks_async.credentials import AccessKey, BearerToken, Credentials
from gong_tasks_async.errors import ClientStateError
from gong_tasks_async.http.addresses import checked_base_url
from gong_tasks_async.http.network import USER_AGENT
from gong_tasks_async.http.transport import AiohttpTransport
from tests.test_transport import (
    KEY as SIGNER,
    OK,
    PATCH,
    assert_no_secret,
    failed,
    opened,
    request_of,
    saying,
    sent,
    server,
    shown,
)

KEY = AccessKey("AKEY7", "s3cr3t-of-akey7")
TOKEN = BearerToken("t0k3n.of.somebody")
BOTH = pytest.mark.parametrize("credentials", [KEY, TOKEN], ids=["access key", "token"])


def test_an_access_key_signs_as_http_basic_does() -> None:
    assert KEY.authorization == "Basic " + base64.b64encode(b"AKEY7:s3cr3t-of-akey7").decode()


def test_a_token_signs_as_bearer() -> None:
    assert TOKEN.authorization == "Bearer t0k3n.of.somebody"


def test_the_header_follows_the_values_and_never_breaks_a_line() -> None:
    long = AccessKey("k" * 200, "s:" * 200)
    assert "\n" not in long.authorization
    assert (
        base64.b64decode(long.authorization.removeprefix("Basic ")).decode() == "k" * 200 + ":" + "s:" * 200
    )


def test_secrets_are_all_that_an_answer_could_repeat() -> None:
    assert set(KEY.secrets) == {KEY.access_key_secret, KEY.authorization.removeprefix("Basic ")}
    assert TOKEN.secrets == ("t0k3n.of.somebody",)


@BOTH
def test_nothing_that_is_shown_shows_a_secret(credentials: Credentials) -> None:
    client = GongTasksClient(credentials)
    for text in (repr(credentials), str(credentials), f"{credentials}", f"{[credentials]}", repr(client)):
        assert not any(secret in text for secret in credentials.secrets)
        assert "AKEY7" not in text


WRONG = {
    "empty": "",
    "line break": "abc\r\nX-Evil: 1",
    "blank": "abc def",
    "trailing line break": "abc\n",
    "not ASCII": "abcdé",
    "nul": "abc\0d",
    "tab": "abc\td",
    "delete": "abc\x7f",
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("place", ["access_key", "access_key_secret", "token"])
def test_what_cannot_be_sent_is_refused_without_being_quoted(place: str, wrong: str) -> None:
    def build() -> object:
        if place == "token":
            return BearerToken(wrong)
        return AccessKey(**{"access_key": "k", "access_key_secret": "s", place: wrong})

    with pytest.raises(ValueError, match=f"refused: {place} (is empty|holds)") as caught:
        build()
    assert "abc" not in shown(caught.value)


def test_a_colon_belongs_to_the_secret_alone() -> None:
    assert AccessKey("k", "a:b").authorization == "Basic " + base64.b64encode(b"k:a:b").decode()
    with pytest.raises(ValueError, match="colon") as caught:
        AccessKey("abc:d", "s")
    assert "abc" not in str(caught.value)


@BOTH
def test_credentials_are_values_that_are_frozen_and_travel(credentials: Credentials) -> None:
    for duplicate in (pickle.loads(pickle.dumps(credentials)), copy.deepcopy(credentials)):  # noqa: S301 - our own bytes
        assert duplicate == credentials
        assert hash(duplicate) == hash(credentials)
        assert duplicate.authorization == credentials.authorization
    with pytest.raises(FrozenInstanceError):
        credentials.token = "other"  # type: ignore[attr-defined]  # refused by the type checker as well


def test_other_secrets_are_other_credentials() -> None:
    assert AccessKey("k", "a") != AccessKey("k", "b")
    assert BearerToken("a") != BearerToken("b")


async def test_a_request_is_exactly_this() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request_of(reader))
        writer.write(OK)

    async with server(serve) as base_url:
        response = await sent(base_url + "/gong")
    assert (response.status, response.body, response.truncated) == (200, b"{}", False)
    head, _, body = seen[0].partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert (line, body) == ("PATCH /gong/v2/tasks/7 HTTP/1.1", PATCH.body)
    assert {"accept-encoding", "host"} <= {header.split(":")[0].lower() for header in headers}
    assert {h for h in headers if h.split(":")[0].lower() not in {"accept-encoding", "host"}} == {
        "Authorization: " + SIGNER.authorization, "Content-Type: application/json", "Accept: application/json",
        f"User-Agent: {USER_AGENT}", "Content-Length: 30",
    }  # fmt: skip


@pytest.mark.parametrize("prefix", ["", "/gong", "/a%20b", "/a%2Fb", "/a%0D%0AX:y", "/%C3%A9"])
async def test_the_path_of_the_base_address_is_sent_as_it_was_given(prefix: str) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request_of(reader))
        writer.write(OK)

    async with server(serve) as base_url:
        await sent(base_url + prefix)
    assert seen[0].startswith(f"PATCH {prefix}/v2/tasks/7 HTTP/1.1\r\n".encode())


SAFE = {
    "https://us-1.api.gong.io": "", "https://us-1.api.gong.io/": "/", "https://us-1.api.gong.io/v2": "/v2",
    "https://us-1.api.gong.io/v2/": "/v2/", "https://proxy/gong": "", "https://us-1:8443": "", "http://localhost:80": "",
    "http://127.0.0.1": "", "http://127.0.0.2:1": "", "http://[::1]:80/": "/", "http://LOCALHOST": "",
    "https://api.gong.io//v2": "//v2",
}  # fmt: skip


@pytest.mark.parametrize(("given", "dropped"), SAFE.items(), ids=SAFE)
def test_a_safe_address_is_taken_without_its_tail(given: str, dropped: str) -> None:
    assert checked_base_url(given) == given.removesuffix(dropped)


UNSAFE = {
    "": "is not an address", "api.gong.io": "is not an address", "//api.gong.io": "is not an address",
    "ftp://localhost": "is not an address", "https://": "is not an address", "https:api.gong.io": "is not an address",
    "http://api.gong.io": "unencrypted: use https://", "http://10.0.0.1": "unencrypted", "http://0.0.0.0": "unencrypted",
    "http://localhost.evil.com": "unencrypted", "http://127.0.0.1.evil.com": "unencrypted", "http://2130706433": "unencrypted",
    "https://a?x=1": "has a query or fragment", "https://a#x": "has a query or fragment", "https://a:99999": "is not an address",
    "https://[::1": "is not an address",
    "https://api.gong.io?": "has a query or fragment", "https://api.gong.io/v2#": "has a query or fragment",
    "https://..": "is not an address", f"https://{'a' * 64}.com": "is not an address",
    "https://a b": "is not an address", "https://api.gong.io/ ": "is not an address", "https://a/\r\nX": "is not an address",
}  # fmt: skip


@pytest.mark.parametrize(("given", "says"), UNSAFE.items(), ids=UNSAFE)
def test_an_address_that_is_unsafe_or_none_is_refused(given: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        checked_base_url(given)


@pytest.mark.parametrize(
    "given",
    [
        "https://key:s3cr3t@a", "http://key:s3cr3t@a", "https://s3cr3t@a", "https://:s3cr3t@a", "key:s3cr3t@api.gong.io",
        "https://key:s3cr3t@[bad", "https://key:s3cr3t@a:port", "https://key:s3cr3t@a\u2100", "http://key:12/s3cr3t@a",
        "https://key:s3cr3t/more@a", "https://key:12/s3cr3t@a", "//key:s3cr3t@a", "https://key:s3cr3t@a?b#c", "s3cr3t@a",
    ],
)  # fmt: skip
def test_a_secret_in_an_address_is_refused_without_being_quoted(given: str) -> None:
    with pytest.raises(ValueError, match="base_url holds a user name or password") as caught:
        checked_base_url(given)
    assert "s3cr3t" not in shown(caught.value)


def session_that_signs() -> aiohttp.ClientSession:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # aiohttp 3.14 advises headers instead
        return aiohttp.ClientSession(auth=aiohttp.BasicAuth("somebody", "else"))


SESSIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "raise_for_status": {"raise_for_status": True},
    "other credentials as a header": {"headers": {"authorization": "Basic other", "X-Own": "1"}},
    "other base_url": {"base_url": "http://127.0.0.1:1/elsewhere/"},
    "own timeout": {"timeout": aiohttp.ClientTimeout(total=1e-9)},
    "cookies": {"cookies": {"a": "b"}},
}


@pytest.mark.parametrize("settings", SESSIONS.values(), ids=SESSIONS)
@pytest.mark.parametrize("status", [b"200", b"400", b"503"])
async def test_a_borrowed_session_keeps_its_settings_and_lends_its_connections(
    settings: dict[str, Any], status: bytes
) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request_of(reader))
        writer.write(OK.replace(b"200", status))

    async with server(serve) as base_url, aiohttp.ClientSession(**settings) as session:
        assert (await sent(base_url, session=session)).status == int(status)
        assert not session.closed
    assert seen[0].lower().count(b"\r\nauthorization:") == 1
    assert SIGNER.authorization.encode() in seen[0]


async def test_a_borrowed_session_with_credentials_of_its_own_is_a_clear_error() -> None:
    async with server(saying(OK)) as base_url, session_that_signs() as session:
        with pytest.raises(ClientStateError, match="session") as caught:
            await sent(base_url, session=session)
    assert_no_secret(shown(caught.value))


def test_a_borrowed_session_of_another_event_loop_is_a_clear_error() -> None:
    async def make() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    async def use(session: aiohttp.ClientSession) -> None:
        with pytest.raises(ClientStateError, match="event loop"):
            await sent("http://127.0.0.1:1", session=session)

    with asyncio.Runner() as first:
        session = first.run(make())
        try:
            with asyncio.Runner() as second:
                second.run(use(session))
        finally:
            first.run(session.close())


async def test_a_session_of_its_own_is_closed_and_a_closed_one_is_a_clear_error() -> None:
    async with opened("http://127.0.0.1:1") as transport:
        pass
    assert transport._session.closed
    async with aiohttp.ClientSession() as session:
        borrowing = AiohttpTransport(SIGNER, "http://127.0.0.1:1", max_response_bytes=1, session=session)
    for closed in (transport, borrowing):
        with pytest.raises(ClientStateError, match="The aiohttp session is closed"):
            await closed.send(PATCH, 1.0)


@pytest.mark.parametrize("seconds", [1e9, 1e300, math.inf])
async def test_any_length_of_timeout_can_be_given(seconds: float) -> None:
    async with server(saying(OK)) as base_url:
        assert (await sent(base_url, seconds)).status == 200


async def test_a_host_that_is_not_there_is_a_transport_error_without_secrets() -> None:
    error = await failed("http://nobody.invalid")
    assert error.retryable
    assert_no_secret(shown(error))


@pytest.mark.parametrize("value", [None, 7, b"s3cr3t"])
def test_what_is_not_text_is_refused_and_not_shown(value: Any) -> None:
    for make in (lambda: AccessKey("k", value), lambda: AccessKey(value, "s"), lambda: BearerToken(value)):
        with pytest.raises(ValueError, match="must be text, not ") as refused:
            make()
        assert "s3cr3t" not in str(refused.value)
