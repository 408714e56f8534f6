"""Tells when two clients of one company each keep a quota of their own, and so together exceed the limit."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar
from weakref import WeakSet

from gong_tasks_async.events import logger
from gong_tasks_async.quota.base import Quota

QuotaT = TypeVar("QuotaT", bound=Quota)

_own_quotas: dict[Hashable, WeakSet[Quota]] = {}
_warned: set[Hashable] = set()


def warn_on_separate_quotas(quota: QuotaT, account: Hashable, host: str) -> QuotaT:
    """Note a quota that a client made for itself; warn once where another is alive for the same company."""
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
    return quota
