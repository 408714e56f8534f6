"""The day's budget by itself: what is known to be spent, for how long, and which calls count for which day."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from gong_tasks_async import BudgetSpent, DailyQuotaError, Event, Lane, QuotaLimits
from gong_tasks_async.errors import QuotaStoreError
from gong_tasks_async.events.sink import EventSink
from gong_tasks_async.quota.day import DAY
from gong_tasks_async.quota.local.budget import Budget
from gong_tasks_async.quota.local.day_file import SqliteStore
from gong_tasks_async.quota.local.day_store import Count, MemoryStore, Taken

PERSON, MACHINE = Lane.INTERACTIVE, Lane.BULK
NOW = 1_790_000_000.0
MIDNIGHT = 1_790_035_200.0
"""The next one in Greenwich."""


class Desk:
    """A budget with a clock that is set by hand."""

    def __init__(self, day_starts: time | None = None, per_day: int = 3, reserve: int = 1) -> None:
        self.now = NOW
        self.events: list[Event] = []
        limits = QuotaLimits(per_day=per_day, interactive_reserve=reserve, day_starts=day_starts)
        self.store = MemoryStore()
        self.budget = Budget(limits, EventSink(self.events.append), lambda: self.now, self.store)

    def take(self, lane: Lane = PERSON, lead: float = 0.0) -> Taken:
        taken = self.budget.take_now(lane, lead)
        assert taken is not None
        return taken

    async def refused(self, lane: Lane) -> DailyQuotaError:
        with pytest.raises(DailyQuotaError) as caught:
            await self.budget.take(lane)
        return caught.value

    @property
    def announced(self) -> list[tuple[str, float]]:
        spent = [event for event in self.events if isinstance(event, BudgetSpent)]
        return [(event.lane, event.resets_at.timestamp()) for event in spent]


async def test_a_lane_s_day_is_spent_until_the_call_that_makes_room_for_it_stops_counting() -> None:
    desk = Desk()
    for seconds in range(3):
        desk.now = NOW + 10 * seconds
        desk.take()
    for lane, until in ((PERSON, NOW + DAY), (MACHINE, NOW + 10 + DAY)):  # machines need two of them gone
        error = await desk.refused(lane)
        assert error.resets_at == datetime.fromtimestamp(until, UTC)
        assert error.retry_after == pytest.approx(until - desk.now)
        assert desk.budget.spent.until(lane) == until
    assert desk.announced == [("interactive", NOW + DAY), ("bulk", NOW + 10 + DAY)]
    assert desk.budget.take_now(PERSON) is None


async def test_what_was_found_out_holds_for_a_minute_and_not_for_a_clock_that_was_set_back() -> None:
    desk = Desk()
    for _ in range(3):
        desk.take()
    await desk.refused(PERSON)
    for later, is_known in ((0.0, True), (59.0, True), (60.0, False), (-1.0, False)):
        desk.now = NOW + later
        assert bool(desk.budget.spent.until(PERSON)) is is_known
        assert desk.budget.spent.until(MACHINE) == 0.0
    desk.now = NOW + 30.0
    with pytest.raises(DailyQuotaError):
        desk.budget.spent.raise_if_spent(PERSON)
    desk.budget.spent.raise_if_spent(MACHINE)
    desk.now = NOW + 61.0
    await desk.refused(PERSON)
    assert len(desk.announced) == 1  # nothing has changed, so it is no event again


async def test_a_call_that_is_given_back_is_there_at_once() -> None:
    desk = Desk(reserve=0)
    calls = [desk.take() for _ in range(3)]
    await desk.refused(MACHINE)
    desk.budget.give_back(calls[1])
    assert desk.budget.spent == {}
    assert isinstance(await desk.budget.take(MACHINE), Taken)
    desk.budget.give_back(calls[0].ticket)
    assert (await desk.budget.count()).made == (NOW, NOW)


async def test_gong_s_word_counts_for_both_lanes_and_is_forgotten_when_it_is_called_off() -> None:
    desk = Desk()
    desk.budget.pause(500.0)
    assert desk.announced == [(lane.value, NOW + 500.0) for lane in Lane]
    found = await desk.budget.take(PERSON)
    assert isinstance(found, Count)
    assert (found.paused_until, await desk.budget.is_reopened()) == (NOW + 500.0, False)
    desk.budget.reopen()
    assert await desk.budget.is_reopened()
    desk.budget.pause(500.0)
    await desk.budget.reopen_now()
    assert isinstance(await desk.budget.take(PERSON), Taken)


@pytest.mark.parametrize("now_or_later", ["now", "later"])
async def test_a_call_counts_for_the_day_in_which_it_will_depart(now_or_later: str) -> None:
    desk = Desk(time(0, tzinfo=UTC))
    desk.now = MIDNIGHT - 1.0
    taken = desk.take(lead=2.0) if now_or_later == "now" else await desk.budget.take(PERSON, 2.0)
    assert isinstance(taken, Taken)
    assert taken.counted_at == MIDNIGHT + 1.0
    assert desk.budget.is_of_another_day(taken)  # were it to depart now
    desk.now = MIDNIGHT
    assert not desk.budget.is_of_another_day(taken)
    desk.now = MIDNIGHT + DAY
    assert desk.budget.is_of_another_day(taken)


async def test_on_a_rolling_day_no_reset_overtakes_a_call() -> None:
    desk = Desk()
    taken = desk.take(lead=2.0)
    assert taken.counted_at is None
    assert not desk.budget.resets
    desk.now = NOW + 9 * DAY
    assert not desk.budget.is_of_another_day(taken)
    assert (await desk.budget.count()).made == ()


async def test_a_call_counts_from_the_moment_at_which_it_will_depart() -> None:
    desk = Desk()
    desk.take(lead=5.0)
    desk.now = NOW + DAY + 4.0
    assert (await desk.budget.count()).made == (NOW + 5.0,)
    desk.now = NOW + DAY + 5.0
    assert (await desk.budget.count()).made == ()


async def test_a_call_counts_from_now_on_unless_it_will_depart_later() -> None:
    desk = Desk()
    await desk.budget.take(PERSON)
    desk.now = NOW + DAY
    assert (await desk.budget.count()).made == ()


async def test_what_is_known_to_be_spent_is_refused_without_a_question_to_the_store() -> None:
    desk = Desk()
    for _ in range(3):
        desk.take()
    await desk.refused(PERSON)
    desk.store.take = None  # type: ignore[assignment,method-assign]  # it would fail
    assert (await desk.refused(PERSON)).resets_at == datetime.fromtimestamp(NOW + DAY, UTC)


async def test_an_earlier_end_of_the_day_is_an_event_too() -> None:
    desk = Desk()
    for _ in range(3):
        desk.take()
    desk.budget.spent[PERSON] = NOW - 100.0, NOW + 2 * DAY  # by a clock that was wrong
    await desk.refused(PERSON)
    assert desk.announced == [("interactive", NOW + DAY)]


class Broken(MemoryStore):
    """Cannot be read."""

    def is_reopened(self) -> bool:
        raise QuotaStoreError(path="day", reason="it cannot be read")


async def test_a_store_that_cannot_be_read_ends_no_pause() -> None:
    desk = Desk()
    desk.budget._store = Broken()
    desk.budget.pause(500.0)
    assert not await desk.budget.is_reopened()


@pytest.mark.usefixtures("swept")
async def test_a_correction_in_the_background_is_logged_where_it_fails_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    desk = Desk()
    desk.budget._store = store = SqliteStore(tmp_path / "day", "limits")
    taken = await desk.budget.take(PERSON)
    assert isinstance(taken, Taken)
    desk.budget.give_back(taken)
    while (await desk.budget.count()).made:  # noqa: ASYNC110 - a thread is at work
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert (caplog.records, complaints) == ([], [])

    def fail(ticket: int) -> None:
        raise QuotaStoreError(path="day", reason=f"no room for {ticket}")

    store.give_back = fail  # type: ignore[method-assign]
    desk.budget.give_back(taken)
    while not caplog.records:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.001)
    assert "could not be corrected" in caplog.text
    assert complaints == []
    await desk.budget.close()
