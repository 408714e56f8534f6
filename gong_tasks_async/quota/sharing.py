"""A warning where two open clients of one company each have a quota of their own, and so exceed the limit together."""

from __future__ import annotations

from collections.abc import Hashable
from weakref import WeakSet

from gong_tasks_async.events import logger
from gong_tasks_async.quota.base import Quota

_own_quotas: dict[Hashable, WeakSet[Quota]] = {}
_warned: set[Hashable] = set()


def warn_on_separate_quotas(quota: Quota, account: Hashable, host: str) -> None:
    """Note a quota that a client made for itself; warn once where another one is open for the same company."""
    company = (hash(account), host)
    others = _own_quotas.setdefault(company, WeakSet())
    if others and company not in _warned:
        _warned.add(company)
        logger.warning(
            "Two clients of %s with the same credentials each keep a quota of their own, and Gong's limit is for "
            "both together: make one LocalQuota and give it to each as quota=...",
            host,
        )
    others.add(quota)


def forget_separate_quota(quota: Quota) -> None:
    """Note that the client of a quota has been closed: another one after it exceeds nothing."""
    for quotas in _own_quotas.values():
        quotas.discard(quota)
