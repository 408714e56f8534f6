from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from gong_tasks_async.simulator import DayLimit, Engine, Fault, SecondLimit
from tests.simulator.simulator_calls import a_task, get_users, patch

# Times are multiples of 1/1024 s and rates powers of two, so that no rounding blurs the laws.
gaps = st.lists(st.integers(0, 2048).map(lambda ticks: ticks / 1024), min_size=1, max_size=80)


def statuses(engine: Engine, times: Iterable[float]) -> list[int]:
    return [get_users(engine, now).status for now in times]


def admitted(engine: Engine, gaps: Iterable[float]) -> list[float]:
    now, times = 100.0, []
    for gap in gaps:
        now += gap
        if get_users(engine, now).status == 200:
            times.append(now)
    return times


def company(**settings: object) -> Engine:
    return Engine(users=1, tasks_per_user=1, **settings)  # type: ignore[arg-type]  # settings of many types


@pytest.mark.parametrize(
    ("limit", "times", "expected"),
    [
        ("none", [0, 0, 0, 0, 0], [200, 200, 200, 200, 200]),
        # three at once, then a third of a second for each
        ("bucket", [0, 0, 0, 0, 0.34, 0.34, 0.68], [200, 200, 200, 429, 200, 429, 200]),
        # three late in a second and three early in the next
        ("fixed", [0.9, 0.9, 0.9, 0.95, 1.0, 1.0, 1.0, 1.5], [200, 200, 200, 429, 200, 200, 200, 429]),
        ("sliding", [0.9, 0.9, 1.0, 1.8, 1.9, 1.9, 1.99, 2.0], [200, 200, 200, 429, 200, 200, 429, 200]),
        ("spacing", [0, 0.2, 0.34, 0.5, 0.68], [200, 429, 200, 429, 200]),
    ],
)
def test_worked_examples_at_three_a_second(limit: str, times: list[float], expected: list[int]) -> None:
    assert statuses(company(second_limit=limit), times) == expected


@given(gaps)
def test_a_sliding_second_never_holds_more(gaps: list[float]) -> None:
    times = admitted(company(second_limit="sliding"), gaps)
    assert all(later - earlier >= 1 for earlier, later in zip(times, times[3:], strict=False))


@given(gaps)
def test_a_sliding_second_is_filled(gaps: list[float]) -> None:
    engine = company(second_limit="sliding")
    admitted(engine, gaps)
    refused = [entry.arrived for entry in engine.ledger.entries if entry.refused]
    passed = [entry.arrived for entry in engine.ledger.entries if not entry.refused]
    assert all(sum(now - 1 < other <= now for other in passed) == 3 for now in refused)


@given(gaps)
def test_a_clock_second_never_holds_more(gaps: list[float]) -> None:
    engine = company(second_limit="fixed")
    seconds = [int(now) for now in admitted(engine, gaps)]
    assert all(seconds.count(second) <= 3 for second in seconds)
    assert all(engine.ledger.by_second()[int(e.arrived)] > 3 for e in engine.ledger.entries if e.refused)


@given(gaps)
def test_spacing_keeps_its_gap(gaps: list[float]) -> None:
    times = admitted(company(second_limit="spacing", per_second=4), gaps)
    assert all(later - earlier >= 0.25 for earlier, later in pairwise(times))


@given(gaps)
def test_a_bucket_gives_its_burst_and_its_rate_and_no_more(gaps: list[float]) -> None:
    times = admitted(company(second_limit="bucket", per_second=4), gaps)
    for first, start in enumerate(times):
        assert all(n <= 4 + 4 * (end - start) for n, end in enumerate(times[first:], start=1))


@given(gaps, st.sampled_from(SecondLimit), st.sampled_from(DayLimit))
def test_whoever_waits_as_told_is_admitted(
    gaps: list[float], limit: SecondLimit, day_limit: DayLimit
) -> None:
    engine = company(second_limit=limit, per_second=4, day_limit=day_limit, per_day=10, day_seconds=16.0)
    now = 0.0
    for gap in gaps:
        now += gap
        refused = get_users(engine, now)
        if refused.status == 429:
            wait = refused.headers["Retry-After"]
            assert wait.isdecimal()
            assert int(wait) > 0
            now += int(wait)
            assert get_users(engine, now).status == 200


@given(gaps)
def test_a_rolling_day_never_holds_more(gaps: list[float]) -> None:
    times = admitted(company(second_limit="none", per_day=5, day_seconds=16.0), gaps)
    assert all(later - earlier >= 16 for earlier, later in zip(times, times[5:], strict=False))


@given(gaps)
def test_a_fixed_day_never_holds_more(gaps: list[float]) -> None:
    engine = company(second_limit="none", day_limit="fixed", per_day=5, day_seconds=16.0)
    days = [now // 16 for now in admitted(engine, gaps)]
    assert all(days.count(day) <= 5 for day in days)


def test_the_days_retry_after_can_reach_hours() -> None:
    engine = company(per_day=1)
    assert get_users(engine, 0).status == 200
    refused = get_users(engine, 3600.5)
    assert refused.headers["Retry-After"] == str(86_400 - 3600)
    assert refused.json()["errors"] == ["API rate limit exceeded. Try again later."]


def test_a_fixed_day_turns_at_its_hour() -> None:
    engine = company(second_limit="none", day_limit="fixed", per_day=1, day_seconds=100)
    assert statuses(engine, [99, 99.5, 100, 101]) == [200, 429, 200, 429]


@pytest.mark.parametrize(("counted", "expected"), [(False, 200), (True, 429)])
def test_refused_calls_count_against_the_day_or_not(counted: bool, expected: int) -> None:
    engine = company(per_day=4, count_rate_limited=counted)
    assert statuses(engine, [0, 0, 0, 0]) == [200, 200, 200, 429]
    assert get_users(engine, 2).status == expected


def test_refused_calls_that_count_push_a_rolling_day_on() -> None:
    engine = company(second_limit="none", per_day=2, day_seconds=10, count_rate_limited=True)
    assert statuses(engine, [0, 1, 9, 10, 18, 28]) == [200, 200, 429, 429, 429, 200]


def test_below_one_call_a_second_the_window_grows() -> None:
    for limit in ("bucket", "fixed", "sliding", "spacing"):
        assert statuses(company(second_limit=limit, per_second=0.5), [0, 1, 2]) == [200, 429, 200], limit


def test_the_limit_is_the_companys_and_counts_bad_requests() -> None:
    engine = company()
    task_id, user_id = a_task(engine)
    assert patch(engine, task_id, {}).status == 400
    assert patch(engine, 1, {"userId": user_id}).status == 404
    assert patch(engine, task_id, {"userId": user_id}).status == 200
    assert get_users(engine).status == 429


def test_faults_of_gong_count_and_faults_of_the_proxy_do_not() -> None:
    engine = company(per_second=1)
    engine.inject_fault(Fault.BAD_GATEWAY)
    assert statuses(engine, [0, 0, 0]) == [502, 200, 429]
    engine.inject_fault(Fault.SERVER_ERROR)
    assert statuses(engine, [5, 5]) == [500, 429]


@pytest.mark.parametrize("field", ["second_limit", "day_limit"])
def test_an_unknown_rule_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        company(**{field: "nonsense"})
