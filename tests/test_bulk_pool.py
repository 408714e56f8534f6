"""The pool of workers, its feed and its channel: who waits for whom, and what is left when the end comes early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator

import pytest

from gong_tasks_async.bulk.pool import Channel, Pool, each_result, run_apart

pytestmark = pytest.mark.virtual


class Handler:
    """Takes some seconds for each item, and notes what came of it."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self.began, self.finished, self.cut_short = list[int](), list[int](), list[int]()

    async def __call__(self, item: int) -> None:
        self.began.append(item)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            await asyncio.sleep(item)  # what it has to put in order
            self.cut_short.append(item)
            raise
        self.finished.append(item)


async def after(seconds: float, pool: Pool[int]) -> asyncio.Task[None]:
    """A pool that has run for some seconds."""
    running = asyncio.create_task(pool.run())
    await asyncio.sleep(seconds)
    return running


async def cancelled(running: asyncio.Task[None]) -> float:
    """Cancel a pool; how many seconds it takes to end."""
    began = asyncio.get_running_loop().time()
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    return asyncio.get_running_loop().time() - began


class TestWorkers:
    async def test_the_event_loop_gets_its_turn_after_sixty_four_items_that_never_wait(self) -> None:
        handled, seen = list[int](), list[int]()

        async def handle(item: int) -> None:
            handled.append(item)

        running = asyncio.create_task(Pool(range(300), handle, 1).run())
        await asyncio.sleep(0)
        while not running.done():
            seen.append(len(handled))
            await asyncio.sleep(0)
        assert [count for count in dict.fromkeys(seen) if count] == [64, 128, 192, 256, 300]

    async def test_as_many_items_are_in_flight_as_there_are_workers(self) -> None:
        handle = Handler()
        running = await after(0.5, Pool(range(10), handle, 3))
        assert handle.began == [0, 1, 2]
        await running
        assert sorted(handle.finished) == list(range(10))

    async def test_stopped_it_finishes_what_is_in_flight_and_takes_no_more(self) -> None:
        handle = Handler()
        pool = Pool(range(10), handle, 2)
        running = await after(0.5, pool)
        pool.stop()
        await running
        assert handle.began == handle.finished == [0, 1]

    async def test_the_first_error_is_raised_once_the_others_are_finished(self) -> None:
        done = list[int]()

        async def handle(item: int) -> None:
            await asyncio.sleep(3 - item)
            if item:
                raise ValueError(item)
            done.append(item)

        with pytest.raises(ValueError, match="2"):
            await Pool(range(9), handle, 3).run()
        assert done == [0]

    @pytest.mark.parametrize("grace", [0.0, 0.25])
    async def test_cancelled_it_ends_with_the_last_of_its_workers(self, grace: float) -> None:
        handle = Handler()
        took = await cancelled(await after(0.5, Pool([3, 7, 5], handle, 3, grace=grace)))
        assert handle.cut_short == [3, 5, 7]
        assert took == pytest.approx(grace + 7)

    async def test_cancelled_it_waits_as_long_as_its_grace_for_items_in_flight(self) -> None:
        handle, halted = Handler(), list[float]()
        pool = Pool([1, 2, 3], handle, 2, halt=lambda: halted.append(1), grace=0.6)
        assert await cancelled(await after(0.5, pool)) == pytest.approx(0.5)
        assert (handle.finished, handle.began, halted) == ([1, 2], [1, 2], [1])

    async def test_cancelled_again_it_waits_no_longer(self) -> None:
        handle = Handler(seconds=100.0)
        running = await after(0.5, Pool([1, 2], handle, 2, grace=50.0))
        running.cancel()
        await asyncio.sleep(1)
        assert await cancelled(running) == pytest.approx(2)
        assert handle.cut_short == [1, 2]

    async def test_an_error_while_it_winds_down_is_raised(self) -> None:
        async def handle(item: int) -> None:
            await asyncio.sleep(1)
            raise OSError(item)

        running = await after(0.5, Pool([1], handle, 1, grace=5.0))
        running.cancel()
        with pytest.raises(OSError, match="1"):
            await running


