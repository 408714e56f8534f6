"""What a caller passes on of each call, and to whom: quota, network, credentials, headers, the look before a resend."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest
from attrs import define, field, frozen

from gong_tasks_async import (
    AuthenticationError,
    BadRequestError,
    CallEnded,
    DeadlineExceeded,
    Event,
    GongError,
    Lane,
    RateLimitError,
    RetryPolicy,
    ServerError,
    TransportError,
    Unlimited,
)
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.auth.renewal import Refresher
from gong_tasks_async.events import EventSink
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.quota import Permit, Quota
from tests.fakes import Answer, ScriptedTransport, answer, lost

pytestmark = pytest.mark.virtual
REQUEST = HttpRequest("PATCH", "/v2/tasks/7", b"{}")
REFUSED = TransportError(reason="refused", connected=False)


@frozen
class Acquired:
    lane: Lane
    deadline: float | None
    max_wait: float
    returning: bool


class WatchedQuota:
    """Grants a permit after some seconds, and writes down all that it is asked for and told."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.acquired: list[Acquired] = []
        self.released: list[tuple[int, int | None, bool]] = []
        self.pauses: list[tuple[float, bool]] = []

    async def acquire(
        self, lane: Lane, *, deadline: float | None, max_wait: float, returning: bool
    ) -> Permit:
        self.acquired.append(Acquired(lane, deadline, max_wait, returning))
        await asyncio.sleep(self.seconds)
        return Permit(now(), ticket=len(self.acquired))

    def release(self, permit: Permit, *, status: int | None, sent: bool = True) -> None:
        self.released.append((permit.ticket, status, sent))

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        self.pauses.append((seconds, day_spent))


class WatchedTransport(ScriptedTransport):
    """Also writes down how long each attempt may take."""

    def __init__(self, *answers: Answer, seconds: float = 0.0) -> None:
        super().__init__(*answers, seconds=seconds)
        self.timeouts: list[float] = []

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ASYNC109 - the protocol's
        self.timeouts.append(timeout)
        return await super().send(request, timeout)


def now() -> float:
    return asyncio.get_running_loop().time()


def caller(network: ScriptedTransport, quota: Any = None, **changes: Any) -> Caller:
    settings: dict[str, Any] = {
        "transport": network,
        "quota": cast("Quota", quota or Unlimited()),
        "retry": RetryPolicy(),
        "lane": Lane.BULK,
        "timeout": None,
        "events": EventSink(),
        "jitter": lambda: 1.0,
    }
    return Caller(**settings | changes)


async def failure_of(calling: Caller, resend: Any = None) -> GongError:
    with pytest.raises(GongError) as raised:
        await calling.call(REQUEST, resend)
    return raised.value


