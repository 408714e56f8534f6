"""The gate by itself: how long it is closed, for whom, what opens it, and when a spent day is probed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from gong_tasks_async import DailyQuotaError, DeadlineExceeded, RateLimitError
from gong_tasks_async.events import Event, Paused, Resumed
from gong_tasks_async.events.sink import EventSink
from gong_tasks_async.quota.base import WaitReason
from gong_tasks_async.quota.day import PROBE_INTERVAL
from gong_tasks_async.quota.gate import Gate

pytestmark = pytest.mark.virtual

EPOCH = 1_790_000_000.0


class Clocks:
    """The wall's clock runs with the loop's, and can be set."""

    def __init__(self) -> None:
        self.ahead = EPOCH

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead


@pytest.fixture
async def wall() -> Clocks:
    return Clocks()


@pytest.fixture
async def events() -> list[Event]:
    return []


@pytest.fixture
async def gate(wall: Clocks, events: list[Event]) -> Gate:
    return Gate(EventSink(events.append), wall)


def seen(events: list[Event]) -> list[object]:
    return [
        "resumed" if isinstance(event, Resumed) else event.seconds
        for event in events
        if isinstance(event, Paused | Resumed)
    ]


def near(seconds: float) -> object:
    return pytest.approx(seconds, abs=0.001)


async def test_it_is_closed_for_as_long_as_was_asked_and_then_opened(gate: Gate, events: list[Event]) -> None:
    assert (gate.closed, gate.remaining(), gate.waits_for) == (False, 0.0, None)
    gate.close(10.0)
    await asyncio.sleep(4)
    assert gate.remaining() == near(6.0)
    assert (gate.is_closed(), gate.waits_for) == (True, WaitReason.RATE_LIMIT)
    began = asyncio.get_running_loop().time()
    await gate.wait_open(None, 60.0)
    assert asyncio.get_running_loop().time() - began == near(6.0)
    assert (gate.closed, gate.waits_for) == (False, None)
    assert seen(events) == [10.0, "resumed"]


async def test_a_longer_pause_stands_and_only_a_longer_one_is_an_event(
    gate: Gate, events: list[Event]
) -> None:
    gate.close(10.0)
    gate.close(3.0)
    assert gate.remaining() == near(10.0)
    gate.close(20.0)
    assert gate.remaining() == near(20.0)
    gate.close(1_000.0, day_spent=True)
    gate.close(20.0)
    assert gate.day_spent
    assert seen(events) == [10.0, 20.0, 1_000.0]
    gate.open()
    gate.open()
    assert (seen(events)[3:], gate.remaining(), gate.day_spent) == (["resumed"], 0.0, False)


async def test_an_open_gate_wakes_all_who_wait_at_once(gate: Gate) -> None:
    gate.close(1_000.0)
    waiting = [asyncio.create_task(gate.wait_open(None, 2_000.0)) for _ in range(3)]
    await asyncio.sleep(5)
    gate.open()
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*waiting)
    assert asyncio.get_running_loop().time() - began < 0.001


@pytest.mark.parametrize(
    ("seconds", "day_spent", "follows_wall"),
    [(59.0, False, False), (600.0, False, True), (30.0, True, True)],
)
async def test_a_wall_clock_that_went_on_without_the_loop_s_ends_a_long_pause_and_no_short_one(
    gate: Gate, wall: Clocks, seconds: float, day_spent: bool, follows_wall: bool
) -> None:
    gate.close(seconds, day_spent=day_spent)
    wall.ahead += 20.0
    assert gate.remaining() == near(seconds - 20.0 if follows_wall else seconds)
    wall.ahead -= 9_000.0  # set back: then the loop's clock is right
    assert gate.remaining() == near(seconds)


async def test_a_spent_day_is_probed_after_an_interval_and_again_after_each_probe(gate: Gate) -> None:
    gate.close(50_000.0, day_spent=True, probe_in=100.0)
    await asyncio.sleep(99)
    assert (gate.is_probe_due(), gate.is_closed(), gate.waits_for) == (False, True, WaitReason.DAILY_LIMIT)
    await asyncio.sleep(1)
    assert (gate.is_probe_due(), gate.is_closed(), gate.waits_for) == (True, False, WaitReason.DAILY_LIMIT)
    gate.note_probe()
    await asyncio.sleep(PROBE_INTERVAL - 1)
    assert not gate.is_probe_due()
    await asyncio.sleep(1)
    assert gate.is_probe_due()


async def test_one_that_is_let_through_to_find_out_opens_it_for_no_other_call(gate: Gate) -> None:
    gate.close(50_000.0, day_spent=True, probe_in=90.0)
    began = asyncio.get_running_loop().time()
    await gate.wait_open(None, 60_000.0)
    assert asyncio.get_running_loop().time() - began == near(120.0)  # looked at after each minute
    assert gate.closed
    gate.note_probe()
    assert gate.is_closed()


async def test_a_pause_that_is_not_for_the_day_is_never_probed(gate: Gate) -> None:
    assert not gate.is_probe_due()
    gate.close(50_000.0)
    await asyncio.sleep(2 * PROBE_INTERVAL)
    assert not gate.is_probe_due()


async def test_a_short_pause_holds_for_a_probe_too_and_outlasts_a_day_that_turns_out_not_to_be_spent(
    gate: Gate,
) -> None:
    gate.close(50_000.0, day_spent=True, probe_in=0.0)
    gate.close(30.0)
    gate.close(20.0)
    assert (gate.is_probe_due(), gate.is_closed()) == (False, True)
    gate.end_day()
    assert (gate.remaining(), gate.waits_for) == (near(30.0), WaitReason.RATE_LIMIT)
    await asyncio.sleep(30)
    gate.close(50_000.0, day_spent=True, probe_in=0.0)
    assert gate.is_probe_due()
    gate.end_day()
    assert not gate.closed


async def test_an_opened_gate_has_forgotten_its_pauses(gate: Gate) -> None:
    gate.close(1_000.0)
    gate.open()
    gate.close(50_000.0, day_spent=True, probe_in=0.0)
    assert gate.is_probe_due()


@pytest.mark.parametrize("set_by", [-5.0, -7_200.0])
async def test_a_wall_clock_that_was_set_back_puts_no_probe_off_for_longer_than_the_interval(
    gate: Gate, wall: Clocks, set_by: float
) -> None:
    gate.close(50_000.0, day_spent=True)
    wall.ahead += set_by
    assert gate.is_probe_due()


@pytest.mark.parametrize(
    ("max_wait", "by", "error"),
    [
        (10.0, None, None),
        (9.9, None, RateLimitError),
        (60.0, 10.0, None),
        (60.0, 9.9, DeadlineExceeded),
        (0.0, 0.0, RateLimitError),
    ],
)
async def test_who_cannot_wait_so_long_fails_at_once_with_the_time_that_it_takes(
    gate: Gate, max_wait: float, by: float | None, error: type[Exception] | None
) -> None:
    now = asyncio.get_running_loop().time()
    gate.close(10.0)
    deadline = None if by is None else now + by
    if error is None:
        await gate.wait_open(deadline, max_wait)
        assert asyncio.get_running_loop().time() - now == near(10.0)
        gate.raise_if_too_long(now - 1.0, 0.0)  # open: there is nothing to wait for
        return
    with pytest.raises(error) as caught:
        await gate.wait_open(deadline, max_wait)
    assert asyncio.get_running_loop().time() - now < 0.001
    found = caught.value
    assert getattr(found, "retry_after" if isinstance(found, RateLimitError) else "estimate") == near(10.0)
    assert not isinstance(found, DailyQuotaError)


async def test_who_cannot_wait_for_a_spent_day_gets_its_error_with_the_moment_of_the_next(gate: Gate) -> None:
    gate.close(7_200.0, day_spent=True)
    with pytest.raises(DailyQuotaError) as caught:
        gate.raise_if_too_long(None, 60.0)
    assert caught.value.resets_at is not None
    until = caught.value.resets_at - datetime.fromtimestamp(EPOCH, UTC)
    assert until.total_seconds() == pytest.approx(7_200.0, abs=1.0)


async def test_a_waiting_call_looks_after_a_minute_s_sleep_whether_the_day_is_still_called_spent(
    gate: Gate,
) -> None:
    loop, looks = asyncio.get_running_loop(), list[float]()

    async def look() -> None:
        looks.append(loop.time())
        if len(looks) == 3:
            gate.open()

    gate.close(7_200.0, day_spent=True)
    began = loop.time()
    await gate.wait_open(None, 9_999.0, look)
    assert [moment - began for moment in looks] == near_all(60.0, 120.0, 180.0)
    gate.close(150.0)
    await gate.wait_open(None, 9_999.0, look)
    assert len(looks) == 3


def near_all(*seconds: float) -> object:
    return pytest.approx(list(seconds), abs=0.001)


async def test_in_another_loop_the_pause_ends_at_the_same_moment(gate: Gate) -> None:
    gate.close(10.0)
    gate.bind(40.0)  # that loop's clock shows so much more
    assert gate.remaining() == near(50.0)
    gate.close(50_000.0, day_spent=True, probe_in=0.0)
    await asyncio.sleep(49)
    assert not gate.is_probe_due()
    await asyncio.sleep(1)
    assert gate.is_probe_due()