class TestFeeds:
    @pytest.mark.parametrize("is_async", [False, True])
    async def test_a_generator_is_closed_when_it_is_not_read_to_its_end(self, is_async: bool) -> None:
        closed = list[bool]()

        def plain() -> Generator[int]:
            try:
                yield from range(100)
            finally:
                closed.append(True)

        async def slow() -> AsyncGenerator[int]:
            try:
                for item in range(100):
                    yield item
            finally:
                closed.append(True)

        async def handle(_: int) -> None:
            pool.stop()

        pool = Pool(slow() if is_async else plain(), handle, 1)
        await pool.run()
        assert closed == [True]

    async def test_workers_share_an_async_feed_one_at_a_time_and_those_that_wait_for_it_are_cancelled_at_once(
        self,
    ) -> None:
        async def endless() -> AsyncGenerator[int]:
            yield 1
            await asyncio.Event().wait()

        handle = Handler(seconds=2.0)
        took = await cancelled(await after(0.5, Pool(endless(), handle, 4, grace=9.0)))
        assert handle.finished == [1]
        assert took == pytest.approx(1.5)


class TestChannels:
    async def test_it_holds_as_many_items_as_it_has_room_for_and_each_that_is_taken_makes_room(self) -> None:
        channel, put = Channel[int](2), list[int]()

        async def write() -> None:
            for item in range(4):
                await channel.put(item)
                put.append(item)

        writing = asyncio.create_task(write())
        await asyncio.sleep(1)
        assert put == [0, 1]
        assert await channel.get() == 0
        await asyncio.sleep(1)
        assert put == [0, 1, 2]
        assert [await channel.get() for _ in range(3)] == [1, 2, 3]
        await writing

    async def test_the_end_comes_after_what_was_put_needs_no_room_and_stays(self) -> None:
        channel = Channel[int](1)
        await channel.put(7)
        channel.end()
        assert await channel.get() == 7
        for _ in range(3):
            with pytest.raises(StopAsyncIteration):
                await channel.get()

    async def test_without_a_reader_no_writer_waits(self) -> None:
        channel = Channel[int](1)
        writers = [asyncio.create_task(channel.put(item)) for item in range(5)]
        await asyncio.sleep(1)
        assert [writer.done() for writer in writers] == [True, False, False, False, False]
        channel.abandon()
        async with asyncio.timeout(1):
            await asyncio.gather(*writers, channel.put(9))

    async def test_results_that_nobody_takes_hold_the_workers_up(self) -> None:
        began = list[int]()

        async def apply(item: int) -> int:
            began.append(item)
            return item * 2

        results = each_result(range(100), apply, 2)
        assert await anext(results) == 0
        await asyncio.sleep(5)
        assert len(began) <= 1 + 2 + 2  # taken, waiting in the channel, held by a worker
        assert sorted([result async for result in results]) == list(range(2, 200, 2))
        assert sorted(began) == list(range(100))

    async def test_a_loop_that_is_left_early_ends_the_workers(self) -> None:
        handle = Handler(seconds=10.0)

        async def apply(item: int) -> int:
            if item:
                await handle(item)
            return item

        results = each_result(range(9), apply, 3)
        assert await anext(results) == 0
        await results.aclose()
        assert (handle.finished, handle.cut_short) == ([], handle.began)


class TestRunApart:
    """Work that winds down for three seconds when it is cancelled, unless it is cancelled again."""

    async def work(self) -> str:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            await asyncio.sleep(3)
            raise
        return "done"

    async def cancelled(self, *gaps: float) -> float:
        """How long it takes to end after the first of some cancels."""
        running = asyncio.create_task(run_apart(self.work()))
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        running.cancel("the first")
        for gap in gaps:
            await asyncio.sleep(gap)
            running.cancel("a later one")
        with pytest.raises(asyncio.CancelledError, match="the first"):
            await running
        return asyncio.get_running_loop().time() - began

    async def test_its_result_and_its_error_are_those_of_the_work(self) -> None:
        assert await run_apart(self.work()) == "done"

        async def fail() -> None:
            raise OSError("lost")

        with pytest.raises(OSError, match="lost"):
            await run_apart(fail())

    async def test_cancelled_it_winds_down(self) -> None:
        assert await self.cancelled() == pytest.approx(3)

    async def test_a_second_cancel_cuts_that_short(self) -> None:
        assert await self.cancelled(1.0) == pytest.approx(1)

    async def test_cancels_that_come_at_each_await_are_one(self) -> None:
        assert await self.cancelled(*[0.01] * 50) == pytest.approx(3)

    async def test_an_error_of_its_winding_down_is_raised_in_place_of_the_cancel(self) -> None:
        async def work() -> None:
            try:
                await asyncio.sleep(10)
            finally:
                raise OSError("lost")

        running = asyncio.create_task(run_apart(work()))
        await asyncio.sleep(1)
        running.cancel()
        with pytest.raises(OSError, match="lost"):
            await running
