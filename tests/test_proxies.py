"""The way to Gong: proxies, the environment that names them, and certificates."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
import traceback
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gong_tasks_async import (
    AccessKey,
    CredentialsError,
    GongTasksClient,
    InvalidValueError,
    Meaning,
    OAuthGrant,
    OAuthToken,
    ProxyError,
    TLSError,
    TransportError,
)
from gong_tasks_async.http.addresses import checked_proxy, environment_proxy
from gong_tasks_async.http.network import network_settings
from gong_tasks_async.http.tls import tls_problem
from tests.test_transport import KEY, OK, failed, opened, saying, sent, server, shown

USER = "http://ana:p%40ss@"
PAIR = b64encode(b"ana:p@ss")
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@asynccontextmanager
async def proxy(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy on loopback that gives one answer to everything: its address, and the heads of what it got."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()

    async with server(serve) as address:
        yield address, heads


def refusing(status: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % status


@pytest.mark.parametrize(
    ("status", "kind", "meaning"),
    [
        (b"407 Proxy Authentication Required", ProxyError, Meaning.RUN),
        (b"403 Forbidden", ProxyError, Meaning.RUN),
        (b"405 Method Not Allowed", ProxyError, Meaning.RUN),
        (b"502 Bad Gateway", TransportError, Meaning.LATER),
        (b"503 Service Unavailable", TransportError, Meaning.LATER),
    ],
)
async def test_a_tunnel_that_is_refused_is_one_typed_error(
    status: bytes, kind: type[TransportError], meaning: Meaning
) -> None:
    async with proxy(refusing(status)) as (address, heads):
        error = await failed("https://gong.example", network=network_settings(proxy=address))
    assert type(error) is kind
    assert (error.meaning, error.connected) == (meaning, False)
    assert error.retryable is (meaning is Meaning.LATER)
    assert f"the proxy {address} refused the tunnel: {status.decode()}" in error.reason
    assert heads[0].startswith(b"CONNECT gong.example:443 ")
    assert not isinstance(error, ProxyError) or (error.proxy, error.status) == (address, int(status[:3]))


async def test_a_407_of_a_proxy_without_a_tunnel_is_the_same_error_and_sent_once() -> None:
    async with (
        proxy(refusing(b"407 X")) as (address, heads),
        GongTasksClient(KEY, base_url="http://localhost", proxy=address) as gong,
    ):
        with pytest.raises(ProxyError, match="user and password") as caught:
            await gong.list_tasks("1")
    assert (caught.value.status, caught.value.attempts, len(heads)) == (407, 1, 1)


async def test_a_proxy_that_is_not_there_is_named_and_worth_another_attempt() -> None:
    async with proxy(b"") as (address, _):
        pass
    error = await failed("https://gong.example", network=network_settings(proxy=address))
    assert (type(error), error.connected, error.retryable) == (TransportError, False, True)
    assert f"the proxy {address}" in error.reason


async def all_that_is_shown(base_url: str, proxy: str) -> str:
    network = network_settings(proxy=proxy)
    del proxy  # this frame is shown too
    try:
        return repr((await sent(base_url, network=network)).headers)
    except TransportError as error:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
        return shown(error) + "".join(lines)


@pytest.mark.parametrize("base_url", ["http://localhost", "https://gong.example"])
async def test_a_proxy_s_password_reaches_the_proxy_and_nothing_else(base_url: str) -> None:
    async with proxy(refusing(b"418 " + PAIR)) as (address, heads):
        text = await all_that_is_shown(base_url, address.replace("http://", USER))
    assert b"proxy-authorization: basic " + PAIR.lower() in heads[0].lower()
    for secret in (PAIR.decode(), "p%40ss", "p@ss"):
        assert secret not in text


@pytest.mark.parametrize("password", ["12/p4ss", "12?p4ss", "12#p4ss", "12/p4ss@x"])
def test_a_password_that_looks_like_a_port_and_a_path_is_refused_without_it(password: str) -> None:
    with pytest.raises(ValueError, match="percent-encoded") as caught:
        network_settings(proxy=f"http://user:{password}@proxy.example:3128")
    assert "p4ss" not in str(caught.value)
    assert "12" not in str(caught.value).replace("3128", "")


async def test_a_call_goes_through_the_proxy_in_absolute_form() -> None:
    async with proxy(OK) as (address, heads):
        response = await sent("http://localhost:1/prefix", network=network_settings(proxy=address))
    assert response.status == 200
    assert heads[0].startswith(b"PATCH http://localhost:1/prefix/v2/tasks/7 ")


async def saved(_: OAuthGrant) -> None:
    """Keep nothing."""


@pytest.mark.parametrize("of_its_own", [True, False])
async def test_a_token_is_refreshed_through_its_own_proxy_or_the_client_s(of_its_own: bool) -> None:
    async with proxy(refusing(b"407 X")) as (address, heads):
        token = OAuthToken("id", "s3cr3t", "r3fr3sh", save=saved, proxy=address if of_its_own else None)
        others = "http://127.0.0.1:1" if of_its_own else address
        async with GongTasksClient(token, proxy=others) as gong:
            with pytest.raises(CredentialsError, match="proxy"):
                await gong.list_tasks("1")
    assert heads[0].startswith(b"CONNECT app.gong.io:443 ")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_environment_names_the_proxy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://ana:pw@proxy.example.com:3128/")
    found = environment_proxy("https://api.gong.io")
    assert found is not None
    assert found.url == "http://proxy.example.com:3128"
    assert "pw" not in repr(found)
    monkeypatch.setenv("NO_PROXY", "gong.io,example.org")
    assert environment_proxy("https://api.gong.io") is None


@pytest.mark.parametrize("base_url", ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:8080"])
def test_loopback_is_never_proxied(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    assert environment_proxy(base_url) is None


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "http://[", "http://ana:pw@", "ftp://x"])
async def test_an_environment_with_an_unusable_proxy_is_one_typed_error(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    error = await failed("https://gong.example")
    assert isinstance(error, ProxyError)
    assert "HTTPS_PROXY" in str(error)
    assert "pw" not in str(error)
    with pytest.raises(ValueError, match=r"proxy|proxies") as caught:
        GongTasksClient(KEY, proxy=proxy)
    assert "pw" not in str(caught.value)


def test_a_proxy_without_a_scheme_is_understood_as_curl_does() -> None:
    assert checked_proxy("proxy.example.com:3128").url == "http://proxy.example.com:3128"


async def test_a_borrowed_session_keeps_its_own_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    async with aiohttp.ClientSession() as session, opened("https://gong.invalid", session=session) as gong:
        assert "proxy" not in gong._options


async def test_netrc_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)

    async with server(serve) as base_url:
        await sent(base_url)
    assert KEY.authorization.encode() in seen[0]


OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="no openssl here to make a certificate")


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own making, and that certificate."""
    key, made = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(  # noqa: S603 - no input from outside
        [
            *(str(OPENSSL), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-keyout", str(key), "-out", str(made)),
            *("-subj", "/CN=gong", "-addext", f"subjectAltName={name}"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made, key)
    return context, made


@needs_openssl
async def test_an_unknown_authority_is_trusted_where_the_bundle_names_it(tmp_path: Path) -> None:
    context, made = certificate(tmp_path, "IP:127.0.0.1")
    async with server(saying(OK), context) as base_url:
        error = await failed(base_url)
        assert isinstance(error, TLSError)
        assert (error.problem, error.meaning, error.retryable) == ("unknown authority", Meaning.RUN, False)
        assert "ca_bundle=" in str(error)
        assert (await sent(base_url, network=network_settings(ca_bundle=made))).status == 200


@needs_openssl
async def test_a_certificate_of_another_host_is_named_so(tmp_path: Path) -> None:
    context, made = certificate(tmp_path, "DNS:gong.example")
    async with server(saying(OK), context) as base_url:
        error = await failed(base_url, network=network_settings(ca_bundle=made))
    assert isinstance(error, TLSError)
    assert error.problem == "wrong host"


async def test_https_to_a_port_without_tls_is_named_so_and_sent_once() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(refusing(b"400 Bad Request"))

    async with (
        server(serve) as plain,
        GongTasksClient(KEY, base_url=plain.replace("http://", "https://")) as gong,
    ):
        with pytest.raises(TLSError, match="does not speak TLS") as caught:
            await gong.list_tasks("1")
    assert (caught.value.problem, caught.value.attempts) == ("no tls", 1)


def broken_certificate(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


PROBLEMS: list[tuple[BaseException, str | None]] = [
    *((broken_certificate(code), "expired") for code in (9, 10)),
    *((broken_certificate(code), "wrong host") for code in (62, 64)),
    *((broken_certificate(code), "unknown authority") for code in (18, 19, 20, 21)),
    (broken_certificate(26), "tls"),
    (ssl.SSLError(1, "[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol"), "version"),
    (ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] alert"), "version"),
    (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "no tls"),
    (ssl.SSLError(1, "[SSL: RECORD_LAYER_FAILURE] record layer failure"), "no tls"),
    (ssl.SSLError(1, "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] alert"), "tls"),
    (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), None),
    (ConnectionResetError(104, "Connection reset by peer"), None),
    (TimeoutError(), None),
]


@pytest.mark.parametrize(("error", "problem"), PROBLEMS, ids=repr)
def test_each_failure_of_tls_has_its_problem_and_what_passes_has_none(
    error: BaseException, problem: str | None
) -> None:
    assert tls_problem(error) == problem


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_a_bundle_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bundle.pem")
    with pytest.raises(InvalidValueError, match="no regular file"):
        GongTasksClient(AccessKey("k", "s"), ca_bundle=tmp_path / "bundle.pem")


@pytest.mark.parametrize("content", [None, "no certificate", ""])
def test_a_bundle_without_certificates_is_refused_at_once(content: str | None, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(InvalidValueError, match=r"ca_bundle .*bundle\.pem"):
        GongTasksClient(AccessKey("k", "s"), ca_bundle=bundle)


@pytest.mark.parametrize("path", ["none.pem", "~nobody-of-this-name/none.pem", "\0"])
def test_a_bundle_that_cannot_be_read_is_named_with_all_else_that_is_wrong(path: str) -> None:
    for refused in (
        lambda: GongTasksClient(AccessKey("k", "s"), ca_bundle=path, max_header_bytes=0),
        lambda: OAuthToken("i", "s", "t", save=print, ca_bundle=path, proxy="ftp://proxy"),
    ):
        with pytest.raises(InvalidValueError) as caught:
            refused()
        assert len(caught.value.problems) == 2
        assert any(problem.startswith(f"ca_bundle {path!r}") for problem in caught.value.problems)


@pytest.mark.parametrize("number", [0, -1])
def test_a_limit_of_headers_that_makes_no_sense_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="max_header_bytes must be at least 1"):
        GongTasksClient(AccessKey("k", "s"), max_header_bytes=number)
