"""The socket: one request out, one answer read to its end. The only importer of aiohttp's client."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from io import BytesIO
from ipaddress import ip_address
from typing import Protocol, TypeAlias

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from gong_tasks_async.credentials import Credentials
from gong_tasks_async.errors import ClientStateError, GongError, TransportError
from gong_tasks_async.http.messages import JSON, HttpRequest, HttpResponse
from gong_tasks_async.http.timeouts import Timeouts

Session: TypeAlias = aiohttp.ClientSession

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=15.0)
"""Seconds for a new connection; the whole request is limited by :class:`TimeLimits`."""
LONGEST_REASON = 300
OK = 200
LARGE = 2**20
"""Bytes of an answer that is not searched in one go, since the event loop has others to serve."""
REMEMBERED_SECRETS = 8
"""Those of the credentials in use, and of the ones before."""
NOTHING = b"(?!)"
"""A pattern that is found nowhere; an empty one would be everywhere."""
USER_AGENT = "gong-tasks-async"


class Transport(Protocol):
    """One method between us and the network."""

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ASYNC109 - aiohttp's own timer
        """Send one request and read the whole answer, within ``timeout`` seconds.

        Raises:
            TransportError: no whole answer came.
        """

    @property
    def base_url(self) -> str:
        """Where requests go."""

    def use(self, credentials: Credentials, base_url: str | None = None) -> None:
        """Sign with these from now on, and send to this address, where one is given."""

    async def close(self) -> None:
        """Let go of what was opened."""


def checked_base_url(base_url: str) -> str:
    """The address of a company's Gong, refused where credentials would not be safe or could not arrive.

    Raises:
        ValueError: not http(s), not encrypted although not loopback, or with parts that do not belong there.
    """
    if "@" in base_url:  # not quoted back: it may be a secret
        raise ValueError("base_url holds a user name or password: give credentials=AccessKey(...) instead")
    url = _parsed(base_url)
    if url is None or url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"base_url {base_url!r} is not an address such as 'https://us-12345.api.gong.io'")
    if "?" in base_url or "#" in base_url:
        raise ValueError(f"base_url {base_url!r} has a query or fragment: leave it out")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise ValueError(f"base_url {base_url!r} would send credentials unencrypted: use https://")
    return base_url.rstrip("/").removesuffix("/v2").rstrip("/")


def _parsed(base_url: str) -> URL | None:
    """The address, if it is one that a connection can be made to."""
    if " " in base_url or not base_url.isprintable():
        return None
    try:
        url = URL(base_url)
        (url.host or "").encode("idna")
    except ValueError:  # UnicodeError is one
        return None
    else:
        return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class AiohttpTransport:
    """Sends over one aiohttp session, its own or a borrowed one; closes only its own.

    Redirects are not followed: aiohttp would turn a POST into a GET and drop the credentials. Environment
    proxies and netrc are not read, cookies not kept, certificates verified. A session that you lend brings its
    own settings for these, except redirects.

    ``hide_in_success`` is False where a 200 is read for its secrets, and never quoted.
    """

    def __init__(
        self,
        credentials: Credentials | None,
        base_url: str,
        *,
        max_response_bytes: int,
        session: Session | None = None,
        hide_in_success: bool = True,
    ) -> None:
        self._hide_in_success = hide_in_success
        self._known: tuple[str, ...] = ()
        self._send_to(base_url)
        if credentials is not None:
            self.use(credentials)
        self._max_response_bytes = max_response_bytes
        self._owns_session = session is None
        self._session = session or _own_session()
        self._time_limits = Timeouts()

    @property
    def base_url(self) -> str:
        """Where requests go."""
        return self._base_url

    def use(self, credentials: Credentials, base_url: str | None = None) -> None:
        """Sign with these from now on; see :class:`Transport`."""
        if base_url is not None:
            self._send_to(base_url)
        # aiohttp copies its own kind of mapping, with its own kind of keys, fastest.
        self._headers = CIMultiDict(
            {
                hdrs.AUTHORIZATION: credentials.authorization,
                hdrs.CONTENT_TYPE: JSON,
                hdrs.ACCEPT: JSON,
                hdrs.USER_AGENT: USER_AGENT,
            }
        )
        # Those of before stay hidden too: an answer that repeats them may still be under way.
        self._known = (*filter(None, credentials.secrets), *self._known)[:REMEMBERED_SECRETS]
        self._hidden = re.compile(b"|".join(map(_in_any_spelling, self._known)) or NOTHING)
        self._secrets = tuple(map(str.encode, self._known))

    def _send_to(self, base_url: str) -> None:
        self._base_url = base_url
        self._base = URL(base_url)
        self._prefix = self._base.raw_path.rstrip("/")

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ASYNC109 - the protocol's
        """Send one request; see :class:`Transport`."""
        limit = self._time_limits.begin(timeout)
        try:
            async with limit:
                return await self._exchange(request)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            failure: GongError = self._failure(error)
        except (ValueError, RuntimeError) as error:
            failure = self._session_failure(error)
        finally:
            self._time_limits.end(limit)
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
            headers=self._headers
            if request.content_type is JSON
            else {**self._headers, hdrs.CONTENT_TYPE: request.content_type},
            allow_redirects=False,
            raise_for_status=False,
            timeout=TIMEOUT,
        )
        # Read to its end, an answer gives its connection back by itself; `async with` would do so a second time.
        try:
            body, truncated = await self._read(answer)
        except BaseException:
            answer.close()
            raise
        headers: Mapping[str, str] = answer.headers
        if len(body) > LARGE:
            tells_a_secret = await self._found_in_large(body)
        else:
            tells_a_secret = any(map(body.__contains__, self._secrets))
        if answer.status != OK or (tells_a_secret and self._hide_in_success):
            body, headers = self._without_secrets(body, headers)
        return HttpResponse(answer.status, headers, body, truncated)

    async def _found_in_large(self, body: bytes) -> bool:
        """Whether a secret stands in a long answer; a short one may cost nearly a millisecond a megabyte."""
        for start in range(0, len(body), LARGE):
            ends = ((secret, start + LARGE + len(secret)) for secret in self._secrets)
            if any(body.find(secret, start, end) >= 0 for secret, end in ends):
                return True
            await asyncio.sleep(0)
        return False

    async def _read(self, answer: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        """The body, and whether it was cut where it grew too long. Sizes are counted after decompression."""
        limit = self._max_response_bytes
        announced = answer.headers.get(hdrs.CONTENT_LENGTH, "")
        short = announced.isdecimal() and int(announced) <= min(limit, LARGE)
        if short and hdrs.CONTENT_ENCODING not in answer.headers:
            return await answer.read(), False
        body = BytesIO()  # aiohttp would join the chunks of a long answer in one go, which holds the loop
        async for chunk in answer.content.iter_any():
            body.write(chunk)
            if body.tell() > limit:
                answer.close()  # the rest is not wanted, so the connection cannot be used again
                return body.getvalue()[:limit], True
        return body.getvalue(), False

    def _failure(self, error: Exception) -> TransportError:
        said = self._said(error) or ("timed out" if isinstance(error, TimeoutError) else "")
        reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
        permanent = isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.InvalidURL)
        return TransportError(reason=reason, retryable=not permanent)

    def _session_failure(self, error: Exception) -> ClientStateError:
        """A session that is closed, that signs requests itself, or that was made in another event loop."""
        if self._session.closed:
            return ClientStateError(
                reason="The aiohttp session is closed: keep it open as long as the client."
            )
        return ClientStateError(
            reason="The aiohttp session cannot send this: lend one without auth, made in the running event loop "
            f"({self._said(error)})."
        )

    def _said(self, error: Exception) -> str:
        """An exception's own words, on one line, without secrets: some quote what was received or sent."""
        said = self._hidden.sub(b"***", str(error).encode("utf-8", "replace")).decode("utf-8", "replace")
        return " ".join(said.split())[:LONGEST_REASON]

    def _without_secrets(self, body: bytes, headers: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
        """A refusal as it may be shown: some servers repeat the credentials in it."""
        shown = {
            name: self._hidden.sub(b"***", value.encode("utf-8", "surrogateescape")).decode(
                "utf-8", "replace"
            )
            for name, value in headers.items()
        }
        return self._hidden.sub(b"***", body), shown


def _own_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


def _in_any_spelling(secret: str) -> bytes:
    """A pattern for a text, also where JSON or an address has escaped it, and each of them some letters only."""
    return b"".join(
        rb"(?:\\?%b|(?i:\\u%04x|%%%02x))" % (re.escape(letter.encode()), ord(letter), ord(letter))
        for letter in secret
    )
