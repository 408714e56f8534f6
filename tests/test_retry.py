from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, strategies as st

from gong_tasks_async.errors import (
    AccessDeniedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    DailyQuotaError,
    DeadlineExceeded,
    DecodeError,
    ForeignResponseError,
    GongError,
    ProxyError,
    RateLimitError,
    RedirectError,
    ServerError,
    TaskNotFoundError,
    TLSError,
    TransportError,
    UpdateMismatchError,
)
from gong_tasks_async.http.retry import FORGET_STREAK, Attempts, RetryPolicy, Streak, may_be_made

RESET = TransportError(reason="reset")
FATAL = TransportError(reason="certificate", retryable=False)
POLICY = RetryPolicy()


def server(status: int) -> ServerError:
    return ServerError(status=status)


FAILURES: list[tuple[str, GongError, list[float | None]]] = [
    ("lost connection", RESET, [0.5, 1.0, 2.0, 4.0, None]),
    ("502", server(502), [0.5, 1.0, 2.0, 4.0, None]),
    ("503", server(503), [0.5, 1.0, 2.0, 4.0, None]),
    ("504", server(504), [0.5, 1.0, 2.0, 4.0, None]),
    ("500, a little", server(500), [0.5, None]),
    ("501", server(501), [None]),
    ("505", server(505), [None]),
    ("certificate", FATAL, [None]),
    *((str(status), server(status), [0.5, 1.0, 2.0, 4.0, None]) for status in (408, 425, 520, 524, 529, 530)),
    ("redirect", RedirectError(status=302), [None]),
    ("not Gong's", ForeignResponseError(status=200), [0.5, None]),
    ("not HTTP", TransportError(reason="bad header", garbled=True), [0.5, None]),
    ("proxy", ProxyError(reason="407"), [None]),
    ("certificate that is not trusted", TLSError(reason="expired"), [None]),
    ("another task", UpdateMismatchError(expected="task 7", found="task 8"), [None]),
    ("400", BadRequestError(status=400), [None]),
    ("401", AuthenticationError(status=401), [None]),
    ("403", AccessDeniedError(status=403), [None]),
    ("404", TaskNotFoundError(status=404), [None]),
    ("503 under another name", APIError(status=503), [None]),
    ("unreadable", DecodeError(path="$", expected="JSON", found="x"), [None]),
    ("deadline", DeadlineExceeded(reason="late"), [None]),
]


@pytest.mark.parametrize(("error", "waits"), [pytest.param(*row, id=name) for name, *row in FAILURES])
def test_each_failure_is_worth_so_many_tries(error: GongError, waits: list[float | None]) -> None:
    for sent, wait in enumerate(waits, start=1):
        assert POLICY.wait(error, Attempts(sent=sent), 1.0) == wait
    assert POLICY.wait(error, Attempts(sent=len(waits) + 1), 1.0) is None


REFUSALS: list[tuple[str, float | None, int, float | None]] = [
    ("as asked", 7.0, 1, 7.0),
    ("at once, which would spend the day", 0.0, 1, 1.0),
    ("at once, again", 0.0, 3, 4.0),
    ("a fraction", 0.25, 1, 1.0),
    ("the longest allowed", 60.0, 1, 60.0),
    ("a moment too long", 60.001, 1, None),
    ("the rest of the day", 7_200.0, 1, None),
    ("as asked, however often", 7.0, 1_000_000, 7.0),
    ("first guess", None, 1, 1.0),
    ("second guess", None, 2, 2.0),
    ("sixth guess", None, 6, 32.0),
    ("a guess too long", None, 7, None),
    ("the thousandth guess", None, 1_000, None),
]


@pytest.mark.parametrize(
    ("asked", "refused", "wait"), [pytest.param(*row, id=name) for name, *row in REFUSALS]
)
@pytest.mark.parametrize("kind", [RateLimitError, DailyQuotaError])
def test_a_refusal_waits_as_asked_within_max_wait(
    kind: type[RateLimitError], asked: float | None, refused: int, wait: float | None
) -> None:
    error = kind(retry_after=asked)
    assert POLICY.wait(error, Attempts(sent=refused, rate_limited=refused), 0.0) == wait


