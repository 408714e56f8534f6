"""Distributed jobs over Sentinel, as documented."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gong_tasks_async import QuotaLimits
from gong_tasks_async.distributed import Jobs
from gong_tasks_async.simulator import Simulator
from tests.distributed_floor import COMPANY, at_work, engine, over, updates_of
from tests.redis_server import RedisServer, require_redis

pytestmark = pytest.mark.usefixtures("patient_quota")


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[str]:
    """The URL of a server that Sentinel names."""
    require_redis()
    for name in ("master", "sentinel"):
        (tmp_path / name).mkdir()
    with RedisServer(tmp_path / "master") as master:
        watch = RedisServer(tmp_path / "sentinel")
        settings = watch.folder / "sentinel.conf"
        settings.write_text(f"sentinel monitor gong 127.0.0.1 {master.port} 1\n")
        watch.first = (str(settings), "--sentinel")
        with watch:
            yield f"redis+sentinel://127.0.0.1:{watch.port}/gong/0"


async def test_default_workers_run_behind_sentinel(sentinel: str) -> None:
    gong_engine = engine(6)
    async with (
        Simulator(gong_engine) as gong,
        Jobs(sentinel, company=COMPANY) as jobs,
        at_work(sentinel, gong, quota=None),
    ):
        job = await jobs.submit(updates_of(gong_engine))
        assert (await over(job)).updated == 6
        assert [found.job for found in await jobs.overview()] == [job.name]
        async with jobs.quota(QuotaLimits()) as quota:  # that of the workers
            assert (await quota.snapshot()).used == 6
