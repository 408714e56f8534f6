"""The pacer by itself: when each call departs to the millisecond, and what a response changes."""

from __future__ import annotations

import asyncio

import pytest

from gong_tasks_async import QuotaLimits
from gong_tasks_async.events import Event, PaceChanged
from gong_tasks_async.events.sink import EventSink
from gong_tasks_async.quota.ladder import CALM
from gong_tasks_async.quota.local.pacer import Pacer

pytestmark = pytest.mark.virtual

SPACING = QuotaLimits().spacing


class Track:
    """Departures, in seconds from the first one."""

    def __init__(self, chance: float = 0.5) -> None:
        self.events: list[Event] = []
        self.pacer = Pacer(QuotaLimits(), EventSink(self.events.append), lambda: chance)
        self.departed: list[float] = []

    async def depart(self) -> int:
        await self.pacer.pace()
        now = asyncio.get_running_loop().time()
        self.departed.append(now)
        return self.pacer.depart(now)

    def answer(self, call: int, *, refused: bool = False) -> None:
        self.pacer.answer(call, self.departed[call - 1], refused=refused)
        if refused:
            self.pacer.slow_down()

    @property
    def gaps(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.departed, self.departed[1:], strict=False)]

    @property
    def changes(self) -> list[PaceChanged]:
        return [event for event in self.events if isinstance(event, PaceChanged)]


def near(*seconds: float) -> object:
    return pytest.approx(list(seconds), abs=0.001)


async def test_calls_that_are_answered_at_once_depart_a_spacing_apart_and_the_first_without_a_wait() -> None:
    track, began = Track(), asyncio.get_running_loop().time()
    assert track.pacer.expected_wait() == 0.0
    for _ in range(4):
        track.answer(await track.depart())
    assert track.departed[0] - began < 0.001
    assert track.gaps == near(SPACING, SPACING, SPACING)
    assert track.pacer.expected_wait() == pytest.approx(SPACING, abs=0.001)
    await asyncio.sleep(SPACING / 2)
    assert track.pacer.expected_wait() == pytest.approx(SPACING / 2, abs=0.001)
    await asyncio.sleep(SPACING)
    assert track.pacer.expected_wait() == 0.0


async def test_a_full_window_lets_the_next_call_go_a_second_after_the_first_answer() -> None:
    track = Track()
    calls = [await track.depart() for _ in range(3)]
    assert not track.pacer.is_free()
    waiting = asyncio.create_task(track.depart())
    await asyncio.sleep(2.0)
    answered_at = asyncio.get_running_loop().time()
    track.answer(calls[0])
    await waiting
    assert track.departed[3] - answered_at == pytest.approx(1.0, abs=0.001)


async def test_a_call_that_was_cut_off_counts_as_arrived_and_one_that_never_left_for_nothing() -> None:
    for name, after in (("cut_off", 1.0), ("forget", 0.0)):
        track = Track()
        calls = [await track.depart() for _ in range(3)]
        waiting = asyncio.create_task(track.depart())
        await asyncio.sleep(2.0)
        now = asyncio.get_running_loop().time()
        getattr(track.pacer, name)(calls[1])
        await waiting
        assert track.departed[3] - now == pytest.approx(after, abs=0.001), name


async def test_after_a_refusal_the_next_call_alone_waits_a_random_part_of_a_spacing_longer() -> None:
    track = Track(chance=0.5)
    track.answer(await track.depart(), refused=True)
    spacing = track.pacer.spacing
    assert track.pacer.expected_wait() == pytest.approx(1.5 * spacing, abs=0.001)
    first = asyncio.get_running_loop().time()
    for _ in range(3):
        track.answer(await track.depart())
    # At the rung of one call at a time, a third of a second after the last arrival.
    assert track.departed[1] - first == pytest.approx(1 / 3 + spacing / 2, abs=0.001)
    assert track.gaps[1:] == pytest.approx([track.gaps[1]] * 2, abs=0.001)
    assert track.pacer.expected_wait() <= spacing + 0.001


async def test_the_pace_that_a_refusal_leaves_and_a_calm_restores_is_an_event_with_both_figures() -> None:
    track = Track()
    track.answer(await track.depart(), refused=True)
    track.answer(await track.depart(), refused=True)
    slowed = track.changes
    assert len(slowed) == 2
    assert slowed[0].after == pytest.approx(slowed[1].before)
    assert slowed[1].after < slowed[1].before
    for _ in range(CALM):
        track.answer(await track.depart())
    [restored] = track.changes[2:]
    assert (restored.before, restored.after) == pytest.approx((slowed[1].after, slowed[1].before))
    assert track.pacer.rate == pytest.approx(restored.after)


