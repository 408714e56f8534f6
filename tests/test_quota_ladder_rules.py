"""The ladder's figures, each by the rule that it follows: an adaptive pace that is held by bounds alone can drift."""

from __future__ import annotations

import pytest

from gong_tasks_async import QuotaLimits
from gong_tasks_async.quota.ladder import Ladder, Window, calm_at, pace_share, spacing_at, windows_at

SEEKING = QuotaLimits(seek_raised_limit=True)


def calls_until_it_moves(ladder: Ladder, departed: float = 0.0) -> int:
    calls, rung = 0, ladder.rung
    while ladder.rung == rung:
        calls += 1
        ladder.accepted(departed)
    return calls


@pytest.mark.parametrize(
    ("rung", "share"),
    [(-9, 1.25**8), (-2, 1.25), (-1, 1.0), (0, 1.0), (1, 1.0), (2, 0.8), (3, 0.64), (7, 0.8**6)],
)
def test_each_rung_is_a_fifth_slower_than_the_one_above_or_a_quarter_faster(rung: int, share: float) -> None:
    assert pace_share(rung) == pytest.approx(share)
    assert spacing_at(rung, SEEKING) == pytest.approx(SEEKING.spacing / share)
    assert calm_at(rung) == pytest.approx(200 * min(1.0, share))


def test_the_fastest_pace_is_six_times_the_configured_one_and_a_step_that_held_shortens_the_next() -> None:
    ladder = Ladder(SEEKING)
    assert [calls_until_it_moves(ladder) for _ in range(9)] == [200, 200] + [50] * 7
    assert ladder.rate == pytest.approx(1.25**8 / SEEKING.spacing)
    for _ in range(1_000):
        ladder.accepted(0.0)
    assert ladder.rung == -9


def test_the_slowest_pace_is_that_of_rung_7() -> None:
    ladder = Ladder(QuotaLimits())
    for departed in range(0, 40, 2):
        ladder.refused(departed, departed + 1)
    assert ladder.rung == 7
    assert ladder.spacing == pytest.approx(QuotaLimits().spacing / 0.8**6)


def test_a_call_that_left_when_another_was_refused_or_before_counts_for_nothing() -> None:
    ladder = Ladder(QuotaLimits())
    assert ladder.refused(0.0, 1.0)
    before = (ladder.rung, ladder.run)
    assert not ladder.accepted(1.0)
    assert not ladder.refused(1.0, 2.0)
    assert (ladder.rung, ladder.run, ladder.refused_at) == (*before, 1.0)
    ladder.accepted(1.001)
    assert ladder.run == before[1] + 1
    ladder.shift(10.0)
    assert not ladder.accepted(11.0)
    assert ladder.refused(11.001, 12.0)


def test_the_mean_round_trip_takes_an_eighth_of_each_new_one_and_none_is_negative() -> None:
    ladder = Ladder(QuotaLimits())
    ladder.answered(0.0, 0.8)
    assert (ladder.flight, ladder.quickest) == (0.8, 0.8)
    ladder.answered(10.0, 10.4)
    assert (ladder.flight, ladder.quickest) == pytest.approx((0.75, 0.4))
    ladder.answered(10.0, 9.0)
    assert (ladder.flight, ladder.quickest) == pytest.approx((0.75 * 7 / 8, 0.0))


def test_the_quickest_round_trip_is_forgotten_by_a_fifth_in_a_thousand() -> None:
    ladder = Ladder(QuotaLimits())
    ladder.answered(0.0, 0.1)
    for _ in range(1_000):
        ladder.answered(0.0, 5.0)
    assert ladder.quickest == pytest.approx(0.1 * 1.0002**1_000)


@pytest.mark.parametrize(
    ("rung", "floor", "windows"),
    [
        (-1, 0.4, ()),
        (0, 0.0, (Window(3, 1.0),)),
        (0, 0.4, (Window(3, 1.0 - 0.35 * 0.4),)),
        (0, 9.0, (Window(3, 0.0),)),
        (1, 0.1, (Window(3, 1.0 - 0.035), Window(1, 1 / 3 - 0.08))),
        (3, 0.0, (Window(3, 1.0), Window(1, 1 / 3 / 0.64))),
        (3, 9.0, (Window(3, 0.0), Window(1, 0.0))),
    ],
)
def test_what_has_to_be_free_before_a_call_departs(
    rung: int, floor: float, windows: tuple[Window, ...]
) -> None:
    found = windows_at(rung, QuotaLimits(), floor)
    assert [window.calls for window in found] == [window.calls for window in windows]
    assert [window.hold for window in found] == pytest.approx([window.hold for window in windows])


def test_windows_follow_the_round_trip_once_200_answers_show_it_and_it_changed_by_a_hundredth() -> None:
    ladder = Ladder(QuotaLimits())
    for _ in range(199):
        ladder.answered(0.0, 0.4)
    assert ladder.windows[0].hold == pytest.approx(1.0)
    ladder.answered(0.0, 0.4)
    relied_on = ladder.windows[0].hold
    assert relied_on == pytest.approx(1.0 - 0.35 * 0.4)
    for _ in range(50):  # by 1.0002 each: just under a hundredth
        ladder.answered(0.0, 5.0)
    assert ladder.windows[0].hold == relied_on
    ladder.answered(0.0, 5.0)
    assert ladder.windows[0].hold == pytest.approx(1.0 - 0.35 * 0.4 * 1.0002**51)


def test_a_refusal_after_a_calm_moves_no_rung_and_one_call_sooner_it_does() -> None:
    for calls, rung in ((200, 0), (199, 1)):
        ladder = Ladder(QuotaLimits())
        for _ in range(calls):
            ladder.accepted(0.0)
        assert ladder.refused(1.0, 2.0)
        assert (calls, ladder.rung, ladder.run) == (calls, rung, 0)
