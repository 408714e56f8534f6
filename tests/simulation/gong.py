"""The Gong of a simulated company: it counts by one of its rules, admits, refuses, hangs and lies."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from random import Random
from zoneinfo import ZoneInfo

from attrs import define, field, frozen

from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.quota.day import DAY, FixedDay
from gong_tasks_async.simulator import SecondLimit
from gong_tasks_async.simulator.limits import Rule, second_rule

START = 1_729_930_000.0
"""26 October 2024: the clocks of Berlin are set back a day later."""


LATE = 90.0
"""Seconds by which a call may arrive after it was counted: a rolling day is kept but for these."""


@frozen
class Weather:
    """What goes wrong, by shares of the calls."""

    ways: tuple[float, float] = (0.02, 0.06)
    """The quickest and the slowest way, there and back alike."""
    refused: float = 0.0
    """429 although all limits are kept: a neighbour's fault."""
    failing: float = 0.0
    """503."""
    lost: float = 0.0
    """Admitted, and the response is lost."""
    vanishing: float = 0.0
    """The request is lost: it never arrives."""
    hanging: float = 0.0
    """Answered a minute later."""
    retry_after: tuple[float, ...] = (1.0,)


@define(eq=False)
class Flight:
    """One request: when it departed, arrived, and was answered; who sent it."""

    sender: int
    lane: str
    task: int
    departed: float
    arrived: float = 0.0
    answered: float | None = None
    admitted: bool = False


@define(eq=False)
class Gong:
    """Counts arrivals by true time, which goes on while machines sleep."""

    chance: Random
    weather: Weather
    per_second: float
    per_day: int
    rule: SecondLimit
    day_starts: FixedDay | None
    tasks: dict[int, str] = field(factory=dict)
    arrivals: deque[float] = field(factory=deque)
    """Those of the last 24 hours, in true time."""
    spent_at: float = 0.0
    overspent: int = 0
    second: Rule = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.second = second_rule(self.rule, self.per_second)

    def way(self) -> float:
        return self.chance.uniform(*self.weather.ways)

    def used(self, true_now: float) -> int:
        """The calls of the day, as Gong counts them."""
        since = true_now - DAY + LATE if self.day_starts is None else self.day_starts.since(true_now)
        while self.arrivals and self.arrivals[0] <= since:
            self.arrivals.popleft()
        return len(self.arrivals)

    def receive(
        self, flight: Flight, request: HttpRequest, now: float, true_now: float
    ) -> HttpResponse | None:
        """Count a call, and answer it; None for a response that is lost."""
        used = self.used(true_now)
        self.arrivals.append(true_now)
        if used >= self.per_day:
            self.overspent += 1
            return _answer(429, {"Retry-After": "43200"})
        wait = self.second.wait(now)
        if wait > 0 or self.chance.random() < self.weather.refused:
            seconds = self.chance.choice(self.weather.retry_after)
            return _answer(429, {"Retry-After": f"{max(seconds, wait):.0f}"})
        self.second.count(now)
        if self.chance.random() < self.weather.failing:
            return _answer(503, {})
        flight.admitted = True
        if request.method == "PATCH":
            self.tasks[flight.task] = json.loads(request.body or b"{}")["status"]
        lost = self.chance.random() < self.weather.lost
        return None if lost else _done(flight.task, self.tasks.get(flight.task, "OPEN"))


def _answer(status: int, headers: Mapping[str, str]) -> HttpResponse:
    return HttpResponse(status, headers, b'{"requestId": "r", "errors": ["made up"]}')


def _done(task: int, status: str) -> HttpResponse:
    body = {"requestId": "r", "tasks": [{"id": task, "status": status, "userId": 7}] if task else []}
    return HttpResponse(200, {}, json.dumps(body).encode())


BERLIN = ZoneInfo("Europe/Berlin")


async def travel(seconds: float) -> None:
    """Let a request or a response be on its way."""
    if seconds:
        await asyncio.sleep(seconds)