async def test_calls_that_were_refused_together_slow_the_pace_once() -> None:
    track = Track()
    calls = [await track.depart() for _ in range(3)]
    for call in calls:
        track.answer(call, refused=True)
    assert len(track.changes) == 1


async def test_a_slower_pace_counts_from_the_very_next_departure() -> None:
    track = Track(chance=0.0)
    for _ in range(3):
        track.answer(await track.depart(), refused=True)
    spacing = track.pacer.spacing
    assert spacing > SPACING
    for _ in range(3):
        track.answer(await track.depart())
    assert all(gap >= spacing - 0.001 for gap in track.gaps[3:])


async def test_in_another_loop_spacing_and_windows_count_on() -> None:
    track = Track()
    for _ in range(3):
        await track.depart()
    track.pacer.bind(100.0)
    assert track.pacer.expected_wait() == pytest.approx(100.0 + SPACING, abs=0.001)
    waiting = asyncio.create_task(track.pacer.pace())
    began = asyncio.get_running_loop().time()
    await waiting
    # The first of them counts as arrived five seconds after it left, and a second later it has left the window.
    assert asyncio.get_running_loop().time() - began == pytest.approx(106.0 - 2 * SPACING, abs=0.01)


async def test_a_call_is_due_a_spacing_after_the_last_one_and_any_time_later() -> None:
    track, now = Track(), asyncio.get_running_loop().time()
    assert track.pacer.is_due(now)
    track.answer(await track.depart())
    now = track.departed[0]
    assert [track.pacer.is_due(now + seconds) for seconds in (0.0, SPACING - 0.001, SPACING, 60.0)] == [
        False,
        False,
        True,
        True,
    ]


async def test_none_is_due_while_the_window_is_full() -> None:
    track = Track()
    calls = [await track.depart() for _ in range(3)]
    now = asyncio.get_running_loop().time()
    assert not track.pacer.is_due(now + SPACING)
    track.answer(calls[0])
    assert not track.pacer.is_due(now + SPACING)
    assert track.pacer.is_due(asyncio.get_running_loop().time() + 1.0)


async def test_none_is_due_after_a_refusal_until_one_has_waited_for_it_at_the_new_pace() -> None:
    track = Track(chance=0.5)
    for _ in range(2):  # the second one changes the spacing too
        track.answer(await track.depart(), refused=True)
        assert not track.pacer.is_due(asyncio.get_running_loop().time() + 60.0)
    track.answer(await track.depart())
    assert track.pacer.is_due(asyncio.get_running_loop().time() + 60.0)
    same_pace = Track(chance=0.5)
    for _ in range(CALM):
        same_pace.answer(await same_pace.depart())
    same_pace.answer(await same_pace.depart(), refused=True)  # tolerated: the pace stays, one call is late
    assert same_pace.changes == []
    assert not same_pace.pacer.is_due(asyncio.get_running_loop().time() + 60.0)


async def test_each_response_and_each_call_that_never_got_one_is_news() -> None:
    track = Track()
    calls = [await track.depart() for _ in range(3)]
    steps = [
        lambda: track.pacer.answer(calls[0], track.departed[0], refused=False),
        lambda: track.pacer.answer(calls[1], track.departed[1], refused=True),
        lambda: track.pacer.cut_off(calls[2]),
        lambda: track.pacer.forget(calls[2]),
        track.pacer.slow_down,
    ]
    for step in steps:
        before = track.pacer.news
        step()
        assert track.pacer.news > before


async def test_a_refusal_that_comes_while_a_call_draws_its_token_holds_it_and_the_next_keeps_its_distance() -> (
    None
):
    track = Track(chance=0.0)
    call = await track.depart()
    second = asyncio.create_task(track.depart())
    await asyncio.sleep(0.3)
    track.answer(call, refused=True)
    answered_at = asyncio.get_running_loop().time()
    track.answer(await second)
    assert track.departed[1] - answered_at == pytest.approx(1 / 3, abs=0.001)
    await track.depart()
    assert track.gaps[1] == pytest.approx(SPACING, abs=0.001)


async def test_two_responses_in_one_moment_wake_the_one_that_waits_once() -> None:
    track = Track()
    calls = [await track.depart() for _ in range(3)]
    waiting = asyncio.create_task(track.depart())
    await asyncio.sleep(2.0)
    now = asyncio.get_running_loop().time()
    for call in calls:
        track.answer(call)
    await waiting
    assert track.departed[3] - now == pytest.approx(1.0, abs=0.001)