class TestQuota:
    async def test_it_is_asked_in_the_caller_s_lane_by_its_deadline_and_policy(self) -> None:
        quota, network = WatchedQuota(), WatchedTransport(answer(429, retry_after="7"), lost(), answer(200))
        retry = RetryPolicy(max_wait=33.0, attempt_timeout=9.0)
        await caller(network, quota, timeout=100.0, retry=retry).call(REQUEST)
        assert [each.lane for each in quota.acquired] == [Lane.BULK] * 3
        assert [each.deadline for each in quota.acquired] == pytest.approx([100.0] * 3, abs=1e-3)
        assert [each.max_wait for each in quota.acquired] == [33.0] * 3
        # Only one that was rate-limited goes back to the head of its lane, also after another failure.
        assert [each.returning for each in quota.acquired] == [False, True, True]
        assert quota.pauses == [(7.0, False)]
        assert network.timeouts == [9.0] * 3

    async def test_without_a_timeout_there_is_no_deadline(self) -> None:
        quota = WatchedQuota()
        await caller(WatchedTransport(answer(200)), quota).call(REQUEST)
        assert [each.deadline for each in quota.acquired] == [None]

    async def test_each_permit_is_returned_once_with_what_became_of_its_request(self) -> None:
        quota = WatchedQuota()
        network = ScriptedTransport(REFUSED, lost(), answer(429, retry_after="1"), answer(503), answer(404))
        calling = caller(network, quota)
        assert (await failure_of(calling)).attempts == 5
        assert quota.released == [
            (1, None, False),
            (2, None, True),
            (3, 429, True),
            (4, 503, True),
            (5, 404, True),
        ]
        assert (calling.calls, calling.rate_limited) == (4, 1)

    @pytest.mark.parametrize(
        ("retry_after", "day_spent"), [("60", False), ("61", True), ("7200", True)], ids=str
    )
    async def test_it_learns_whether_gong_means_the_day(self, retry_after: str, day_spent: bool) -> None:
        quota = WatchedQuota()
        refusal = answer(429, {"requestId": "r", "errors": ["no"]}, retry_after=retry_after)
        network = ScriptedTransport(refusal, answer(200))
        calling = caller(network, quota)
        if day_spent:
            assert isinstance(await failure_of(calling), RateLimitError)
        else:
            await calling.call(REQUEST)
        assert quota.pauses == [(float(retry_after), day_spent)]

    async def test_a_request_that_is_cancelled_in_flight_returns_its_permit_as_sent(self) -> None:
        quota = WatchedQuota()
        calling = caller(ScriptedTransport(answer(200), seconds=5.0), quota)
        task = asyncio.create_task(calling.call(REQUEST))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert (quota.released, calling.calls) == ([(1, None, True)], 1)

    async def test_it_counts_the_seconds_in_which_calls_waited_for_permits(self) -> None:
        calling = caller(ScriptedTransport(lost(), answer(200), seconds=50.0), WatchedQuota(seconds=3.0))
        await calling.call(REQUEST)
        await calling.call(REQUEST)
        assert calling.waited == pytest.approx(9.0, abs=1e-3)  # neither requests nor backoffs

    async def test_it_believes_no_permit_that_says_to_be_older_than_the_wait_for_it(self) -> None:
        class Careless(WatchedQuota):
            async def acquire(self, *args: Any, **options: Any) -> Permit:
                await super().acquire(*args, **options)
                return Permit(0.0)

        await asyncio.sleep(50.0)
        calling = caller(ScriptedTransport(), Careless(4.0))
        await calling.call(REQUEST)
        assert calling.waited == pytest.approx(4.0, abs=1e-3)


class TestDeadline:
    @pytest.mark.parametrize(("seconds", "is_made"), [(7.4, False), (7.6, True)])
    async def test_a_second_attempt_is_made_where_the_wait_before_it_ends_in_time(
        self, seconds: float, is_made: bool
    ) -> None:
        network = ScriptedTransport(answer(503, retry_after="7.5"), answer(200))
        calling = caller(network, timeout=seconds)
        if is_made:
            assert (await calling.call(REQUEST)).attempts == 2
            return
        error = await failure_of(calling)
        assert isinstance(error, DeadlineExceeded)
        assert (error.estimate, error.attempts, now() < 1) == (7.5, 1, True)
        assert "503" in str(error)

    async def test_one_that_is_over_names_the_request_and_how_often_it_was_sent(self) -> None:
        error = await failure_of(caller(ScriptedTransport(answer(200), seconds=9.0), timeout=2.5))
        assert isinstance(error, DeadlineExceeded)
        assert (error.method, error.url, error.attempts) == ("PATCH", "https://api.gong.io/v2/tasks/7", 1)
        assert "not done within 2.5 s" in str(error)
        assert now() == pytest.approx(2.5, abs=1e-3)


