"""May I go now? Lanes, a gate, slots and a pace, for everybody who calls the same company's Gong."""

from gong_tasks_async.quota.limits import Lane, Quota, QuotaLimits, Turn
from gong_tasks_async.quota.local import LocalQuota, Unlimited

__all__ = ["Lane", "LocalQuota", "Quota", "QuotaLimits", "Turn", "Unlimited"]
