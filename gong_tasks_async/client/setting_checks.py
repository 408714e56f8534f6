"""What is wrong with the settings of a client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gong_tasks_async.auth.oauth import OAuthToken
from gong_tasks_async.errors.checks import count_problem, described, flag_problem, kind_problem
from gong_tasks_async.errors.kinds import is_mapping
from gong_tasks_async.events import callback_problem
from gong_tasks_async.http.addresses import base_url_problem
from gong_tasks_async.http.network import network_problems
from gong_tasks_async.http.retry import RetryPolicy
from gong_tasks_async.http.transport import Session
from gong_tasks_async.quota import QuotaLimits


def setting_problems(settings: Mapping[str, Any]) -> Iterator[str | None]:
    """What is wrong with all settings of a client."""
    yield _credentials_problem(settings["credentials"])
    yield base_url_problem(settings["base_url"])
    yield kind_problem("limits", settings["limits"], QuotaLimits, "QuotaLimits(...)")
    yield kind_problem("retry", settings["retry"], RetryPolicy, "a RetryPolicy(...)")
    yield _quota_problem(settings["quota"])
    yield kind_problem("session", settings["session"], Session, "an aiohttp.ClientSession", or_none=True)
    yield callback_problem(settings["on_event"])
    yield count_problem("max_response_bytes", settings["max_response_bytes"])
    yield flag_problem("missing_is_empty", settings["missing_is_empty"])
    yield flag_problem("strict", settings["strict"])
    yield from network_problems(
        settings["proxy"], settings["ca_bundle"], settings["max_header_bytes"], settings["app_name"]
    )
    yield _headers_problem(settings["headers"])


def _credentials_problem(value: object) -> str | None:
    """Credentials, or a function that gives them; a wrong value may be a secret and is not shown."""
    if isinstance(value, OAuthToken) or callable(value) or hasattr(value, "authorization"):
        return None
    kind = type(value).__name__
    return f"credentials must be an AccessKey, a BearerToken, an OAuthToken or a function, not {kind}"


def _quota_problem(value: object) -> str | None:
    if value is None or all(hasattr(value, name) for name in ("acquire", "release", "pause")):
        return None
    return f"quota must be a quota such as LocalQuota(...), not {described(value)}"


def _headers_problem(value: object) -> str | None:
    if value is None or callable(value):
        return None
    if not is_mapping(value):
        return f"headers must be a mapping of names to texts, or a function, not {type(value).__name__}"
    texts = all(isinstance(text, str) for pair in value.items() for text in pair)
    return None if texts else "headers must have texts as names and values"
