"""What others answer in Gong's place: Cloudflare, proxies, portals, web servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from gong_tasks_async.simulator.faults import Fault

HTML: Final = "text/html; charset=UTF-8"


class Page(NamedTuple):
    """One response that is not Gong's."""

    status: int
    title: str
    headers: Mapping[str, str] = {}
    by_cloudflare: bool = True

    @property
    def body(self) -> bytes:
        """The page; none for a 204."""
        if self.status == 204:  # noqa: PLR2004 - No Content
            return b""
        footer = "<hr><center>cloudflare</center>\r\n" if self.by_cloudflare else ""
        return (
            f"<html>\r\n<head><title>{self.title}</title></head>\r\n<body>\r\n"
            f"<center><h1>{self.title}</h1></center>\r\n{footer}</body>\r\n</html>\r\n"
        ).encode()


VIA: Final = {"Via": "1.1 proxy.example.com (squid)"}

PAGES: Final[Mapping[Fault, Page]] = {
    Fault.BAD_GATEWAY: Page(502, "502 Bad Gateway"),
    Fault.UNAVAILABLE: Page(503, "503 Service Unavailable"),
    Fault.TOO_MANY_HTML: Page(429, "429 Too Many Requests"),
    Fault.FORBIDDEN_HTML: Page(403, "403 Forbidden"),
    Fault.CHALLENGE: Page(403, "Just a moment...", {"cf-mitigated": "challenge"}),
    Fault.ORIGIN_AWAY: Page(522, "Connection timed out"),
    Fault.PROXY_FORBIDDEN: Page(403, "Access denied by policy", VIA, by_cloudflare=False),
    Fault.PROXY_LOGIN: Page(
        407,
        "Cache Access Denied",
        {**VIA, "Proxy-Authenticate": 'Basic realm="proxy.example.com"'},
        by_cloudflare=False,
    ),
    Fault.PORTAL_REDIRECT: Page(
        302, "Found", {"Location": "https://login.example.com/?next=%2Fv2%2Ftasks"}, by_cloudflare=False
    ),
    Fault.PORTAL_PAGE: Page(200, "Sign in to the network", by_cloudflare=False),
    Fault.NOT_FOUND_HTML: Page(404, "404 Not Found", {"Server": "nginx"}, by_cloudflare=False),
    Fault.NO_CONTENT: Page(204, "", by_cloudflare=False),
}
