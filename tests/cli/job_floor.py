"""A company whose profile names the Redis of its jobs, and somebody who does these jobs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from click.testing import Result
from redis import Redis

from gong_tasks_async import AccessKey
from gong_tasks_async.distributed import Jobs, Progress, Worker
from gong_tasks_async.settings import ClientSettings
from tests.cli.company import Company
from tests.distributed_floor import ONCE, over, unlimited
from tests.redis_server import RedisServer

NAME = "acme"


class Floor:
    """The company, its Redis, and the commands about its jobs."""

    def __init__(self, company: Company, redis: RedisServer) -> None:
        self.company = company
        self.redis = redis
        place = Path(company.write("redis-url", redis.url))
        place.chmod(0o600)
        self.configure()

    def configure(self, **settings: object) -> None:
        usual = {"company": NAME, "redis_url": f"file:{self.company.folder / 'redis-url'}"}
        self.company.configure(**(usual | settings))

    def jobs(self, *line: str) -> Result:
        return self.company.invoke("jobs", *line)

    def submit(self, count: int, *line: str) -> Result:
        return self.jobs("submit", self.company.rows(count), "--yes", *line)

    def progress(self, name: str) -> Progress:
        async def asked() -> Progress:
            async with Jobs(self.redis.url, company=NAME) as jobs:
                return await jobs.job(name).progress()

        return asyncio.run(asked())

    def put(self, key: str, field: str, value: str) -> None:
        """Write into Redis as whoever else may write there."""
        with Redis(port=self.redis.port) as redis:
            redis.hset(f"{{gong-jobs:{NAME}}}:{key}", field, value)

    def give_up(self, name: str, number: int) -> None:
        """Damage a row of a job, which is then tried once."""
        self.put(f"jobs:{name}:rows", str(number), '{"v":2}')
        settings = self.stored(f"jobs:{name}", "settings")
        self.put(f"jobs:{name}", "settings", settings.replace('"row_attempts":5', '"row_attempts":1'))

    def stored(self, key: str, field: str) -> str:
        with Redis(port=self.redis.port, decode_responses=True) as redis:
            return str(redis.hget(f"{{gong-jobs:{NAME}}}:{key}", field))

    def done(self, name: str, **credentials: ClientSettings) -> Progress:
        """Have a worker do the job, and see how it ended."""
        return asyncio.run(self._done(name, credentials or {"default": self.settings()}))

    def settings(self, secret: str | None = None) -> ClientSettings:
        gong = self.company.gong
        key = AccessKey(gong.access_key, secret or gong.access_key_secret)
        return {"base_url": gong.base_url, "retry": ONCE, "credentials": key}

    async def _done(self, name: str, credentials: dict[str, ClientSettings]) -> Progress:
        url = self.redis.url
        async with (
            Jobs(url, company=NAME) as jobs,
            Worker(url, company=NAME, credentials=credentials, quota=unlimited) as worker,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(worker.run())
            end = await over(jobs.job(name))
            worker.stop()
        return end
