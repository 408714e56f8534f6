from __future__ import annotations

import asyncio
import gzip
import pickle
import shutil
import ssl
import subprocess
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses

from gong_tasks_async.api import endpoints
from gong_tasks_async.credentials import AccessKey
from gong_tasks_async.errors import DecodeError, GongError, TransportError
from gong_tasks_async.errors.meaning import Retries
from gong_tasks_async.http import responses
from gong_tasks_async.http.masking import Mask
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.transport import AiohttpTransport

KEY = AccessKey("AKEY7", "s3cr3t?>?of~~akey")
BASE64 = KEY.authorization.removeprefix("Basic ")
SIGNED = KEY.authorization.encode()
PATCH = HttpRequest("PATCH", "/v2/tasks/7", '{"userId":"1","priority":"é"}'.encode())
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server on loopback that reads each request and then does as it is told; hangs up afterwards."""

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve_one, "127.0.0.1", 0, ssl=tls)
    async with listening:
        yield f"http{'s' if tls else ''}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def request_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(len(PATCH.body or b""))


def saying(answer: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(answer)
        await writer.drain()

    return serve


@asynccontextmanager
async def opened(base_url: str, *, limit: int = 10_000, **settings: Any) -> AsyncIterator[AiohttpTransport]:
    transport = AiohttpTransport(KEY, base_url, max_response_bytes=limit, **settings)
    try:
        yield transport
    finally:
        await transport.close()


async def sent(base_url: str, timeout: float = 120.0, **settings: Any) -> HttpResponse:  # noqa: ASYNC109
    async with opened(base_url, **settings) as transport:
        return await transport.send(PATCH, timeout)


async def failed(base_url: str, timeout: float = 120.0, **settings: Any) -> TransportError:  # noqa: ASYNC109
    with pytest.raises(TransportError) as caught:
        await sent(base_url, timeout, **settings)
    return caught.value


def shown(error: BaseException) -> str:
    """All that anybody might log of an error, those behind it included."""
    behind = shown(error.__context__) if error.__context__ else ""
    return (
        "".join(traceback.format_exception(error))
        + repr(error)
        + repr(vars(error))
        + repr(error.args)
        + behind
    )


def assert_no_secret(text: str) -> None:
    for secret in (*KEY.secrets, BASE64.rstrip("="), BASE64.replace("/", "\\/").rstrip("=")):
        assert secret not in text


def answer(head: bytes, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 " + head + b"\r\n\r\n" + body


def sized(head: bytes, body: bytes) -> bytes:
    return answer(head + b"\r\nContent-Length: %d" % len(body), body)


def zipped(encoding: bytes, body: bytes) -> bytes:
    return sized(b"200 OK\r\nContent-Encoding: " + encoding, body)


CHUNKED = b"200 OK\r\nTransfer-Encoding: chunked"
HOSTILE: dict[str, bytes] = {
    "nothing": b"", "noise": b"\x00\xff" * 50, "no HTTP": b"hello", "TLS alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "half a head": b"HTTP/1.1 200 OK\r\n", "HTTP/2": b"HTTP/2 200 OK\r\n\r\n", "HTTP/9.9": b"HTTP/9.9 200 OK\r\n\r\n",
    "status 1000": answer(b"1000 X"), "status 99": answer(b"99 X"), "status 000": sized(b"000 X", b""),
    "status 999": sized(b"999 X", b"x"), "status word": answer(b"OK OK"), "bad length": answer(b"200 OK\r\nContent-Length: a"),
    "negative length": answer(b"200 OK\r\nContent-Length: -5"), "short body": answer(b"200 OK\r\nContent-Length: 9", b"{}"),
    "two lengths": answer(b"200 OK\r\nContent-Length: 2\r\nContent-Length: 3", b"{}"),
    "length and chunks": answer(CHUNKED + b"\r\nContent-Length: 2", b"0\r\n\r\n"),
    "huge length": answer(b"200 OK\r\nContent-Length: 99999999999999999999", b"{}"),
    "endless length": answer(b"200 OK\r\nContent-Length: " + b"9" * 5_000, b"{}"),
    "bad chunk": answer(CHUNKED, b"zz\r\n{}\r\n"), "cut chunk": answer(CHUNKED, b"5\r\n{}"),
    "huge chunk": answer(CHUNKED, b"f" * 20 + b"\r\n{}\r\n"), "no last chunk": answer(CHUNKED, b"2\r\n{}\r\n"),
    "bad trailer": answer(CHUNKED, b"2\r\n{}\r\n0\r\nBad trailer\r\n\r\n"), "bad gzip": zipped(b"gzip", b"abcd"),
    "cut gzip": zipped(b"gzip", gzip.compress(b"[" * 99)[:12]), "empty gzip": zipped(b"gzip", b""),
    "brotli": zipped(b"br", b"abcd"), "zstd": zipped(b"zstd", b"abcd"), "deflate": zipped(b"deflate", b"abcd"),
    "unknown coding": zipped(b"foo", b"abcd"), "101": answer(b"101 X\r\nUpgrade: x\r\nConnection: upgrade\r\nX: " + SIGNED),
    "100 alone": answer(b"100 Continue"), "199 alone": answer(b"199 X"), "204": answer(b"204 X"), "204 with a body": sized(b"204 X", b"{}"),
    "304": answer(b"304 X\r\nContent-Length: 20"), "302 to nowhere": sized(b"302 X\r\nLocation: http://[", b""),
    "long header": answer(b"200 OK\r\nX: " + b"a" * 99_999), "many headers": answer(b"200 OK" + b"\r\nX: a" * 20_000),
    "nul in header": answer(b"200 OK\r\nX: a\x00b"), "blank in name": answer(b"200 OK\r\nX a: b"), "bytes in header": sized(b"400 X\r\nX: \xff\xfe", b""),
    "odd cookie": sized(b"400 X\r\nSet-Cookie: \xff=;;=\x01; expires=z", b""), "odd type": sized(b"200 OK\r\nContent-Type: ;;;=", b"{}"),
    "digest": sized(b"401 X\r\nWWW-Authenticate: Digest realm=", b""), "secret as header": answer(b"200 OK\r\n" + SIGNED + b"\r\nA: b"),
    "secret as status": answer(b"x " + SIGNED), "secret without colon": answer(b"200 OK\r\nAuthorization " + SIGNED),
    "secret in half a head": b"HTTP/1.1 200 OK\r\nX: " + SIGNED + b"\r\n", "secret in a trailer": answer(CHUNKED, b"0\r\n" + SIGNED + b"\r\n\r\n"),
    "secret as a chunk": answer(CHUNKED, SIGNED + b"\r\n"), "secret as an answer": sized(b"200 OK", SIGNED),
    "secret as a message": sized(b"400 X\r\nX: " + SIGNED, b'{"errors":["' + SIGNED + b'", "' + KEY.access_key_secret.encode() + b'"]}'),
    "secret escaped": sized(b"400 X", b'{"errors":["' + SIGNED.replace(b"=", b"\\u003d").replace(b"/", b"\\/") + b'"]}'),
    "secret in a page": sized(b"502 X", b"<title>" + SIGNED + b"</title>"), "secret as an id": sized(b"500 X\r\nCF-Ray: " + SIGNED, b'{"requestId":"' + SIGNED + b'"}'),
}  # fmt: skip


@pytest.mark.parametrize("name", ["two lengths", "bad chunk", "nul in header", "blank in name", "HTTP/9.9"])
async def test_a_response_that_is_not_http_is_worth_one_more_try(name: str) -> None:
    async with server(saying(HOSTILE[name])) as base_url:
        with pytest.raises(TransportError) as caught:
            await sent(base_url)
    assert (caught.value.garbled, caught.value.retries) == (True, Retries.TWICE)


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE)
async def test_whatever_comes_is_an_answer_or_a_typed_error_without_secrets(said: bytes) -> None:
    async with server(saying(said)) as base_url:
        try:
            response = await sent(base_url)
            judged = responses.judge(response, PATCH)
            if isinstance(judged, HttpResponse):
                list(endpoints.read_tasks(judged))
                return
            error: GongError = judged
        except (TransportError, DecodeError) as caught:
            error = caught
    assert pickle.loads(pickle.dumps(error)).url == ""  # noqa: S301 - our own bytes
    assert_no_secret(shown(error))
    assert len(str(error)) < 2_000


def shown_judgement(response: HttpResponse) -> str:
    judged = responses.judge(response, PATCH)
    return repr(judged) if isinstance(judged, HttpResponse) else shown(judged)


@pytest.mark.parametrize("status", [b"200 OK", b"400 X"])
async def test_a_body_is_left_as_it_came_and_what_is_shown_of_it_is_masked(status: bytes) -> None:
    body = b'{"errors":["' + SIGNED + b'"],"tasks":[]}'
    async with server(saying(sized(status, body))) as base_url:
        response = await sent(base_url)
    assert response.body == body
    assert_no_secret(repr(response) + shown_judgement(response))


async def test_one_connection_serves_many_calls() -> None:
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while True:
            await request_of(reader)
            writer.write(OK)

    async with server(serve) as base_url, opened(base_url) as transport:
        for _ in range(5):
            assert (await transport.send(PATCH, 120.0)).status == 200
    assert len(connections) == 1


async def aborts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)
    writer.transport.abort()


async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)
    writer.write(answer(b"200 OK\r\nContent-Length: 9", b"{"))
    await reader.read()  # until the client hangs up
    await reader.read()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)
    writer.write(answer(b"200 OK\r\nContent-Length: 9999"))
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)  # the fault itself: a byte now and then


@pytest.mark.parametrize(
    ("serve", "reason"),
    [(aborts, "ServerDisconnected|ConnectionReset|ClientOSError"), (stalls, "timed out|Timeout"), (drips, "timed out|Timeout")],
    ids=["aborted", "stalled", "dripping"],
)  # fmt: skip
async def test_an_answer_that_does_not_come_is_worth_another_try(serve: Serve, reason: str) -> None:
    async with server(serve) as base_url:
        error = await failed(base_url, 120.0 if serve is aborts else 0.15)
    assert error.retryable
    assert any(word in error.reason for word in reason.split("|"))
    assert error.__context__ is None


async def test_a_refused_connection_is_worth_another_try_and_an_untrusted_one_is_not(tmp_path: Path) -> None:
    async with server(aborts) as base_url:
        pass
    assert (await failed(base_url)).retryable
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("no openssl here to make a certificate that nobody trusts")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-keyout",
        key,
        "-out",
        certificate,
    ]
    subprocess.run([openssl, *made, *names], check=True, capture_output=True)  # noqa: ASYNC221, S603 - before the test begins
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with server(saying(OK), tls) as base_url:
        error = await failed(base_url)
    assert not error.retryable
    assert "certificate" in str(error).lower()


SIZES = [(100, 99, True), (100, 100, False), (101, 100, True), (0, 1, False), (10**6, 1_000, True)]


@pytest.mark.parametrize("kind", ["plain", "gzip", "chunked", "to the end"])
@pytest.mark.parametrize(("size", "limit", "cut"), SIZES)
async def test_no_more_is_kept_than_allowed_counted_unpacked(
    kind: str, size: int, limit: int, cut: bool
) -> None:
    body = b" " * size
    said = {
        "plain": sized(b"200 OK", body),
        "gzip": zipped(b"gzip", gzip.compress(body)),
        "chunked": answer(CHUNKED, (b"%x\r\n%b\r\n" % (size, body) if size else b"") + b"0\r\n\r\n"),
        "to the end": answer(b"200 OK", body),
    }[kind]
    async with server(saying(said)) as base_url:
        response = await sent(base_url, limit=limit)
    assert (len(response.body), response.truncated) == (min(size, limit), cut)


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with server(saying(OK)) as base_url:
        assert (await sent(base_url)).status == 200


@pytest.mark.parametrize("status", [302, 307, 401, 503])
async def test_an_answer_is_handed_up_as_it_is(status: int, gong_aioresponses: aioresponses) -> None:
    gong_aioresponses.patch(
        "https://api.gong.io/v2/tasks/7", status=status, body=b"<p>", headers={"Location": "https://x/"}
    )
    async with aiohttp.ClientSession() as session:
        response = await sent("https://api.gong.io", session=session)
    assert (response.status, response.body) == (status, b"<p>")


async def test_a_cancelled_call_hangs_up_and_leaves_the_transport_usable() -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        if arrived.is_set():
            writer.write(OK)
            return
        arrived.set()
        await reader.read()
        gone.set()

    async with server(serve) as base_url, opened(base_url) as transport:
        call = asyncio.create_task(transport.send(PATCH, 120.0))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(gone.wait(), 120.0)
        assert (await transport.send(PATCH, 120.0)).status == 200


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"compress", b"gzip, br"])
async def test_an_encoding_that_was_not_asked_for_is_an_error_at_once(encoding: bytes) -> None:
    async with server(saying(zipped(encoding, b"\x0b\x01\x80{}\x03"))) as base_url:
        error = await failed(base_url)
    assert f"packed as '{encoding.decode()}', which was not asked for" in error.reason
    assert (error.retryable, error.connected) == (False, True)


@pytest.mark.parametrize(("key", "secret"), [("k", "s"), ("a", "4"), ("ab", "al0")])
async def test_very_short_credentials_leave_request_ids_readable(key: str, secret: str) -> None:
    mask = Mask()
    mask.add(AccessKey(key, secret).secrets)
    assert mask.conceal("4al018gzaztcr8nbukw") == "4al018gzaztcr8nbukw"
    assert mask.conceal(f'the secret "{secret}", and {secret}.') == 'the secret "***", and ***.'
