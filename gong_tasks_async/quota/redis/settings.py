"""What a shared quota is told when it is made: checked, and the server opened."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gong_tasks_async.errors import InvalidValueError
from gong_tasks_async.quota.redis.backend import Backend

if TYPE_CHECKING:
    from redis.asyncio import Redis


def open_server(url_or_client: str | Redis, company: str, timeout: float) -> Backend:
    """Make the connection, which is opened with the first step.

    Raises:
        ModuleNotFoundError: the extra ``redis`` is not installed.
        ValueError: the URL cannot be read.
    """
    try:
        from gong_tasks_async.quota.redis.redis_backend import RedisBackend  # noqa: PLC0415 - the extra may be missing
    except ModuleNotFoundError as error:
        error.add_note("RedisQuota needs the redis client: pip install 'gong_tasks_async[redis]'")
        raise
    return RedisBackend(url_or_client, company, timeout)


def check_settings(
    company: str, fail: str, local_share: float | None, outage_timeout: float, timeout: float
) -> None:
    """Refuse what makes no sense.

    Raises:
        ValueError: with all that is wrong.
    """
    problems = []
    if not company or set(company) & set("{}"):
        problems.append("company must be a name without braces")
    if fail not in {"closed", "local"}:
        problems.append(f'fail must be "closed" or "local", not {fail!r}')
    if (fail == "local") != (local_share is not None):
        problems.append('fail="local" and local_share belong together: the share must be chosen, such as 0.1')
    if local_share is not None and not 0 < local_share <= 1:
        problems.append(f"local_share must be more than 0 and at most 1, not {local_share}")
    if not outage_timeout >= 0:
        problems.append(f"outage_timeout must be 0 seconds or more, not {outage_timeout}")
    if not 0 < timeout < math.inf:
        problems.append(f"timeout must be more than 0 seconds and finite, not {timeout}")
    if problems:
        raise InvalidValueError("RedisQuota", problems)
