"""The ladder as values: what each rung guarantees, and what moves the rung."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings, strategies as st

from gong_tasks_async import QuotaLimits
from gong_tasks_async.errors import InvalidValueError
from gong_tasks_async.quota.ladder import (
    CALM,
    FASTEST_RUNG,
    LEAST_PATIENCE,
    MOST_PATIENCE,
    SLOWEST_RUNG,
    Ladder,
    Window,
    calm_at,
    pace_share,
    spacing_at,
    windows_at,
)

SEEKING = QuotaLimits(seek_raised_limit=True)


def accept(ladder: Ladder, calls: int, now: float = 0.0) -> int:
    """Answer so many calls; how often the rung changed."""
    return sum(ladder.accepted(now) for _ in range(calls))


def refuse(ladder: Ladder, times: int, start: float = 0.0) -> float:
    """Refuse calls that were not in flight together; the time of the last."""
    for step in range(times):
        ladder.refused(start + 2 * step, start + 2 * step + 1)
    return start + 2 * times


def test_the_configured_pace_lies_at_rungs_0_and_1_and_each_step_changes_it_one_way() -> None:
    assert pace_share(-1) == pace_share(0) == pace_share(1) == 1.0
    shares = [pace_share(rung) for rung in range(FASTEST_RUNG, SLOWEST_RUNG + 1)]
    assert shares == sorted(shares, reverse=True)


@given(st.integers(0, SLOWEST_RUNG), st.floats(0.1, 50), st.floats(0.1, 10), st.floats(0, 5))
def test_every_rung_keeps_the_whole_window(rung: int, per_second: float, window: float, floor: float) -> None:
    limits = QuotaLimits(per_second=per_second, window=window)
    first, *others = windows_at(rung, limits, floor)
    assert first.calls <= max(1, per_second * window)
    assert limits.hold - 0.35 * floor <= first.hold + 1e-9 <= limits.hold + 2e-9
    assert [each.calls for each in others] == [1] * (rung > 0)
    assert all(each.hold >= 0 for each in others)


def test_without_answers_nothing_of_the_round_trip_is_relied_on() -> None:
    ladder = Ladder(QuotaLimits())
    for _ in range(CALM - 1):
        ladder.answered(0.0, 0.4)
    assert ladder.windows == (Window(3, 1.0),)
    ladder.answered(0.0, 0.4)
    assert ladder.windows[0].hold == pytest.approx(1 - 0.35 * 0.4)


def test_one_quick_answer_is_believed_at_once_and_forgotten_slowly() -> None:
    ladder = Ladder(QuotaLimits())
    for _ in range(CALM + 1):
        ladder.answered(0.0, 0.4)
    ladder.answered(0.0, 0.01)
    assert ladder.windows[0].hold == pytest.approx(1 - 0.35 * 0.01)
    for _ in range(1000):
        ladder.answered(0.0, 0.4)
    assert ladder.quickest == pytest.approx(0.0122, abs=0.0001)


def test_refusals_of_calls_in_flight_together_count_once() -> None:
    ladder = Ladder(QuotaLimits())
    assert ladder.refused(1.0, 1.2)
    assert not ladder.refused(1.1, 1.3)
    assert not ladder.accepted(1.1)
    assert (ladder.rung, ladder.run) == (1, 0)


def test_the_slowest_rung_is_a_quarter_of_the_pace_and_calm_leads_back_to_the_full_one() -> None:
    ladder = Ladder(QuotaLimits())
    now = refuse(ladder, 30)
    assert ladder.rung == SLOWEST_RUNG
    assert pace_share(ladder.rung) == pytest.approx(0.262, abs=0.001)
    calls = 0
    while ladder.rung:
        ladder.accepted(now)
        calls += 1
    # A calm at the slowest rung, one at the next that proves it, and a quarter of one at each of the others.
    assert calls == math.ceil(200 * 0.8**6) + math.ceil(200 * 0.8**5) + sum(
        math.ceil(50 * 0.8 ** max(0, rung - 1)) for rung in range(1, 6)
    )


def test_a_calm_takes_the_same_time_at_every_rung_above_the_full_pace() -> None:
    limits = QuotaLimits()
    times = [calm_at(rung) * spacing_at(rung, limits) for rung in range(SLOWEST_RUNG + 1)]
    assert times == pytest.approx([CALM * 1.03 / 3] * len(times))
    assert calm_at(FASTEST_RUNG) == CALM


def test_a_step_that_held_ends_the_patience() -> None:
    ladder = Ladder(QuotaLimits())
    now = 0.0
    for _ in range(4):  # each step to rung 0 is refused at once
        now = refuse(ladder, 1, now)
        while ladder.rung:
            ladder.accepted(now)
    now = refuse(ladder, 1, now)
    assert ladder.patience == MOST_PATIENCE
    while ladder.rung:
        ladder.accepted(now)
    accept(ladder, CALM - 1, now)
    assert ladder.patience == MOST_PATIENCE
    ladder.accepted(now)
    assert ladder.patience == LEAST_PATIENCE
    # A refusal in its time is no reason to be patient again.
    ladder.refused(now, now + 1)
    assert (ladder.rung, ladder.patience) == (0, 1.0)


def test_a_step_down_that_is_refused_at_once_is_tried_later_and_later() -> None:
    ladder = Ladder(QuotaLimits())
    now, needed = refuse(ladder, 1), []
    for _ in range(5):
        calls = 0
        while ladder.rung:
            calls += 1
            ladder.accepted(now)
        needed.append(calls)
        ladder.refused(now, now + 1)
        now += 2
    assert needed == [200, 400, 800, 1600, 1600]
    assert ladder.patience == MOST_PATIENCE


def test_one_refusal_in_more_than_200_calls_does_not_slow() -> None:
    ladder = Ladder(QuotaLimits())
    accept(ladder, CALM)
    assert ladder.refused(1.0, 1.5)  # it still delays the next departure
    assert ladder.rung == 0
    ladder.refused(2.0, 2.5)
    assert ladder.rung == 1


def test_without_adaptive_the_rung_stays() -> None:
    ladder = Ladder(QuotaLimits(adaptive=False))
    refuse(ladder, 5)
    assert ladder.rung == 0


def test_only_on_request_faster_paces_are_tried() -> None:
    usual, seeking = Ladder(QuotaLimits()), Ladder(SEEKING)
    assert accept(usual, 10_000) == 0
    accept(seeking, 10_000)
    assert (usual.rung, seeking.rung) == (0, FASTEST_RUNG)
    assert seeking.windows == ()
    refuse(seeking, 1)
    assert seeking.rung == FASTEST_RUNG + 1  # below 0 each refusal counts, however long the run was
    with pytest.raises(InvalidValueError, match="seek_raised_limit needs adaptive"):
        QuotaLimits(adaptive=False, seek_raised_limit=True)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(["answered", "accepted", "refused"]), st.floats(0, 5)), max_size=600)
)
def test_whatever_happens_the_pace_stays_within_its_bounds(steps: list[tuple[str, float]]) -> None:
    ladder, now = Ladder(SEEKING), 0.0
    for name, flight in steps:
        departed, now = now, now + flight
        getattr(ladder, name)(departed, *([] if name == "accepted" else [now]))
        assert FASTEST_RUNG <= ladder.rung <= SLOWEST_RUNG
        assert 0 < ladder.spacing < math.inf
        assert 0 < ladder.rate < math.inf
        assert 0.25 <= ladder.patience <= MOST_PATIENCE


def test_the_rate_counts_what_the_round_trips_cost() -> None:
    ladder = Ladder(QuotaLimits())
    assert ladder.rate == pytest.approx(3 / 1.03)
    for _ in range(100):
        ladder.answered(0.0, 0.5)
    assert ladder.rate == pytest.approx(3 / 1.5)
