"""Workers on the event loops that there are: without signal handlers, outside the main thread, one after another."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable

import pytest

from gong_tasks_async.distributed import Jobs, Worker, run_worker
from gong_tasks_async.simulator import Simulator
from tests.distributed_floor import (
    COMPANY,
    PATIENCE,
    engine,
    memory,
    over,
    settings_of,
    unlimited,
    updates_of,
)


class LoopOfWindows(asyncio.SelectorEventLoop):
    """It has no signal handlers, as the loops of Windows."""

    def add_signal_handler(self, *_: object) -> None:
        raise NotImplementedError

    def remove_signal_handler(self, _: int) -> bool:
        raise NotImplementedError


async def work_until_signalled(stop: Callable[[Worker], object]) -> int:
    url, gong_engine = memory(), engine(4)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        known = {"default": settings_of(gong)}
        worker = Worker(url, company=COMPANY, credentials=known, quota=unlimited)
        running = asyncio.create_task(run_worker(worker))
        progress = await over(await jobs.submit(updates_of(gong_engine)))
        stop(worker)
        async with asyncio.timeout(PATIENCE):
            await running
    return progress.updated


@pytest.mark.parametrize("loop", [asyncio.SelectorEventLoop, LoopOfWindows])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_each_signal_ends_a_worker_on_each_loop(
    name: str, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(work_until_signalled(lambda _: signal.raise_signal(number))) == 4
    assert signal.getsignal(number) == before


def test_a_worker_outside_the_main_thread_is_ended_by_its_owner() -> None:
    done: list[int] = []

    def work() -> None:
        with asyncio.Runner(loop_factory=LoopOfWindows) as runner:
            done.append(runner.run(work_until_signalled(lambda worker: worker.stop())))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert done == [4]


def test_one_loop_for_each_job_brings_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def job(url: str) -> int:
        gong_engine = engine(2)
        async with (
            Simulator(gong_engine) as gong,
            Jobs(url, company=COMPANY) as jobs,
            Worker(url, company=COMPANY, credentials={"default": settings_of(gong)}) as worker,
        ):
            running = asyncio.create_task(worker.run())
            progress = await over(await jobs.submit(updates_of(gong_engine)))
            worker.stop()
            await running
        return progress.updated

    url = memory()
    with caplog.at_level("WARNING"):
        assert [asyncio.run(job(url)) for _ in range(3)] == [2, 2, 2]
    assert caplog.text == ""
