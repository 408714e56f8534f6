from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from gong_tasks_async.quota import Lane
from gong_tasks_async.quota.lanes import LaneQueue
from gong_tasks_async.simulator import VirtualClockLoop

PERSON, MACHINE = Lane.INTERACTIVE, Lane.BULK


class Turnstile:
    """Everybody who joins draws a token for one second at the front, then departs."""

    def __init__(self, bulk_share: float = 0.0) -> None:
        self.unused = 0
        self.line = LaneQueue(bulk_share, on_unused_token=self._count_unused)
        self.departed: list[Any] = []

    def _count_unused(self) -> None:
        self.unused += 1

    async def walk_through(self, name: Any, lane: Lane, *, returning: bool = False) -> None:
        has_token = await self.line.wait_for_head(lane, returning=returning)
        while not has_token:
            try:
                await asyncio.sleep(1.0)
            except asyncio.CancelledError:
                self.line.leave()
                raise
            has_token = not self.line.must_yield(lane) or await self.line.yield_head(lane)
        self.departed.append(name)
        self.line.leave_sending(lane)

    def start(self, name: Any, lane: Lane, *, returning: bool = False) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(self.walk_through(name, lane, returning=returning))


@pytest.mark.virtual
async def test_first_come_first_served_within_a_lane() -> None:
    gate = Turnstile()
    await asyncio.gather(*(gate.start(name, MACHINE) for name in range(50)))
    assert gate.departed == list(range(50))


@pytest.mark.virtual
async def test_a_person_takes_the_very_next_token_from_a_thousand_machines() -> None:
    gate = Turnstile(bulk_share=0.1)
    machines = [gate.start(name, MACHINE) for name in range(1000)]
    await asyncio.sleep(10.5)  # one of the machines stands at the front, half a second from its token
    before = asyncio.get_running_loop().time()
    await gate.start("person", PERSON)
    assert asyncio.get_running_loop().time() - before < 0.6
    assert gate.departed == [*range(10), "person"]
    await asyncio.gather(*machines)
    assert gate.departed == [*range(10), "person", *range(10, 1000)]


@pytest.mark.virtual
async def test_machines_get_their_share_while_people_fill_the_line() -> None:
    gate = Turnstile(bulk_share=0.1)
    everybody = [gate.start(MACHINE, MACHINE) for _ in range(100)]
    everybody += [gate.start(PERSON, PERSON) for _ in range(900)]
    await asyncio.sleep(500)
    assert 0.09 <= gate.departed.count(MACHINE) / len(gate.departed) <= 0.11
    await asyncio.gather(*everybody)


@pytest.mark.virtual
async def test_without_a_share_machines_wait_until_nobody_else_does() -> None:
    gate = Turnstile(bulk_share=0.0)
    await asyncio.gather(*(gate.start(lane, lane) for lane in (MACHINE, MACHINE, PERSON, PERSON)))
    assert gate.departed == [PERSON, PERSON, MACHINE, MACHINE]


@pytest.mark.virtual
async def test_one_who_returns_goes_to_the_head_of_the_lane() -> None:
    gate = Turnstile()
    tasks = [gate.start(name, MACHINE) for name in range(3)]
    await asyncio.sleep(0.5)
    tasks.append(gate.start("returned", MACHINE, returning=True))
    await asyncio.gather(*tasks)
    assert gate.departed == [0, "returned", 1, 2]


@pytest.mark.parametrize("with_token", [False, True])
async def test_cancelled_in_the_moment_of_being_called_up_the_next_one_is_called(with_token: bool) -> None:
    line = LaneQueue()
    assert await line.wait_for_head(MACHINE) is False
    second, third = (asyncio.create_task(line.wait_for_head(MACHINE)) for _ in range(2))
    await asyncio.sleep(0)
    line.leave(with_token=with_token)
    second.cancel()  # it has been called up, and has not run since
    assert await third is with_token
    assert second.cancelled()


async def test_a_token_that_nobody_is_left_to_take_is_given_back() -> None:
    gate = Turnstile()
    await gate.line.wait_for_head(MACHINE)
    person = asyncio.create_task(gate.line.wait_for_head(PERSON))
    await asyncio.sleep(0)
    gate.line.leave(with_token=True)
    person.cancel()
    await asyncio.wait([person])
    assert gate.unused == 1
    assert await gate.line.wait_for_head(MACHINE) is False  # the front is free again


