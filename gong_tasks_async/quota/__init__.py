"""Rate limiting: lanes, a gate, a pace and a day's budget for all calls to one company's Gong."""

from gong_tasks_async.quota.base import Permit, Quota, QuotaEstimate, QuotaSnapshot, WaitReason
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.local.local_quota import LocalQuota
from gong_tasks_async.quota.sharing import warn_on_separate_quotas
from gong_tasks_async.quota.unlimited import Unlimited

__all__ = [
    "Lane",
    "LocalQuota",
    "Permit",
    "Quota",
    "QuotaEstimate",
    "QuotaLimits",
    "QuotaSnapshot",
    "Unlimited",
    "WaitReason",
    "warn_on_separate_quotas",
]