@pytest.mark.parametrize(
    ("paused", "limit", "waits"),
    [(300.0, None, True), (300.1, None, False), (9.0, 9.0, True), (9.1, 9.0, False), (0.0, 0.0, True)],
)
def test_the_pauses_of_one_call_add_up_to_a_limit_which_is_five_of_the_longest(
    paused: float, limit: float | None, waits: bool
) -> None:
    policy = RetryPolicy(max_wait=60.0, max_total_wait=limit)
    wait = policy.wait(RateLimitError(retry_after=7.0), Attempts(sent=1, rate_limited=1, paused=paused), 0.0)
    assert wait == (7.0 if waits else None)


@pytest.mark.parametrize(("in_vain", "waits"), [(300.0, True), (300.1, False)])
def test_the_same_limit_holds_for_the_pauses_of_all_calls_while_none_is_let_through(
    in_vain: float, waits: bool
) -> None:
    attempts = Attempts(sent=1, rate_limited=1, paused=1.0, paused_in_vain=in_vain)
    assert RetryPolicy(max_wait=60.0).wait(RateLimitError(retry_after=1.0), attempts, 0.0) == (
        1.0 if waits else None
    )


def test_a_streak_counts_pauses_at_the_same_time_once_and_ends_with_a_call_that_is_let_through() -> None:
    streak = Streak()
    for pause, now in ((10.0, 0.0), (10.0, 4.0), (2.0, 5.0), (1.0, 100.0)):
        streak.add(pause, now)
    assert streak.paused == 14.0 + 1.0
    streak.end()
    streak.add(3.0, 100.5)
    assert streak.paused == 2.5  # half a second of it was counted before


@pytest.mark.parametrize(("later", "paused"), [(FORGET_STREAK, 8.0), (FORGET_STREAK + 0.1, 4.0)])
def test_a_streak_is_forgotten_where_no_call_was_sent_for_long(later: float, paused: float) -> None:
    streak = Streak()
    streak.add(4.0, 0.0)
    streak.add(4.0, 4.0 + later)
    assert streak.paused == paused


@pytest.mark.parametrize(
    ("asked", "paused", "resume_in"),
    [
        (None, 0.0, None),
        (9.0, 0.0, 9.0),
        (None, 70.0, 70.0),
        (1.0, 299.0, 299.0),
        (1.0, 9_000.0, 300.0),
        (900.0, 400.0, 900.0),
    ],
)
def test_another_attempt_is_put_off_for_as_long_as_calls_were_refused_at_most_five_minutes_more_than_asked(
    asked: float | None, paused: float, resume_in: float | None
) -> None:
    assert RateLimitError(retry_after=asked, paused=paused).resume_in == resume_in


@pytest.mark.parametrize(
    ("asked", "max_wait", "wait"),
    [
        (None, 60.0, 0.5),
        (0.25, 60.0, 0.5),
        (7.0, 60.0, 7.0),
        (60.0, 60.0, 60.0),
        (61.0, 60.0, None),
        (20.0, 1.0, 20.0),  # as long as a wait that nobody asked for may become
        (21.0, 1.0, None),
    ],
)
@pytest.mark.parametrize("kind", [ServerError, ForeignResponseError])
def test_a_failure_may_name_a_longer_wait_too(
    kind: type[ServerError], asked: float | None, max_wait: float, wait: float | None
) -> None:
    policy = RetryPolicy(max_wait=max_wait, max_backoff=20.0)
    assert policy.wait(kind(status=503, retry_after=asked), Attempts(sent=1), 1.0) == wait


def test_a_call_that_was_not_paused_yet_may_be_paused_as_long_as_gong_asks() -> None:
    policy = RetryPolicy(max_total_wait=0.0)
    assert policy.wait(RateLimitError(retry_after=7.0), Attempts(sent=1, rate_limited=1), 0.0) == 7.0


