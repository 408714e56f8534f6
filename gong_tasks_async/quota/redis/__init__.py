"""One quota for many processes, kept in Redis or Valkey (extra ``redis``)."""

from gong_tasks_async.quota.redis.redis_quota import RedisQuota

__all__ = ["RedisQuota"]