@pytest.mark.virtual
async def test_waiting_counts_those_who_wait_and_forgets_the_cancelled() -> None:
    gate = Turnstile()
    tasks = [gate.start(name, MACHINE) for name in range(5)]
    await asyncio.sleep(0.5)
    assert gate.line.waiting(MACHINE) == 4
    assert gate.line.count_ahead(MACHINE) == 5
    assert gate.line.count_ahead(PERSON) == 0
    tasks[3].cancel()
    await asyncio.sleep(0.1)
    assert gate.line.waiting(MACHINE) == 3
    await asyncio.gather(*tasks, return_exceptions=True)
    assert gate.line.waiting(MACHINE) == 0


Arrival = tuple[float, Lane, float | None]  # when, where, and after how long it is cancelled
arrivals = st.lists(
    st.tuples(
        st.floats(0, 10).map(lambda x: round(x, 1)),
        st.sampled_from(Lane),
        st.none() | st.floats(0, 12).map(lambda x: round(x, 1)),
    ),
    max_size=25,
)


async def drive(plan: list[Arrival], bulk_share: float) -> tuple[Turnstile, list[asyncio.Task[None]]]:
    gate = Turnstile(bulk_share)
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []
    for number, (moment, lane, patience) in enumerate(sorted(plan, key=lambda arrival: arrival[0])):
        await asyncio.sleep(max(0.0, moment - loop.time()))
        task = gate.start((number, lane), lane)
        tasks.append(task)
        if patience is not None:
            loop.call_later(patience, task.cancel)
    await asyncio.gather(*tasks, return_exceptions=True)
    return gate, tasks


@settings(max_examples=300, deadline=None)
@given(plan=arrivals, bulk_share=st.sampled_from([0.0, 0.1, 0.5]))
def test_whoever_comes_and_goes_order_is_kept_and_nobody_is_forgotten(
    plan: list[Arrival], bulk_share: float
) -> None:
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        gate, tasks = runner.run(drive(plan, bulk_share))
    for lane in Lane:
        numbers = [number for number, whose in gate.departed if whose is lane]
        assert numbers == sorted(numbers)
    assert len(gate.departed) + sum(task.cancelled() for task in tasks) == len(plan)
    assert gate.line.waiting(PERSON) == gate.line.waiting(MACHINE) == 0
    assert gate.line.count_ahead(MACHINE) == 0  # nobody stands at the front either


async def test_calls_that_return_go_first_in_the_order_in_which_they_return() -> None:
    gate, order = Turnstile(), list[int]()
    await gate.line.wait_for_head(MACHINE)

    async def wait(number: int, *, returning: bool) -> None:
        await gate.line.wait_for_head(MACHINE, returning=returning)
        order.append(number)
        gate.line.leave_sending(MACHINE)

    waiting = [asyncio.create_task(wait(number, returning=number > 2)) for number in range(1, 7)]
    await asyncio.sleep(0)
    gate.line.leave_sending(MACHINE)
    await asyncio.gather(*waiting)
    assert order == [3, 4, 5, 6, 1, 2]


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("sending", [True, False])
async def test_who_leaves_with_no_other_behind_leaves_the_head_free_and_no_credit(
    lane: Lane, sending: bool
) -> None:
    line = LaneQueue(0.2)
    assert await line.wait_for_head(PERSON) is False
    machine = asyncio.create_task(line.wait_for_head(MACHINE))
    await asyncio.sleep(0)
    line.leave_sending(PERSON)
    assert (await machine, line.bulk_earned) == (
        False,
        0.25,
    )  # one departure of the four that earn it a permit
    line.leave_sending(lane) if sending else line.leave()
    assert (line.occupied, line.bulk_earned, line.total_waiting) == (False, 0.0, 0)
    assert line.try_take_head()
    assert not line.try_take_head()


@pytest.mark.virtual
async def test_a_quarter_of_the_departures_is_every_fourth_one() -> None:
    gate = Turnstile(bulk_share=0.25)
    await asyncio.gather(*(gate.start(lane, lane) for lane in [MACHINE] * 5 + [PERSON] * 12))
    assert gate.departed == [PERSON, PERSON, PERSON, MACHINE] * 4 + [MACHINE]


async def test_a_person_is_let_first_unless_the_machines_have_earned_their_turn() -> None:
    line = LaneQueue(0.5)
    await line.wait_for_head(MACHINE)
    assert not line.must_yield(MACHINE)
    person = asyncio.create_task(line.wait_for_head(PERSON))
    await asyncio.sleep(0)
    assert (line.must_yield(MACHINE), line.must_yield(PERSON)) == (True, False)
    line.bulk_earned = 1.0
    assert not line.must_yield(MACHINE)
    line.leave()
    assert await person is False
