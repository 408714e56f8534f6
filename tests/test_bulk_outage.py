"""While no connection can be made, a run waits as a whole, and one row at a time probes."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from gong_tasks_async import GongError, ServerError, TransportError
from gong_tasks_async.bulk.outage import Outage
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from tests.fakes import ScriptedTransport, lost, task_answer
from tests.test_bulk import scripted, updates

pytestmark = pytest.mark.virtual


def refused() -> TransportError:
    return TransportError(reason="ConnectionRefusedError", connected=False)


class Balancer(ScriptedTransport):
    """Refuses connections in a span of time, and knows how many rows ask at once."""

    def __init__(self, begin: float, end: float) -> None:
        super().__init__(task_answer, seconds=0.1)
        self.begin, self.end = begin, end
        self.asking = self.most = 0

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ASYNC109 - the protocol's
        now = asyncio.get_running_loop().time()
        if not self.begin <= now < self.end:
            return await super().send(request, timeout)
        self.sent.append((now, request))
        self.asking += 1
        if now > self.begin + 10:  # those in flight have given up by then
            self.most = max(self.most, self.asking)
        try:
            await asyncio.sleep(0.01)
            raise refused()
        finally:
            self.asking -= 1


async def test_a_run_outlasts_an_outage_with_one_probe_at_a_time() -> None:
    client = scripted()
    client.transport = balancer = Balancer(1.0, 121.0)
    async with client as gong:
        report = await gong.update_many(updates(400), workers=8)
    assert (report.updated, report.pending, report.stopped_because) == (400, 0, None)
    assert balancer.most == 1
    probes = [moment for moment, _ in balancer.sent if 11 < moment < 121]
    assert 4 <= len(probes) <= 10  # after 1, 2, 4, ... 30 seconds


async def test_it_stops_with_everything_pending_once_the_time_is_over() -> None:
    client = scripted()
    client.transport = balancer = Balancer(1.0, 1e9)
    async with client as gong:
        report = await gong.update_many(updates(400), workers=8, outage_timeout=60)
    assert isinstance(report.stopped_because, TransportError)
    assert report.updated + report.pending == 400
    assert 60 <= balancer.times[-1] <= 100


async def test_a_run_that_never_reached_anything_says_so_within_a_minute_or_so() -> None:
    client = scripted()
    client.transport = balancer = Balancer(-1.0, 1e9)
    async with client as gong:
        report = await gong.update_many(updates(400), workers=8)
    assert (report.updated, report.pending) == (0, 400)
    assert isinstance(report.stopped_because, TransportError)
    assert 45 <= balancer.times[-1] <= 80


async def test_responses_that_are_lost_are_no_outage() -> None:
    async with scripted(lost(), seconds=0.1) as gong:
        report = await gong.update_many(updates(100))
    assert report.calls <= 12


async def test_a_cancelled_run_does_not_wait_for_the_end_of_an_outage() -> None:
    client = scripted()
    client.transport = Balancer(1.0, 1e9)
    async with client as gong:
        running = asyncio.create_task(gong.update_many(updates(400)))
        await asyncio.sleep(100)
        running.cancel()
        before = asyncio.get_running_loop().time()
        await asyncio.wait([running])
        assert running.cancelled()
        assert asyncio.get_running_loop().time() - before < 0.1


async def test_no_patience_raises_the_first_error() -> None:
    async def fail() -> None:
        raise refused()

    with pytest.raises(TransportError, match="ConnectionRefused"):
        await Outage(0.0, asyncio.sleep).call(fail)


# The rules of the wait


class Network:
    """Refuses connections for so long, and remembers when each call was tried."""

    def __init__(self, down: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.up_at = self.loop.time() + down
        self.tried: list[float] = []

    async def call(self) -> str:
        self.tried.append(self.loop.time())
        if self.loop.time() < self.up_at:
            raise refused()
        return "made"

    def waits(self) -> list[float]:
        return [round(later - earlier, 6) for earlier, later in itertools.pairwise(self.tried)]


async def answered() -> str:
    return "made"


async def test_each_wait_is_twice_the_one_before_up_to_thirty_seconds_and_starts_small_the_next_time() -> (
    None
):
    outage = Outage(600.0, asyncio.sleep)
    await outage.call(answered)
    for down in (100.0, 2.5):
        network = Network(down)
        assert await outage.call(network.call) == "made"
        assert network.waits() == ([1, 2, 4, 8, 16, 30, 30, 30] if down == 100.0 else [1, 2])


@pytest.mark.parametrize(
    ("reached", "patience", "lasts"),
    [(True, 60.0, 61.0), (False, 60.0, 61.0), (False, 600.0, 61.0), (False, 15.0, 15.0)],
)
async def test_the_error_is_raised_at_the_first_probe_after_the_time_is_over(
    reached: bool, patience: float, lasts: float
) -> None:
    """Before anything was reached, that is 45 seconds at the most; probes come after 1, 3, 7, 15, 31 and 61."""
    outage, network = Outage(patience, asyncio.sleep), Network(1e9)
    if reached:
        await outage.call(answered)
    with pytest.raises(TransportError):
        await outage.call(network.call)
    assert network.tried[-1] - network.tried[0] == pytest.approx(lasts)


async def test_an_answer_of_any_kind_shows_that_the_address_is_right() -> None:
    async def answers_500() -> str:
        raise ServerError(status=500)

    outage, network = Outage(100.0, asyncio.sleep), Network(1e9)
    with pytest.raises(ServerError):
        await outage.call(answers_500)
    with pytest.raises(TransportError):
        await outage.call(network.call)
    assert network.tried[-1] - network.tried[0] >= 100.0


@pytest.mark.parametrize(
    "error",
    [
        ServerError(status=503),
        TransportError(reason="reset"),
        TransportError(reason="certificate", connected=False, retryable=False),
    ],
    ids=["answered", "connected", "in vain"],
)
async def test_only_a_connection_that_was_not_made_and_may_be_later_is_an_outage(error: GongError) -> None:
    network = Network(0.0)

    async def fail() -> str:
        network.tried.append(0.0)
        raise error

    with pytest.raises(type(error)):
        await Outage(600.0, asyncio.sleep).call(fail)
    assert len(network.tried) == 1


async def test_once_it_is_over_those_who_waited_call_at_once_whatever_the_probe_was_answered() -> None:
    """A refusal of Gong's ends the outage as a success does."""
    network, outage = Network(2.5), Outage(600.0, asyncio.sleep)

    async def refused_by_gong() -> str:
        await network.call()
        raise ServerError(status=500)

    calls = [asyncio.create_task(outage.call(refused_by_gong)) for _ in range(8)]
    done, _ = await asyncio.wait(calls)
    assert {type(task.exception()) for task in done} == {ServerError}
    assert network.loop.time() == pytest.approx(network.tried[0] + 3.0)
    assert len(network.tried) == 2 + 8  # the one that found the outage, a probe, and all


async def test_once_it_was_given_up_no_further_call_is_made() -> None:
    network, outage = Network(1e9), Outage(5.0, asyncio.sleep)
    calls = [asyncio.create_task(outage.call(network.call)) for _ in range(8)]
    done, _ = await asyncio.wait(calls)
    assert {type(task.exception()) for task in done} == {TransportError}
    with pytest.raises(TransportError):
        await outage.call(network.call)
    assert len(network.tried) == 1 + 3  # the one that found the outage, and probes after 1, 3 and 7 seconds
