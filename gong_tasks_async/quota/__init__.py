"""May I go now? Lanes, a gate, slots, a pace and a day's budget, for everybody who calls the same company's Gong."""

from gong_tasks_async.quota.base import Lane, Quota, QuotaEstimate, QuotaLimits, QuotaSnapshot, Turn
from gong_tasks_async.quota.local.local_quota import LocalQuota
from gong_tasks_async.quota.sharing import note_own_quota
from gong_tasks_async.quota.unlimited import Unlimited

__all__ = [
    "Lane",
    "LocalQuota",
    "Quota",
    "QuotaEstimate",
    "QuotaLimits",
    "QuotaSnapshot",
    "Turn",
    "Unlimited",
    "note_own_quota",
]
