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
from gong_tasks_async.http.retry import Attempts, RetryPolicy

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
