from __future__ import annotations

import asyncio
import itertools
import pickle
import types
from collections.abc import Callable, Coroutine, Generator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import pytest
from hypothesis import given, settings, strategies as st

from gong_tasks_async import (
    AccessDeniedError,
    AccessKey,
    BadRequestError,
    CallAttempted,
    DailyQuotaError,
    DeadlineExceeded,
    Event,
    ForeignResponseError,
    GongError,
    Lane,
    LocalQuota,
    ProxyError,
    QuotaLimits,
    RateLimitError,
    RedirectError,
    RetryPlanned,
    RetryPolicy,
    ServerError,
    TaskNotFoundError,
    TransportError,
    Unlimited,
)
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.events import EventSink
from gong_tasks_async.http.messages import HttpRequest
from gong_tasks_async.quota import Quota
from gong_tasks_async.simulator import VirtualClockLoop
from tests.fakes import Answer, ScriptedTransport, answer, html, lost, task_answer, times_between

pytestmark = pytest.mark.virtual
T = TypeVar("T")
REQUEST = HttpRequest("PATCH", "/v2/tasks/7", b"{}")


def caller(transport: ScriptedTransport, **changes: Any) -> Caller:
    settings: dict[str, Any] = {
        "transport": transport,
        "quota": Unlimited(),
        "retry": RetryPolicy(),
        "lane": Lane.INTERACTIVE,
        "timeout": None,
        "events": EventSink(),
        "jitter": lambda: 1.0,
    }
    return Caller(**settings | changes)


def steady() -> LocalQuota:
    return LocalQuota(QuotaLimits(adaptive=False))


def now() -> float:
    return asyncio.get_running_loop().time()


async def failure_of(calling: Caller) -> GongError:
    with pytest.raises(GongError) as raised:
        await calling.call(REQUEST)
    return raised.value


@pytest.mark.parametrize("trouble", [lost(), answer(502), answer(503), answer(504)], ids=repr)
async def test_a_passing_failure_is_repeated_until_it_is_over(trouble: Answer) -> None:
    network = ScriptedTransport(trouble, trouble, trouble, trouble, answer(200))
    calling = caller(network)
    assert (await calling.call(REQUEST)).status == 200
    assert calling.calls == len(network.sent) == 5
    assert times_between(network.times) == pytest.approx([0.5, 1.0, 2.0, 4.0], abs=1e-3)


