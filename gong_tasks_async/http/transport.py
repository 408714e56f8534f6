"""The network: send one request over aiohttp, and read one response to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from io import SEEK_END, BytesIO
from typing import Any, Final, Protocol, TypeAlias

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from gong_tasks_async.credentials import Credentials, MaskedText
from gong_tasks_async.errors import ClientStateError, GongError, ProxyError
from gong_tasks_async.http.addresses import Proxy, environment_proxy
from gong_tasks_async.http.body import CodingError, decoder
from gong_tasks_async.http.connector import FreshConnector, fresh_options
from gong_tasks_async.http.failures import error_text, failure_of
from gong_tasks_async.http.masking import Mask
from gong_tasks_async.http.messages import JSON, HttpRequest, HttpResponse
from gong_tasks_async.http.network import DIRECT, NetworkSettings
from gong_tasks_async.http.time_limits import TimeLimits

Session: TypeAlias = aiohttp.ClientSession

TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=15.0)
"""Seconds for a new connection; :meth:`Transport.send` limits the whole request."""
MAX_ERROR_BYTES: Final = 64 * 2**10
"""Bytes that are read of a response other than a 2xx: Gong's errors are short, other pages are worth no more."""
MAX_DIGITS: Final = 6
"""Digits of a Content-Length below which aiohttp may join the body in one go, without holding the event loop."""


class Transport(Protocol):
    """One method between this library and the network."""

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ASYNC109 - a limit for each request
        """Send one request and read the whole response, within ``timeout`` seconds.

        Raises:
            TransportError: no whole response came.
        """
        ...

    @property
    def base_url(self) -> str:
        """Where requests go."""
        ...

    def use(self, credentials: Credentials, base_url: str | None = None) -> None:
        """Sign with these from now on, and send to this address, where one is given."""

    async def close(self) -> None:
        """Close what was opened."""


class AiohttpTransport:
    """Sends over one aiohttp session, its own or a borrowed one; closes only its own.

    Redirects are not followed: aiohttp would turn a POST into a GET and drop the credentials. netrc is not read, cookies
    are not kept, certificates are verified. A borrowed session brings its own settings for these, except redirects.
    """

    def __init__(
        self,
        credentials: Credentials | None,
        base_url: str,
        *,
        max_response_bytes: int,
        session: Session | None = None,
        network: NetworkSettings = DIRECT,
    ) -> None:
        self._mask = Mask()
        self._time_limits = TimeLimits()
        self._max_response_bytes = max_response_bytes
        self._owns_session = session is None
        # aiohttp copies a session's headers at once and a request's one by one; it sends the former to a proxy too.
        self._session = session or open_session(_usual_headers(network))
        self._network = network
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._all_headers: CIMultiDict[str] = CIMultiDict()
        self._send_to(base_url)
        if credentials is not None:
            self.use(credentials)

    @property
    def base_url(self) -> str:
        """Where requests go."""
        return self._base_url

    def use(self, credentials: Credentials, base_url: str | None = None) -> None:
        """Sign with these from now on; see :class:`Transport`."""
        if base_url is not None:
            self._send_to(base_url)
        # aiohttp copies its own kind of mapping, with its own kind of keys, fastest.
        self._headers = CIMultiDict(self._sign_in)
        self._headers.update(
            {hdrs.AUTHORIZATION: MaskedText(credentials.authorization), hdrs.CONTENT_TYPE: JSON}
        )
        self._all_headers = CIMultiDict(self._headers)
        self._all_headers.update(_usual_headers(self._network))
        self._mask.add(credentials.secrets)

    def _send_to(self, base_url: str) -> None:
        self._base_url = base_url
        self._base = URL(base_url)
        self._prefix = self._base.raw_path.rstrip("/")
        self._proxy_failure: ProxyError | None = None
        proxy = self._proxy()
        self._options = self._session_options(proxy)
        # Through a tunnel aiohttp signs in to the proxy; without one, each request has to.
        self._sign_in: Mapping[str, str] = (
            {} if proxy is None or self._base.scheme == "https" else proxy.headers
        )

    def _proxy(self) -> Proxy | None:
        if self._network.proxy is not None or not self._owns_session:
            return self._network.proxy
        try:
            return environment_proxy(self._base_url)
        except ProxyError as failure:  # raised by the first request, which can name itself
            self._proxy_failure = failure
            return None

    def _session_options(self, proxy: Proxy | None) -> dict[str, Any]:
        """What each request of the session has in common, as aiohttp's keywords."""
        options: dict[str, Any] = {
            "allow_redirects": False,
            "raise_for_status": False,
            "timeout": TIMEOUT,
            "auto_decompress": False,  # aiohttp would unpack a bomb in pieces of any size
            "max_line_size": self._network.max_header_bytes,
            "max_field_size": self._network.max_header_bytes,
        }
        if proxy is not None:
            options |= {"proxy": proxy.url, "proxy_headers": proxy.headers}
            self._mask.add(proxy.secrets)
        if self._network.tls is not None:
            options["ssl"] = self._network.tls
        if not self._owns_session:
            options |= fresh_options(self._session)
        return options

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ASYNC109 - the protocol's
        """Send one request; see :class:`Transport`."""
        if self._proxy_failure is not None:
            raise ProxyError(reason=self._proxy_failure.reason)
        try:
            with self._time_limits.within(timeout):
                return await self._exchange(request)
        except (aiohttp.ClientError, OSError, CodingError) as error:  # TimeoutError is an OSError
            failure: GongError = failure_of(error, self._mask.conceal, proxy=self._options.get("proxy"))
        except (ValueError, RuntimeError) as error:
            failure = self._session_failure(error)
        # Raised outside the handler, since aiohttp's errors may carry the request's headers, and so the secret.
        raise failure

    async def close(self) -> None:
        """Close the session, unless it was borrowed."""
        if self._owns_session:
            await self._session.close()

    async def _exchange(self, request: HttpRequest) -> HttpResponse:
        url = self._base.with_path(self._prefix + request.path, encoded=True)
        answer = await self._session.request(
            request.method,
            url.with_query(request.query) if request.query else url,
            data=request.body,
            headers=self._headers_of(request),
            **self._options,
        )
        # Read to its end, an answer gives its connection back by itself; `async with` would do so a second time.
        try:
            body, truncated = await _read(answer, self._limit(answer.status, request))
        except BaseException:
            answer.close()
            raise
        framed = _is_framed(answer.headers)
        return HttpResponse(answer.status, answer.headers, body, truncated, framed, self._mask.conceal)

    def _headers_of(self, request: HttpRequest) -> CIMultiDict[str]:
        """The headers of a request, without those that our own session adds."""
        if request.headers or request.content_type is not JSON:
            headers = _beside(request.headers, self._all_headers)
            headers[hdrs.CONTENT_TYPE] = request.content_type
            return headers
        return self._headers if self._owns_session else self._all_headers

    def _limit(self, status: int, request: HttpRequest) -> int:
        """How many bytes of a response are read."""
        is_success = 200 <= status < 300  # noqa: PLR2004 - HTTP's range of successes
        limit = request.max_response_bytes if is_success else MAX_ERROR_BYTES
        return self._max_response_bytes if limit is None or limit > self._max_response_bytes else limit

    def _session_failure(self, error: Exception) -> ClientStateError:
        """A session that is closed, that signs requests itself, or that was made in another event loop."""
        if self._session.closed:
            return ClientStateError(
                reason="The aiohttp session is closed: keep it open as long as the client."
            )
        return ClientStateError(
            reason="The aiohttp session cannot send this: lend one without auth, made in the running event loop "
            f"({error_text(error, self._mask.conceal)})."
        )