class TestHooks:
    async def test_every_attempt_gets_headers_of_its_own(self) -> None:
        made = list[Mapping[str, str]]()

        def headers() -> Mapping[str, str]:
            made.append({"traceparent": f"{len(made)}"})
            return made[-1]

        network = ScriptedTransport(lost(), answer(200))
        await caller(network, headers=headers).call(REQUEST)
        assert [request.headers for _, request in network.sent] == [
            {"traceparent": "0"},
            {"traceparent": "1"},
        ]
        assert [request.body for _, request in network.sent] == [REQUEST.body] * 2

    async def test_every_response_is_passed_on_whatever_it_means_and_no_lost_one(self) -> None:
        seen = list[int]()
        network = ScriptedTransport(lost(), answer(503), answer(429, retry_after="1"), answer(200))
        calling = caller(network, on_response=lambda response: seen.append(response.status))
        await calling.call(REQUEST)
        assert seen == [503, 429, 200]


class TestEvents:
    async def test_a_listener_gets_a_call_s_beginning_each_of_its_steps_and_its_end_in_order(self) -> None:
        heard = list[Event]()
        network = ScriptedTransport(lost(), answer(503), answer(400))
        await failure_of(caller(network, events=EventSink(heard.append)))
        repeated = ["CallSent", "CallAttempted", "RetryPlanned"]
        names = ["CallQueued", *repeated, *repeated, "CallSent", "CallAttempted", "CallEnded"]
        assert [type(event).__name__ for event in heard] == names
        assert isinstance(end := heard[-1], CallEnded)
        assert (end.error, end.attempts, end.status) == ("BadRequestError", 3, 400)

    async def test_what_nobody_reads_is_not_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = list[str]()
        monkeypatch.setattr(EventSink, "emit", lambda _, event: made.append(type(event).__name__))
        await caller(ScriptedTransport(lost(), answer(200))).call(REQUEST)
        assert made == ["RetryPlanned"]  # which is logged as an info


@define
class Signing:
    """Credentials that expire: what signs now, and whether something else will."""

    renews: bool = True
    signed: str = "old"
    seconds: float = 0.0
    asked: list[str] = field(factory=list[str])
    readied: int = 0

    async def ready(self) -> None:
        self.readied += 1
        await asyncio.sleep(self.seconds)

    async def refresh_after_401(self, signed: str) -> bool:
        self.asked.append(signed)
        self.signed = "new"
        return self.renews


def signed_by(signing: Signing, *answers: Answer) -> Caller:
    return caller(ScriptedTransport(*answers), renewal=cast("Refresher", signing))


class TestCredentials:
    async def test_a_call_that_was_signed_by_an_expired_grant_is_sent_once_more_at_once(self) -> None:
        signing = Signing()
        calling = signed_by(signing, answer(401), answer(200))
        assert ((await calling.call(REQUEST)).attempts, now() < 0.1) == (2, True)
        assert (signing.asked, signing.readied) == (["old"], 2)

    async def test_once_a_call_is_enough(self) -> None:
        signing = Signing()
        error = await failure_of(signed_by(signing, answer(401)))
        assert isinstance(error, AuthenticationError)
        assert (error.attempts, signing.asked) == (2, ["old"])

    async def test_where_nothing_else_signs_the_401_stands(self) -> None:
        signing = Signing(renews=False)
        error = await failure_of(signed_by(signing, answer(401)))
        assert (type(error), error.attempts) == (AuthenticationError, 1)

    async def test_no_other_failure_is_the_credentials_fault(self) -> None:
        signing = Signing()
        missing = "You don't have permission to use 'api:tasks:write' in your app."
        for refusal in (answer(403), answer(404), answer(401, {"requestId": "r", "errors": [missing]})):
            assert (await failure_of(signed_by(signing, refusal))).attempts == 1
        assert signing.asked == []

    async def test_waiting_for_them_counts_as_waiting(self) -> None:
        calling = signed_by(Signing(seconds=4.0), answer(200))
        await calling.call(REQUEST)
        assert calling.waited == pytest.approx(4.0, abs=1e-3)


