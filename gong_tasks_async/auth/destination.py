"""Where a credential may go: the one decision, asked wherever a base URL comes from data.

Data are the response of a token endpoint, a file of tokens, a job out of Redis. A base URL from code, the command
line, the environment or a configuration file that only the user can write is the user's own word.
"""

from __future__ import annotations

from collections.abc import Iterable

from yarl import URL

from gong_tasks_async.http.addresses import checked_base_url

GONG = "gong.io"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""For tests and the simulator: what is sent there does not leave the machine."""


def checked_destination(base_url: str, configured: Iterable[str] = ()) -> str:
    """Return a base URL from data as it may be used with credentials.

    Args:
        base_url: as the data have it.
        configured: the base URLs that the user has configured; the exact ones are allowed too.

    Raises:
        ValueError: it is neither Gong's (https, ``*.gong.io``), nor configured, nor this machine's.
    """
    checked = checked_base_url(base_url)
    if not may_receive_credentials(checked, configured):
        host = URL(checked).host
        raise ValueError(
            f"{host} is neither Gong's (*.gong.io) nor the configured host, and credentials are sent nowhere else"
        )
    return checked


def may_receive_credentials(base_url: str, configured: Iterable[str] = ()) -> bool:
    """Whether credentials may be sent to a base URL that :func:`checked_base_url` has passed."""
    url = URL(base_url)
    if _is_gong(url) or url.host in LOOPBACK:
        return True
    return any(_same_base(url, URL(checked_base_url(own))) for own in configured)


def _is_gong(url: URL) -> bool:
    host = (url.host or "").rstrip(".")
    return url.scheme == "https" and url.is_default_port() and (host == GONG or host.endswith(f".{GONG}"))


def _same_base(url: URL, own: URL) -> bool:
    return url.origin() == own.origin() and url.raw_path == own.raw_path
