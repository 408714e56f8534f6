from __future__ import annotations

import asyncio
import gc

import pytest

from gong_tasks_async.auth.single_flight import SingleFlight
from gong_tasks_async.errors import ClientStateError


async def depart(order: list[str]) -> None:
    """Starts a flight that nobody waits for, and returns while it is under way."""

    async def exchange() -> None:
        async with asyncio.timeout(60):
            await asyncio.sleep(0.01)
        order.append("saved")

    await asyncio.wait([asyncio.create_task(SingleFlight[None]().run(exchange))], timeout=0)


def test_a_loop_that_is_torn_down_waits_for_what_is_under_way() -> None:
    order: list[str] = []
    asyncio.run(depart(order))
    assert order == ["saved"]


async def test_whoever_cancels_all_tasks_does_not_cancel_it() -> None:
    order: list[str] = []
    await depart(order)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.wait(others)
    assert order == ["saved"]


@pytest.mark.virtual
async def test_its_own_timeout_still_ends_it() -> None:
    async def exchange() -> None:
        async with asyncio.timeout(1):
            await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        await SingleFlight[None]().run(exchange)


class Flights:
    """A coroutine function that counts its runs, takes a tenth of a second, and raises the error that it was given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.started = self.landed = 0
        self.error = error

    async def __call__(self) -> int:
        self.started += 1
        number = self.started
        await asyncio.sleep(0.1)
        self.landed += 1
        if self.error is not None:
            raise self.error
        return number


@pytest.mark.virtual
async def test_all_who_wait_share_one_run_and_the_next_to_come_starts_another() -> None:
    flight, flights = SingleFlight[int](), Flights()
    assert await asyncio.gather(*(flight.run(flights) for _ in range(5))) == [1] * 5
    assert await flight.run(flights) == 2
    assert flights.started == 2


@pytest.mark.virtual
async def test_all_who_wait_get_the_error_and_the_next_to_come_tries_again() -> None:
    flight, flights = SingleFlight[int](), Flights(OSError("down"))
    results = await asyncio.gather(*(flight.run(flights) for _ in range(3)), return_exceptions=True)
    assert results == [flights.error] * 3
    flights.error = None
    assert await flight.run(flights) == 2


@pytest.mark.virtual
async def test_one_that_is_cancelled_does_not_stop_it_for_the_others() -> None:
    flight, flights = SingleFlight[int](protected=False), Flights()
    impatient, patient = (asyncio.create_task(flight.run(flights)) for _ in range(2))
    await asyncio.sleep(0.05)
    impatient.cancel()
    assert await patient == 1
    assert impatient.cancelled()


@pytest.mark.virtual
@pytest.mark.usefixtures("swept")
async def test_a_failure_that_no_caller_waits_for_is_no_complaint_of_asyncio_s() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    flight = SingleFlight[int]()
    waiting = asyncio.create_task(flight.run(Flights(OSError("down"))))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await flight.wait()
    del flight, waiting
    await asyncio.sleep(0)
    gc.collect()
    assert complaints == []


@pytest.mark.virtual
async def test_waiting_lasts_until_it_has_landed_and_not_at_all_without_one() -> None:
    flight, flights = SingleFlight[int](), Flights()
    await flight.wait()
    waiting = asyncio.create_task(flight.run(flights))
    await asyncio.sleep(0.05)
    await flight.wait()
    assert flights.landed == 1
    assert await waiting == 1


@pytest.mark.virtual
@pytest.mark.parametrize("protected", [True, False])
async def test_what_is_dropped_fails_those_who_wait_unless_it_is_protected(protected: bool) -> None:
    flight, flights = SingleFlight[int](protected=protected), Flights()
    flight.cancel()
    waiting = asyncio.create_task(flight.run(flights))
    await asyncio.sleep(0.05)
    flight.cancel()
    if protected:
        assert await waiting == 1
    else:
        with pytest.raises(ClientStateError, match="closed while it waited"):
            await waiting
        assert await flight.run(flights) == 2
    assert flights.landed == 1


def test_protection_is_the_default() -> None:
    assert SingleFlight[int]()._kind is SingleFlight[int](protected=True)._kind is not asyncio.Task


def test_one_in_flight_in_another_event_loop_is_refused_left_alone_and_replaced_once_that_is_closed() -> None:
    flight, flights = SingleFlight[int](protected=False), Flights()

    async def hang() -> int:
        await asyncio.Event().wait()
        return 1

    async def depart() -> None:
        await asyncio.wait([asyncio.create_task(flight.run(hang))], timeout=0.01)

    first = asyncio.new_event_loop()
    first.run_until_complete(depart())

    async def meddle() -> None:
        with pytest.raises(ClientStateError, match="another event loop"):
            await flight.run(flights)
        await asyncio.wait_for(flight.wait(), 30)
        flight.cancel()

    asyncio.run(meddle())
    task = flight._task
    assert task is not None
    assert task.cancelling() == 0
    for left in asyncio.all_tasks(first):
        left.cancel()
    first.run_until_complete(asyncio.sleep(0.01))
    first.close()
    assert asyncio.run(flight.run(flights)) == 1