class Look:
    """Asked before an update is sent again; a look is due from some moments on, until it is made."""

    def __init__(self, *due_from: float) -> None:
        self._due_from = list(due_from)
        self.notes = list[object]()

    @property
    def is_due(self) -> bool:
        return bool(self._due_from) and now() >= self._due_from[0]

    def sending(self) -> None:
        self.notes.append("sending")

    def failed(self, error: GongError) -> None:
        self.notes.append(type(error))

    async def look(self) -> None:
        self._due_from.pop(0)
        self.notes.append("look")


class TestResend:
    async def test_every_attempt_and_its_failure_are_noted(self) -> None:
        look = Look()
        assert isinstance(
            await failure_of(caller(ScriptedTransport(lost(), answer(503), answer(400))), look),
            BadRequestError,
        )
        assert look.notes == ["sending", TransportError, "sending", ServerError, "sending", BadRequestError]

    async def test_a_look_that_is_due_comes_before_the_permit(self) -> None:
        quota, look = WatchedQuota(), Look(0.0)
        await caller(ScriptedTransport(answer(200)), quota).call(REQUEST, look)
        assert (look.notes, quota.released) == (["look", "sending"], [(1, 200, True)])

    async def test_one_that_becomes_due_while_the_permit_is_waited_for_returns_it_unsent(self) -> None:
        quota, look = WatchedQuota(seconds=10.0), Look(5.0, 15.0)
        network = ScriptedTransport(answer(200))
        await caller(network, quota).call(REQUEST, look)
        assert look.notes == ["look", "look", "sending"]
        assert quota.released == [(1, None, False), (2, None, False), (3, 200, True)]
        assert network.times == pytest.approx([30.0], abs=1e-3)

    async def test_what_a_look_finds_ends_the_call(self) -> None:
        class Found(Look):
            async def look(self) -> None:
                raise ServerError(status=503)

        network = ScriptedTransport(answer(200))
        assert isinstance(await failure_of(caller(network), Found(0.0)), ServerError)
        assert network.sent == []


class TestHalt:
    async def test_what_waits_is_cancelled_and_what_is_in_flight_is_finished(self) -> None:
        network = ScriptedTransport(answer(200), lost(), seconds=3.0)
        calling = caller(network, haltable=True)
        in_flight = asyncio.create_task(calling.call(REQUEST))
        await asyncio.sleep(1)
        fails = asyncio.create_task(calling.call(REQUEST))  # and would be sent again
        resting = asyncio.create_task(calling.rest(asyncio.sleep(99.0)))
        await asyncio.sleep(1)
        calling.halt()
        await asyncio.wait([in_flight, fails, resting])
        assert [task.cancelled() for task in (in_flight, fails, resting)] == [False, True, True]
        assert (in_flight.result().status, len(network.sent)) == (200, 2)
        assert now() == pytest.approx(4.0, abs=0.01)

    async def test_what_waits_for_a_permit_or_for_credentials_is_cancelled_too(self) -> None:
        for changes in ({"quota": WatchedQuota(seconds=60.0)}, {"renewal": Signing(seconds=60.0)}):
            calling = caller(network := ScriptedTransport(answer(200)), haltable=True, **changes)
            waiting = asyncio.create_task(calling.call(REQUEST))
            await asyncio.sleep(1)
            calling.halt()
            await asyncio.wait([waiting])
            assert (waiting.cancelled(), network.sent) == (True, [])
        assert now() < 3

    async def test_after_it_nothing_begins(self) -> None:
        calling = caller(network := ScriptedTransport(answer(200)), haltable=True)
        calling.halt()
        with pytest.raises(asyncio.CancelledError):
            await calling.call(REQUEST)
        assert network.sent == []

    async def test_what_has_ended_its_wait_is_left_alone(self) -> None:
        calling = caller(ScriptedTransport(answer(200)), haltable=True)

        async def rest_and_work() -> str:
            await calling.rest(asyncio.sleep(1))
            await asyncio.sleep(5)
            return "done"

        working = asyncio.create_task(rest_and_work())
        await asyncio.sleep(2)
        calling.halt()
        assert await working == "done"
