"""How a client can be set up: its keywords, its options, and what the environment says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypedDict

from attrs import frozen

from gong_tasks_async.credentials import AccessKey, BearerToken, Credentials
from gong_tasks_async.events import Event
from gong_tasks_async.quota import Lane, Quota, QuotaLimits
from gong_tasks_async.retry import RetryPolicy
from gong_tasks_async.transport import Session

DEFAULT_BASE_URL = "https://api.gong.io"

MAX_RESPONSE_BYTES = 256 * 2**20
"""Ten times an answer of 10,000 full tasks."""


class ClientSettings(TypedDict, total=False):
    """The keywords of :class:`GongTasksClient`, for :meth:`GongTasksClient.from_env`."""

    credentials: Credentials
    base_url: str
    limits: QuotaLimits
    retry: RetryPolicy
    quota: Quota | None
    session: Session | None
    on_event: Callable[[Event], None] | None
    max_response_bytes: int
    missing_is_empty: bool


@frozen
class Options:
    """What :meth:`GongTasksClient.with_options` changes."""

    retry: RetryPolicy
    lane: Lane | None = None
    timeout: float | None = None


class BulkSettings(TypedDict, total=False):
    """The keywords that all bulk methods of :class:`GongTasksClient` share.

    ``workers`` (8): how many changes may be under way at once. ``stop_after`` (5): rows in a row without a final
    answer that end the run. ``grace`` (5 with a journal, 0 without): seconds that a cancelled run gives to the requests under way.
    ``wait_for_day`` (False): sleep when the day's quota is spent, and go on by itself when it turns.
    """

    workers: int
    stop_after: int
    grace: float | None
    wait_for_day: bool


def credentials_from(environment: Mapping[str, str]) -> Credentials:
    """The credentials that the environment names.

    Raises:
        ValueError: there are none, half of them, or two kinds.
    """
    key, secret, token = (
        environment.get(name, "").strip()
        for name in ("GONG_ACCESS_KEY", "GONG_ACCESS_KEY_SECRET", "GONG_ACCESS_TOKEN")
    )
    if token and (key or secret):
        raise ValueError(
            "set either GONG_ACCESS_TOKEN, or GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET, not both"
        )
    if token:
        return BearerToken(token)
    if key and secret:
        return AccessKey(key, secret)
    raise ValueError(
        "set GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET, or GONG_ACCESS_TOKEN, in the environment"
    )