async def _read(answer: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    """The body, unpacked, and whether it was cut where it grew too long."""
    announced = answer.headers.get(hdrs.CONTENT_LENGTH, "")
    is_short = announced.isdecimal() and len(announced) <= MAX_DIGITS and int(announced) <= limit
    if is_short and hdrs.CONTENT_ENCODING not in answer.headers:
        return await _read_short(answer), False
    unpacking = decoder(answer.headers.get(hdrs.CONTENT_ENCODING, ""))
    body = BytesIO()  # aiohttp would join the pieces of a long response in one go, which holds the loop
    async for chunk in answer.content.iter_any():
        for number, piece in enumerate(unpacking.feed(chunk)):
            room = limit - body.tell()
            body.write(memoryview(piece)[:room])
            if len(piece) > room:
                answer.close()  # the rest is not read, so the connection cannot be used again
                return body.getvalue(), True
            if number:
                await asyncio.sleep(0)
    unpacking.finish()
    return body.getvalue(), False


async def _read_short(answer: aiohttp.ClientResponse) -> bytes:
    """The body of a response within the limit.

    Not ``answer.read()``: a call that is broken off there leaves what has come in the variables of aiohttp's frames.
    """
    content = answer.content
    body = await content.readany()
    if content.at_eof():
        return body
    rest = BytesIO(body)
    del body
    rest.seek(0, SEEK_END)
    while not content.at_eof():
        rest.write(await content.readany())
    return rest.getvalue()


def _beside(further: Mapping[str, str], own: CIMultiDict[str]) -> CIMultiDict[str]:
    """Further headers and our own; whatever their case, none replaces ours, so that credentials cannot be changed."""
    headers = CIMultiDict(further)
    headers.update(own)
    return headers


def _is_framed(headers: Mapping[str, str]) -> bool:
    """Whether the response marks where its body ends."""
    return hdrs.CONTENT_LENGTH in headers or "chunked" in headers.get(hdrs.TRANSFER_ENCODING, "").lower()


def _usual_headers(network: NetworkSettings) -> dict[str, str]:
    """The headers of all requests; no secret is among them."""
    return {
        hdrs.ACCEPT: JSON,
        hdrs.ACCEPT_ENCODING: "gzip, deflate",
        hdrs.USER_AGENT: network.user_agent,
    }


def open_session(headers: Mapping[str, str] | None = None) -> aiohttp.ClientSession:
    """A session without cookies, netrc or stale connections, in the running event loop."""
    return aiohttp.ClientSession(
        connector=FreshConnector(), cookie_jar=aiohttp.DummyCookieJar(), headers=headers, trust_env=False
    )
