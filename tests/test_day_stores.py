"""Both stores of the day's calls follow the same rules to the very moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gong_tasks_async.quota.day import DAY, PROBE_INTERVAL
from gong_tasks_async.quota.local.day_file import SqliteStore
from gong_tasks_async.quota.local.day_store import Count, DayStore, MemoryStore, Taken

NOW = 1_790_000_000.0
LONG_AGO = NOW - DAY


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DayStore]:
    made: DayStore = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "day", "limits")
    with closing(made):
        yield made


def taken(store: DayStore, now: float, allowed: int = 99, since: float | None = None) -> Taken:
    found = store.take(now, now - DAY if since is None else since, allowed)
    assert isinstance(found, Taken)
    return found


def refused(store: DayStore, now: float, allowed: int = 99, since: float | None = None) -> Count:
    found = store.take(now, now - DAY if since is None else since, allowed)
    assert isinstance(found, Count)
    return found


def test_calls_are_counted_one_by_one_up_to_what_is_allowed(store: DayStore) -> None:
    found = [taken(store, NOW + number, 3) for number in range(3)]
    assert [(each.used, each.probe, each.counted_at) for each in found] == [
        (n, False, None) for n in (1, 2, 3)
    ]
    assert len({each.ticket for each in found}) == 3
    assert refused(store, NOW + 3, 3).made == (NOW, NOW + 1, NOW + 2)
    assert refused(store, NOW + 3, 2).made == (NOW, NOW + 1, NOW + 2)
    assert taken(store, NOW + 3, 4).used == 4


def test_a_call_counts_until_the_very_moment_from_which_calls_count(store: DayStore) -> None:
    taken(store, NOW)
    assert refused(store, NOW + 5, 1, since=NOW - 0.5).made == (NOW,)
    assert store.count(NOW + 5, NOW).made == ()
    assert taken(store, NOW + 5, 1, since=NOW).used == 1


def test_moments_are_compared_with_moments_however_small_they_are(store: DayStore) -> None:
    taken(store, 0.25, since=0.0)
    assert taken(store, 0.75, since=0.5).used == 1
    assert store.count(0.75, 0.5).made == (0.75,)


@pytest.mark.parametrize(("ahead", "counts"), [(1.0, True), (DAY, True), (DAY + 1.0, False)])
def test_a_call_of_a_clock_that_went_ahead_counts_as_made_now_unless_by_more_than_a_day(
    store: DayStore, ahead: float, counts: bool
) -> None:
    taken(store, NOW - 1)
    taken(store, NOW + ahead)
    assert store.count(NOW, LONG_AGO).made == ((NOW - 1, NOW) if counts else (NOW - 1,))
    assert taken(store, NOW).used == (3 if counts else 2)


def test_a_call_that_is_given_back_is_that_one_and_no_other(store: DayStore) -> None:
    first, second, third = (taken(store, NOW + number) for number in range(3))
    store.give_back(second.ticket)
    assert store.count(NOW + 9, LONG_AGO).made == (NOW, NOW + 2)
    store.give_back(second.ticket)
    store.give_back(third.ticket + 99)
    assert store.count(NOW + 9, LONG_AGO).made == (NOW, NOW + 2)
    store.give_back(first.ticket)
    store.give_back(third.ticket)
    assert (store.count(NOW + 9, LONG_AGO).made, taken(store, NOW + 9).used) == ((), 1)


def test_while_gong_calls_the_day_spent_no_call_is_counted_but_one_an_interval_to_find_out(
    store: DayStore,
) -> None:
    store.pause(NOW + 50_000, NOW)
    assert not store.is_reopened()
    assert refused(store, NOW).paused_until == NOW + 50_000
    assert refused(store, NOW + PROBE_INTERVAL - 1).probe_at == NOW + PROBE_INTERVAL
    assert taken(store, NOW + PROBE_INTERVAL).probe
    assert refused(store, NOW + PROBE_INTERVAL + 1).probe_at == NOW + 2 * PROBE_INTERVAL
    assert taken(store, NOW + 2 * PROBE_INTERVAL).probe


def test_it_is_over_at_its_very_moment_or_when_it_is_called_off(store: DayStore) -> None:
    store.pause(NOW + 100, NOW)
    refused(store, NOW + 99)
    assert not taken(store, NOW + 100).probe
    store.pause(NOW + 300, NOW + 200)
    store.reopen()
    assert store.is_reopened()
    assert (taken(store, NOW + 201).probe, store.count(NOW + 201, LONG_AGO).paused_until) == (False, 0.0)


def test_a_later_end_stands_unless_no_pause_can_end_so_late(store: DayStore) -> None:
    store.pause(NOW + 300, NOW)
    store.pause(NOW + 100, NOW)
    assert store.count(NOW, LONG_AGO).paused_until == NOW + 300
    store.pause(NOW + 400, NOW)
    assert store.count(NOW, LONG_AGO).paused_until == NOW + 400
    earlier = NOW - DAY  # the clock that wrote it was a day ahead
    assert store.count(earlier, earlier - DAY).paused_until == 0.0
    assert not taken(store, earlier).probe
    assert not store.is_reopened()
    store.pause(earlier + 50, earlier)
    assert refused(store, earlier + 1).paused_until == earlier + 50


def test_a_clock_that_was_set_back_puts_no_probe_off(store: DayStore) -> None:
    store.pause(NOW + 50_000, NOW)
    assert refused(store, NOW).probe_at == NOW + PROBE_INTERVAL
    assert taken(store, NOW - 1).probe
    assert refused(store, NOW - 1).probe_at == NOW - 1 + PROBE_INTERVAL


def test_calls_keep_the_order_of_their_moments_whatever_order_they_came_in(store: DayStore) -> None:
    for moment in (NOW + 2, NOW, NOW + 1):
        taken(store, moment)
    assert store.count(NOW + 2, LONG_AGO).made == (NOW, NOW + 1, NOW + 2)
    assert store.count(NOW + 2, NOW).made == (NOW + 1, NOW + 2)