@pytest.mark.parametrize(
    ("trouble", "kind", "sent"),
    [
        (lost(), TransportError, 5),
        (answer(503), ServerError, 5),
        (answer(500), ServerError, 2),
        (answer(400), BadRequestError, 1),
        (answer(403), AccessDeniedError, 1),
        (answer(404), TaskNotFoundError, 1),
        (answer(302), RedirectError, 1),
        (html(200), ForeignResponseError, 2),
        (html(404), ForeignResponseError, 2),
        (html(503), ServerError, 5),
        (answer(407), ProxyError, 1),
        (TransportError(reason="certificate", retryable=False), TransportError, 1),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
async def test_a_failure_that_stays_is_raised_once_with_all_its_facts(
    trouble: Answer, kind: type[GongError], sent: int
) -> None:
    network = ScriptedTransport(trouble)
    error = await failure_of(caller(network))
    assert type(error) is kind
    assert len(network.sent) == error.attempts == sent
    assert (error.method, error.url) == ("PATCH", "https://api.gong.io/v2/tasks/7")
    assert pickle.loads(pickle.dumps(error)).attempts == sent  # noqa: S301 - our own


async def test_an_attempt_that_reached_no_server_is_no_call() -> None:
    refused = TransportError(reason="refused", connected=False)
    calling = caller(ScriptedTransport(refused, refused, answer(200)))
    assert (await calling.call(REQUEST)).attempts == 3
    assert calling.calls == 1


async def test_a_429_is_waited_out_exactly_as_asked_and_never_counts_as_an_attempt() -> None:
    refusals = [answer(429, retry_after="7")] * 20
    network = ScriptedTransport(*refusals, answer(200))
    calling = caller(network, quota=steady(), retry=RetryPolicy(attempts=1))
    assert (await calling.call(REQUEST)).status == 200
    assert times_between(network.times) == pytest.approx([7.0] * 20, abs=1e-3)


@pytest.mark.parametrize(
    "header", [{}, {"retry_after": "soon"}, {"retry_after": "-1"}, {"retry_after": "nan"}]
)
async def test_a_429_that_does_not_say_how_long_is_waited_out_longer_each_time(
    header: dict[str, str],
) -> None:
    network = ScriptedTransport(*[answer(429, **header)] * 4, answer(200))
    await caller(network, quota=steady()).call(REQUEST)
    assert times_between(network.times) == pytest.approx([1.0, 2.0, 4.0, 8.0], abs=1e-2)


async def test_429s_that_never_say_how_long_do_not_go_on_for_ever() -> None:
    error = await failure_of(caller(ScriptedTransport(answer(429)), quota=steady()))
    assert type(error) is RateLimitError
    assert now() < 70


async def test_one_429_quiets_every_caller_and_then_they_leave_in_order() -> None:
    network = ScriptedTransport(answer(429, retry_after="20"), task_answer)
    quota = steady()
    calling = caller(network, quota=quota)
    others = [HttpRequest("PATCH", f"/v2/tasks/{number}", b"{}") for number in range(1, 6)]
    await asyncio.gather(calling.call(REQUEST), *(calling.call(other) for other in others))
    paths = [request.path for _, request in network.sent]
    assert paths == [REQUEST.path, REQUEST.path, *(other.path for other in others)]  # it kept its place
    assert network.times[1] - network.times[0] == pytest.approx(20.0, abs=1e-2)
    assert min(times_between(network.times[1:])) >= QuotaLimits().spacing - 1e-6


async def test_a_wait_beyond_max_wait_is_raised_at_once_and_spares_the_others_their_calls() -> None:
    network = ScriptedTransport(answer(429, retry_after="7200"))
    quota = steady()
    first = await failure_of(caller(network, quota=quota))
    second = await failure_of(caller(network, quota=quota))
    assert now() < 1.0
    assert isinstance(first, RateLimitError)
    assert isinstance(second, RateLimitError)
    assert (first.retry_after, first.attempts) == (7200.0, 1)
    assert second.retry_after == pytest.approx(7200.0, abs=1.0)
    assert second.attempts == 0
    assert len(network.sent) == 1


async def test_a_wait_of_hours_is_understood_as_the_day_s_end_and_a_short_one_is_not() -> None:
    spent = await failure_of(caller(ScriptedTransport(answer(429, retry_after="7200")), quota=steady()))
    assert isinstance(spent, DailyQuotaError)
    assert spent.resets_at is not None
    assert abs(spent.resets_at - datetime.now(UTC) - timedelta(hours=2)) < timedelta(seconds=10)
    impatient = RetryPolicy(max_wait=5.0)
    network = ScriptedTransport(answer(429, retry_after="10"))
    short = await failure_of(caller(network, quota=steady(), retry=impatient))
    assert type(short) is RateLimitError


async def test_a_wait_that_would_end_after_the_deadline_is_never_begun() -> None:
    network = ScriptedTransport(answer(429, retry_after="30"))
    error = await failure_of(caller(network, quota=steady(), timeout=10.0))
    assert now() < 0.1
    assert isinstance(error, DeadlineExceeded)
    assert (error.attempts, error.estimate) == (1, 30.0)


async def test_a_backoff_that_would_end_after_the_deadline_is_never_begun_either() -> None:
    network = ScriptedTransport(lost())
    error = await failure_of(caller(network, timeout=1.0))
    assert isinstance(error, DeadlineExceeded)
    assert isinstance(error.__cause__, TransportError)
    assert now() == pytest.approx(0.5, abs=1e-3)


async def test_the_deadline_cuts_a_request_that_takes_too_long_and_says_that_it_was_sent() -> None:
    quota = steady()
    error = await failure_of(caller(ScriptedTransport(answer(200), seconds=60), quota=quota, timeout=5.0))
    assert isinstance(error, DeadlineExceeded)
    assert now() == pytest.approx(5.0, abs=1e-3)
    assert "sent 1 times" in str(error)
    await quota.acquire(Lane.BULK)  # the slot was given back


async def test_a_deadline_in_the_middle_of_the_line_leaves_without_a_trace() -> None:
    quota = LocalQuota(QuotaLimits(per_second=1.0, headroom=0.0))
    taken = await quota.acquire(Lane.BULK)
    error = await failure_of(caller(ScriptedTransport(answer(200)), quota=quota, timeout=5.0))
    assert isinstance(error, DeadlineExceeded)
    assert "never sent" in str(error)
    quota.release(taken, status=200)
    assert (await quota.acquire(Lane.BULK)).departed == pytest.approx(6.0, abs=0.1)


async def test_events_tell_each_attempt_and_each_planned_retry() -> None:
    heard: list[Event] = []
    network = ScriptedTransport(lost(), answer(503), answer(200), seconds=0.25)
    await caller(network, events=EventSink(heard.append)).call(REQUEST)
    attempts = [event for event in heard if isinstance(event, CallAttempted)]
    retries = [event for event in heard if isinstance(event, RetryPlanned)]
    assert [(event.status, event.attempt) for event in attempts] == [(None, 1), (503, 2), (200, 3)]
    assert [event.wait for event in retries] == [0.5, 1.0]
    assert attempts[0].seconds == pytest.approx(0.25, abs=1e-3)


Build = Callable[[], Caller]


@types.coroutine
def cancelled_at(await_number: int, coroutine: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Run a coroutine, and cancel its task once it has come to the given one of its awaits."""
    task, proceed, value = asyncio.current_task(), coroutine.send, None
    for number in itertools.count():
        try:
            waits_for = proceed(value)
        except StopIteration as end:
            return cast("T", end.value)
        if number == await_number:
            assert task is not None
            asyncio.get_running_loop().call_soon(task.cancel)
        try:
            proceed, value = coroutine.send, (yield waits_for)
        except BaseException as thrown:  # noqa: BLE001 - handed on into the coroutine
            proceed, value = coroutine.throw, thrown
    raise AssertionError


def is_cut_short(await_number: int, build: Build) -> bool:
    """Cancel a call at one of its awaits, and see that the quota has forgotten it."""

    async def scenario() -> bool:
        calling = build()

        async def call() -> object:
            return await cancelled_at(await_number, calling.call(REQUEST))

        task = asyncio.create_task(call())
        await asyncio.wait([task])
        before = now()
        await asyncio.wait_for(use_again(calling.quota), 60)
        assert now() - before <= 12.5  # the pause, a window, and a spacing or two at the most
        return task.cancelled()

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(scenario())


async def use_again(quota: Quota) -> None:
    for _ in range(4):
        quota.release(await quota.acquire(Lane.BULK), status=200)


def test_a_call_cancelled_at_any_of_its_awaits_leaves_the_quota_as_it_found_it() -> None:
    def build() -> Caller:
        script: list[Answer] = [lost(), answer(429, retry_after="10"), answer(503), answer(200)]
        return caller(ScriptedTransport(*script, seconds=0.3), quota=steady(), timeout=40.0)

    awaits = 0
    while is_cut_short(awaits, build):
        awaits += 1
    assert awaits == 7  # it did get further each time: 4 answers, 2 backoffs, 1 pause


SCRIPTS = st.lists(
    st.sampled_from([200, 400, 401, 403, 404, 429, 500, 502, 503, 0]).flatmap(
        lambda status: st.tuples(st.just(status), st.sampled_from(["0", "1", "30", "3600", "", "x"]))
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(script=SCRIPTS, timeout=st.none() | st.floats(0.1, 200), flight=st.sampled_from([0.0, 0.1, 3.0]))
def test_whatever_gong_does_a_call_ends_in_time_with_an_answer_or_one_typed_error(
    script: list[tuple[int, str]], timeout: float | None, flight: float
) -> None:
    answers = [answer(status, retry_after=after) if status else lost() for status, after in script]
    network = ScriptedTransport(*answers, answer(200), seconds=flight)

    async def scenario() -> None:
        calling = caller(network, quota=LocalQuota(), timeout=timeout)
        failure = None
        try:
            await calling.call(REQUEST)
        except GongError as error:
            failure = error
        assert failure is None or (failure.attempts == calling.calls and failure.url and str(failure))
        if timeout is not None:
            assert now() <= timeout + 1e-3
        assert calling.calls == len(network.sent)

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        runner.run(scenario())


async def test_no_credential_is_in_a_caller_s_repr() -> None:
    key = AccessKey("ACCESSKEY", "TOPSECRET")
    assert "TOPSECRET" not in repr(caller(ScriptedTransport())) + repr(key)
