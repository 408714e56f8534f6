"""Check the addresses that requests and credentials go to, and find the proxy on the way."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.request import getproxies, proxy_bypass

from attrs import field, frozen
from yarl import URL

from gong_tasks_async.credentials import MaskedText
from gong_tasks_async.errors import ProxyError
from gong_tasks_async.errors.checks import described

PROXY_SCHEMES = frozenset({"http", "https"})
PROXY_EXAMPLE = "'http://user:password@proxy.example.com:3128'"


def checked_base_url(base_url: str) -> str:
    """The address of a company's Gong, refused where credentials would not be safe or could not arrive.

    Raises:
        ValueError: not http(s), not encrypted although not loopback, or with parts that do not belong there.
    """
    if problem := base_url_problem(base_url):
        raise ValueError(problem)
    return base_url.rstrip("/").removesuffix("/v2").rstrip("/")


def base_url_problem(base_url: object, name: str = "base_url") -> str | None:
    """An address to which credentials may be sent."""
    if not isinstance(base_url, str):
        return f"{name} must be text such as 'https://us-12345.api.gong.io', not {described(base_url)}"
    if "@" in base_url:  # not quoted back: it may be a secret
        return f"{name} holds a user name or password: give credentials=AccessKey(...) instead"
    url = _parsed(base_url)
    if url is None or url.scheme not in {"http", "https"} or not url.host:
        return f"{name} {base_url!r} is not an address such as 'https://us-12345.api.gong.io'"
    if "?" in base_url or "#" in base_url:
        return f"{name} {base_url!r} has a query or fragment: leave it out"
    if url.scheme == "http" and not _is_loopback(url.host):
        return f"{name} {base_url!r} would send credentials unencrypted: use https://"
    return None


@frozen
class Proxy:
    """A proxy that requests go through."""

    url: str
    """Its address, without user and password."""
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    """What signs in to it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that must never be shown."""
        return tuple(value.removeprefix("Basic ") for value in self.headers.values())


def checked_proxy(proxy: str) -> Proxy:
    """The proxy at an address such as ``http://user:password@proxy.example.com:3128``.

    Raises:
        ValueError: it is not an address, or of a kind that is not supported; a password in it is not quoted.
    """
    if problem := proxy_problem(proxy):
        raise ValueError(problem)
    url = URL(_with_scheme(proxy))
    bare = str(url.origin())
    if url.user is None:
        return Proxy(bare)
    pair = b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
    return Proxy(bare, {"Proxy-Authorization": MaskedText(f"Basic {pair}")})


def proxy_problem(proxy: object) -> str | None:
    """The address of a proxy; it is not quoted back, since it may hold a password."""
    if not isinstance(proxy, str):
        return f"the proxy must be text such as {PROXY_EXAMPLE}, not {type(proxy).__name__}"
    url = _parsed(_with_scheme(proxy))
    # Behind a slash in a password, the rest of it, and the host, look like a path, and the password like a host's port.
    if url is None or not url.host or "@" in url.raw_path_qs + url.raw_fragment:
        return f"the proxy is not an address such as {PROXY_EXAMPLE}, with special characters in the password percent-encoded"
    if url.scheme not in PROXY_SCHEMES:
        return f"{url.scheme}:// proxies are not supported, only http:// and https://"
    return None


def _with_scheme(proxy: str) -> str:
    return proxy if "://" in proxy else f"http://{proxy}"


def environment_proxy(base_url: str) -> Proxy | None:
    """The proxy that the environment (or the system) names for an address; loopback is never proxied.

    netrc is not read: aiohttp's ``trust_env`` would send its passwords to Gong.

    Raises:
        ProxyError: it is not an address, or of a kind that is not supported.
    """
    url = URL(base_url)
    host = url.host or ""
    known = getproxies()
    proxy = known.get(url.scheme) or known.get("all")
    if not proxy or _is_loopback(host) or proxy_bypass(host):
        return None
    try:
        return checked_proxy(proxy)
    except ValueError as problem:
        reason = f"{problem}; the environment names it in {url.scheme.upper()}_PROXY or ALL_PROXY"
        raise ProxyError(reason=reason) from None


def _parsed(address: str) -> URL | None:
    """The address, if it is one that a connection can be made to."""
    if " " in address or not address.isprintable():
        return None
    try:
        url = URL(address)
        (url.host or "").encode("idna")
        url.origin()
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
