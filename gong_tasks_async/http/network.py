"""Settings of the way to Gong: the proxy, trusted certificates, limits of headers."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from os import PathLike
from typing import Final

from attrs import frozen

from gong_tasks_async._version import __version__
from gong_tasks_async.errors.checks import count_problem, described, refuse
from gong_tasks_async.errors.kinds import is_path
from gong_tasks_async.http.addresses import Proxy, checked_proxy, proxy_problem
from gong_tasks_async.http.tls import bundle_problem, trust

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


def network_problems(
    proxy: object = None,
    ca_bundle: object = None,
    max_header_bytes: object = MAX_HEADER_BYTES,
    app_name: object = None,
) -> Iterator[str | None]:
    """What is wrong with the settings of the network."""
    if proxy is not None:
        yield proxy_problem(proxy)
    if ca_bundle is not None:
        yield _bundle_problem(ca_bundle)
    yield count_problem("max_header_bytes", max_header_bytes)
    if app_name is not None and not (isinstance(app_name, str) and APP_NAME.fullmatch(app_name)):
        yield f"app_name must be a word such as 'acme-bot/2.1', not {described(app_name)}"


def _bundle_problem(ca_bundle: object) -> str | None:
    if is_path(ca_bundle):
        return bundle_problem(ca_bundle)
    return f"ca_bundle must be the path of a file or folder of certificates, not {described(ca_bundle)}"


def network_settings(
    proxy: str | None = None,
    ca_bundle: str | PathLike[str] | None = None,
    max_header_bytes: int = MAX_HEADER_BYTES,
    app_name: str | None = None,
) -> NetworkSettings:
    """Check the settings of the network.

    Raises:
        InvalidValueError: the proxy is no address or not supported, no certificate can be read, or a setting is out of
            range or of another type; all that is wrong is named at once.
    """
    refuse("network settings", network_problems(proxy, ca_bundle, max_header_bytes, app_name))
    return NetworkSettings(
        None if proxy is None else checked_proxy(proxy),
        None if ca_bundle is None else trust(ca_bundle),
        max_header_bytes,
        USER_AGENT if app_name is None else f"{app_name} {USER_AGENT}",
    )