def test_settings_are_given_by_name_and_are_the_documented_ones_by_default() -> None:
    with pytest.raises(TypeError):
        RetryPolicy(5)  # type: ignore[call-arg]
    assert RetryPolicy() == RetryPolicy(
        attempts=5,
        attempts_on_500=2,
        max_wait=60.0,
        max_total_wait=None,
        backoff=0.5,
        max_backoff=20.0,
        attempt_timeout=60.0,
        refusal_backoff=1.0,
    )


def test_no_wait_grows_beyond_the_longest_range() -> None:
    patient = RetryPolicy(attempts=5_000)
    assert [patient.wait(RESET, Attempts(sent=sent), 1.0) for sent in (6, 7, 2_000)] == [16.0, 20.0, 20.0]


@pytest.mark.parametrize(
    ("asked", "from_gong", "max_wait", "is_daily"),
    [
        (60.0, True, 10.0, True),
        (59.9, True, 10.0, False),
        (100.0, True, 300.0, False),
        (300.0, True, 300.0, False),
        (300.1, True, 300.0, True),
        (7_200.0, False, 60.0, False),
        (None, True, 0.0, False),
    ],
)
def test_only_gong_asks_for_the_rest_of_the_day_and_for_longer_than_a_call_waits(
    asked: float | None, from_gong: bool, max_wait: float, is_daily: bool
) -> None:
    error = RateLimitError(retry_after=asked, from_gong=from_gong)
    assert RetryPolicy(max_wait=max_wait).is_daily_limit(error) is is_daily


@pytest.mark.parametrize(
    ("asked", "max_wait", "pause"), [(7_200.0, 60.0, 60.0), (9.0, 60.0, 9.0), (7_200.0, 0.5, 1.0)]
)
def test_what_is_not_gong_s_pauses_the_calls_no_longer_than_one_call_waits(
    asked: float, max_wait: float, pause: float
) -> None:
    error = RateLimitError(retry_after=asked, from_gong=False)
    assert RetryPolicy(max_wait=max_wait).pause_after_429(error, Attempts(sent=1, rate_limited=1)) == pause


@pytest.mark.parametrize(
    ("error", "made"),
    [
        (BadRequestError(status=400), False),
        (APIError(status=499), False),
        (APIError(status=500), True),
        (server(503), True),
        (ForeignResponseError(status=403), True),
        (RateLimitError(status=429), False),
        (TransportError(reason="reset"), True),
        (TransportError(reason="refused", connected=False), False),
        (DecodeError(path="$", expected="JSON", found="x"), True),
    ],
)
def test_a_change_may_be_made_unless_gong_refused_it_or_was_not_reached(error: GongError, made: bool) -> None:
    assert may_be_made(error) is made


def test_refusals_do_not_use_up_attempts() -> None:
    tries = Attempts(sent=104, rate_limited=100)
    assert tries.failed == 4
    assert POLICY.wait(RESET, tries, 1.0) == 4.0
    assert POLICY.wait(RESET, Attempts(sent=105, rate_limited=100), 1.0) is None


def test_failures_do_not_lengthen_the_guess_after_a_refusal() -> None:
    assert POLICY.pause_after_429(RateLimitError(), Attempts(sent=5, rate_limited=1)) == 1.0


def test_the_gate_is_told_the_asked_time_even_beyond_max_wait() -> None:
    assert (
        POLICY.pause_after_429(RateLimitError(retry_after=7_200.0), Attempts(sent=1, rate_limited=1))
        == 7_200.0
    )


def test_one_attempt_turns_retries_off_but_not_waiting_for_gong() -> None:
    once = RetryPolicy(attempts=1)
    assert once.wait(RESET, Attempts(sent=1), 1.0) is None
    assert once.wait(server(500), Attempts(sent=1), 1.0) is None
    assert once.wait(RateLimitError(retry_after=3.0), Attempts(sent=1, rate_limited=1), 1.0) == 3.0


def test_attempts_on_500_never_exceed_attempts() -> None:
    policy = RetryPolicy(attempts=2, attempts_on_500=9)
    assert policy.wait(server(500), Attempts(sent=1), 1.0) == 0.5
    assert policy.wait(server(500), Attempts(sent=2), 1.0) is None


