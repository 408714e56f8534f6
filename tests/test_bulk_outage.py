"""While no connection can be made, a run waits as a whole, and one row at a time probes."""

from __future__ import annotations

import asyncio

import pytest

from gong_tasks_async import TransportError
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
