"""The network between simulated processes and Gong: requests arrive though their callers have gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Protocol

from attrs import define, field

from gong_tasks_async.client import GongTasksClient
from gong_tasks_async.credentials import AccessKey, Credentials
from gong_tasks_async.errors import TransportError
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.retry import RetryPolicy
from gong_tasks_async.http.transport import Transport
from gong_tasks_async.quota import Lane, Quota
from gong_tasks_async.simulation.gong import Flight, Gong

BASE_URL = "https://x.api.gong.io"
HANGS_FOR = 60.0
"""Seconds."""


class Observer(Protocol):
    """Keeps the books of a process."""

    def note_departure(self, flight: Flight) -> None:
        """A request departs."""

    def note_response(self, flight: Flight, response: HttpResponse) -> None:
        """Its response has been read."""


@define(eq=False)
class Network:
    """Carries requests to Gong, and responses back."""

    gong: Gong
    chance: Random
    wall: Callable[[], float]
    """The true time, in seconds since 1970."""
    vanished: int = 0
    """Requests that never arrived."""
    travelling: set[asyncio.Future[HttpResponse | None]] = field(
        factory=set[asyncio.Future[HttpResponse | None]]
    )

    def start(self, flight: Flight, request: HttpRequest) -> asyncio.Future[HttpResponse | None]:
        """Start a request on its way, which it goes to the end; its result is None where no response comes."""
        going = asyncio.ensure_future(self._travel(flight, request))
        self.travelling.add(going)
        going.add_done_callback(self.travelling.discard)
        return going

    async def _travel(self, flight: Flight, request: HttpRequest) -> HttpResponse | None:
        conditions = self.gong.conditions
        hangs = self.chance.random() < conditions.hanging
        await _spend(HANGS_FOR if hangs else self.gong.way())
        if self.chance.random() < conditions.vanishing:
            self.vanished += 1
            return None
        flight.arrived = asyncio.get_running_loop().time()
        response = self.gong.receive(flight, request, flight.arrived, self.wall())
        await _spend(self.gong.way())
        return response


class Wire:
    """A client's transport: one process's end of the network."""

    base_url = BASE_URL

    def __init__(self, network: Network, sender: int, lane: Lane, observer: Observer) -> None:
        self._network = network
        self._sender = sender
        self._lane = lane
        self._observer = observer

    def use(self, credentials: Credentials, base_url: str | None = None) -> None:
        """Take the credentials, which are not checked here."""

    async def close(self) -> None:
        """Nothing is open."""

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ASYNC109 - the protocol's
        """Send one request; see :class:`Transport`."""
        loop = asyncio.get_running_loop()
        flight = Flight(self._sender, self._lane.value, _task_of(request), loop.time())
        self._observer.note_departure(flight)
        going = self._network.start(flight, request)
        try:
            async with asyncio.timeout(timeout):
                response = await asyncio.shield(going)
        except TimeoutError:
            raise TransportError(reason="no response in time") from None
        if response is None:
            raise TransportError(reason="connection reset (simulated)")
        flight.answered = loop.time()
        self._observer.note_response(flight, response)
        return response


def _task_of(request: HttpRequest) -> int:
    return int(request.path.rpartition("/")[2]) if request.method == "PATCH" else 0


async def _spend(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


class WiredClient(GongTasksClient):
    """A client on a wire."""

    def __init__(self, wire: Wire, quota: Quota, retry: RetryPolicy) -> None:
        super().__init__(AccessKey("k", "s"), base_url=BASE_URL, quota=quota, retry=retry)
        self._wire = wire

    def _open_transport(self) -> Transport:
        return self._wire