ERRORS = st.one_of(
    st.builds(TransportError, reason=st.just("reset"), retryable=st.booleans()),
    st.builds(APIError, status=st.integers(100, 499)),
    st.builds(ServerError, status=st.integers(500, 999)),
    st.builds(RateLimitError, retry_after=st.none() | st.floats(0, 1e6)),
)
POLICIES = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 10**6),
    attempts_on_500=st.integers(1, 10**6),
    max_wait=st.floats(0, 1e9) | st.just(math.inf),
    backoff=st.floats(0, 1e9),
    max_backoff=st.floats(0, 1e9),
    refusal_backoff=st.floats(1e-9, 1e300),
)
TRIES = st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)).map(
    lambda pair: Attempts(sent=sum(pair), rate_limited=pair[0])
)


@given(POLICIES, ERRORS, TRIES, st.floats(0, 1))
def test_a_wait_is_never_negative_nor_beyond_its_bound(
    policy: RetryPolicy, error: GongError, tries: Attempts, jitter: float
) -> None:
    wait = policy.wait(error, tries, jitter)
    bound = policy.max_wait if isinstance(error, RateLimitError) else policy.max_backoff
    assert wait is None or 0 <= wait <= bound


@given(POLICIES, TRIES, st.integers(1, 1_000))
def test_more_refusals_change_nothing_for_failures(policy: RetryPolicy, tries: Attempts, more: int) -> None:
    later = Attempts(sent=tries.sent + more, rate_limited=tries.rate_limited + more)
    assert policy.wait(RESET, tries, 1.0) == policy.wait(RESET, later, 1.0)


@given(POLICIES, TRIES, st.floats(0, 1))
def test_no_draw_waits_longer_than_the_full_range(
    policy: RetryPolicy, tries: Attempts, jitter: float
) -> None:
    full, drawn = policy.wait(RESET, tries, 1.0), policy.wait(RESET, tries, jitter)
    assert (full is None) == (drawn is None)
    assert full is None or drawn is None or drawn == pytest.approx(jitter * full)


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"attempts": 0}, "attempts must be at least 1, not 0"),
    ({"attempts": math.nan}, "attempts must be a whole number, not float nan"),
    ({"attempts_on_500": -1}, "attempts_on_500 must be at least 1, not -1"),
    ({"max_wait": -0.1}, "max_wait must be 0 seconds or more, not -0.1"),
    ({"max_wait": math.nan}, "max_wait must be 0 seconds or more, not nan"),
    ({"backoff": -1}, "backoff must be 0 seconds or more, and finite, not -1"),
    ({"max_backoff": -1}, "max_backoff must be 0 seconds or more, and finite, not -1"),
    ({"attempt_timeout": 0}, "attempt_timeout must be more than 0 seconds, not 0"),
    ({"attempt_timeout": math.nan}, "attempt_timeout must be more than 0 seconds, not nan"),
    ({"refusal_backoff": 0.0}, "refusal_backoff must be more than 0 seconds, not 0.0"),
]


@pytest.mark.parametrize(("wrong", "says"), SETTINGS, ids=str)
def test_a_setting_out_of_its_range_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=r"^RetryPolicy refused: ") as caught:
        RetryPolicy(**wrong)
    assert str(caught.value) == f"RetryPolicy refused: {says}"


def test_all_bad_settings_are_named_at_once() -> None:
    with pytest.raises(ValueError, match="RetryPolicy") as caught:
        RetryPolicy(
            attempts=0, attempts_on_500=0, max_wait=-1, backoff=-1, max_backoff=-1,
            attempt_timeout=0, refusal_backoff=0,
        )  # fmt: skip
    assert str(caught.value).count("; ") == 6


def test_unbounded_backoff_is_refused_or_still_gives_a_number() -> None:
    """0 times infinity is no number, and asyncio.sleep(nan) never ends as meant."""
    try:
        policy = RetryPolicy(backoff=math.inf, max_backoff=math.inf)
    except ValueError:
        return
    wait = policy.wait(RESET, Attempts(sent=1), 0.0)
    assert wait is not None
    assert wait >= 0
