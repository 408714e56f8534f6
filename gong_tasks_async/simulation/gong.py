"""The Gong of a simulated company: it counts by one of its rules, admits, refuses, hangs and lies."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Mapping
from random import Random

from attrs import define, field, frozen

from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.quota.day import Day, RollingDay
from gong_tasks_async.simulator import SecondLimit
from gong_tasks_async.simulator.limits import Rule, second_rule

SHORTEST_DAY_PAUSE = 60.0
"""Seconds that Gong asks for when the day is spent, at least: a client recognizes the day's limit by them."""


@frozen
class Conditions:
    """What the network and Gong do; shares are of the calls."""

    ways: tuple[float, float] = (0.02, 0.06)
    """Seconds of the quickest and of the slowest way, there and back alike."""
    refused: float = 0.0
    """429 although all limits are kept."""
    failing: float = 0.0
    """503."""
    lost: float = 0.0
    """Admitted, and the response is lost."""
    vanishing: float = 0.0
    """The request is lost: it never arrives."""
    hanging: float = 0.0
    """A minute on the way."""
    retry_after: tuple[float, ...] = (1.0,)
    """Seconds that a 429 asks for, one of them by chance; at least what the rule takes."""
    day_retry_after: float | None = None
    """Seconds that a 429 for the day asks for; None for the true ones."""


@define(eq=False)
class Flight:
    """One request, by the event loop's clock."""

    sender: int
    """The process."""
    lane: str
    task: int
    """The task to change; 0 for a listing."""
    departed: float
    arrived: float = 0.0
    answered: float | None = None
    admitted: bool = False


@define(eq=False)
class Gong:
    """Counts arrivals: the second by the event loop's clock, the day by the wall's, which keeps running while hosts sleep."""

    chance: Random
    conditions: Conditions
    per_second: float
    per_day: int | None
    rule: SecondLimit
    day: Day
    late: float = 0.0
    """Seconds by which a call may arrive after it was counted: a rolling day is kept but for these."""
    tasks: dict[int, str] = field(factory=dict[int, str])
    """The status of each task that was changed."""
    arrivals: deque[float] = field(factory=deque[float])
    """Those of the day, by the wall clock."""
    overspent: int = 0
    """Calls that came when the day was spent."""
    _second: Rule = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the rule of the second."""
        self._second = second_rule(self.rule, self.per_second)

    def way(self) -> float:
        """Seconds of one way."""
        return self.chance.uniform(*self.conditions.ways)

    def used(self, wall: float) -> int:
        """The calls of the day, as Gong counts them."""
        since = self.day.since(wall)
        if isinstance(self.day, RollingDay):
            since += self.late
        while self.arrivals and self.arrivals[0] <= since:
            self.arrivals.popleft()
        return len(self.arrivals)

    def admit(self, now: float, wall: float) -> float | None:
        """Count a call; returns the seconds that its 429 asks for, or None where it is admitted."""
        used = self.used(wall)
        self.arrivals.append(wall)
        if self.per_day is not None and used >= self.per_day:
            self.overspent += 1
            return self._day_pause(wall)
        wait = self._second.wait(now)
        if wait > 0 or self.chance.random() < self.conditions.refused:
            return max(self.chance.choice(self.conditions.retry_after), math.ceil(max(0.0, wait)))
        self._second.count(now)
        return None

    def receive(self, flight: Flight, request: HttpRequest, now: float, wall: float) -> HttpResponse | None:
        """Count a call, and answer it; None for a response that is lost."""
        pause = self.admit(now, wall)
        if pause is not None:
            return _error(429, {"Retry-After": f"{pause:.0f}"})
        if self.chance.random() < self.conditions.failing:
            return _error(503, {})
        flight.admitted = True
        if request.method == "PATCH":
            self.tasks[flight.task] = json.loads(request.body or b"{}")["status"]
        lost = self.chance.random() < self.conditions.lost
        return None if lost else _success(flight.task, self.tasks.get(flight.task, "OPEN"))

    def _day_pause(self, wall: float) -> float:
        if self.conditions.day_retry_after is not None:
            return self.conditions.day_retry_after
        return max(SHORTEST_DAY_PAUSE, math.ceil(self.day.expires_at(self.arrivals[0]) - wall))


def _error(status: int, headers: Mapping[str, str]) -> HttpResponse:
    return HttpResponse(status, headers, b'{"requestId": "r", "errors": ["made up"]}')


def _success(task: int, status: str) -> HttpResponse:
    body = {"requestId": "r", "tasks": [{"id": task, "status": status, "userId": 7}] if task else []}
    return HttpResponse(200, {}, json.dumps(body).encode())
