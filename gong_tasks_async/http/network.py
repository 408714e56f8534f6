"""Settings of the way to Gong: the proxy, trusted certificates, limits of headers."""

from __future__ import annotations

import re
import ssl
from os import PathLike
from typing import Final

from attrs import frozen

from gong_tasks_async._version import __version__
from gong_tasks_async.http.addresses import Proxy, checked_proxy
from gong_tasks_async.http.tls import trust

MAX_HEADER_BYTES: Final = 64 * 2**10
"""Bytes of one header; sign-on proxies and content policies exceed aiohttp's 8,190."""
APP_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,60}(/[A-Za-z0-9!#$%&'*+.^_`|~-]{1,30})?")
"""A product and its version: https://www.rfc-editor.org/rfc/rfc9110#section-10.1.5 ."""
USER_AGENT: Final = f"gong-tasks-async/{__version__}"


@frozen
class NetworkSettings:
    """The way to Gong, for an own session and a borrowed one alike."""

    proxy: Proxy | None = None
    """None for the one of the environment; a borrowed session then keeps its own."""
    tls: ssl.SSLContext | None = None
    """None for the authorities that this machine trusts; ``SSL_CERT_FILE`` names others."""
    max_header_bytes: int = MAX_HEADER_BYTES
    user_agent: str = USER_AGENT


DIRECT: Final = NetworkSettings()


def network_settings(
    proxy: str | None = None,
    ca_bundle: str | PathLike[str] | None = None,
    max_header_bytes: int = MAX_HEADER_BYTES,
    app_name: str | None = None,
) -> NetworkSettings:
    """Check the settings of the network.

    Raises:
        ValueError: the proxy is no address or not supported, no certificate can be read, or a number is out of range.
    """
    if max_header_bytes < 1:
        raise ValueError(f"max_header_bytes must be at least 1, not {max_header_bytes}")
    if app_name is not None and not APP_NAME.fullmatch(app_name):
        raise ValueError(f"app_name must be a word such as 'acme-bot/2.1', not {app_name!r}")
    return NetworkSettings(
        None if proxy is None else checked_proxy(proxy),
        None if ca_bundle is None else trust(ca_bundle),
        max_header_bytes,
        USER_AGENT if app_name is None else f"{app_name} {USER_AGENT}",
    )
