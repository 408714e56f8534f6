"""A discrete-event simulation of pacing: a client with endless work, a network, a server that counts, a neighbour.

An hour of calls takes some 0.2 s, so that a whole grid of rules, networks and neighbours takes minutes. What paces is
given: :class:`LadderPace` is made of the product's own ladder and arrivals, :mod:`benchmarks.former_pace` of the
pace before it.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Protocol

from attrs import define, field, frozen

from gong_tasks_async import QuotaLimits
from gong_tasks_async.quota.ladder import SLOWEST_RUNG, Ladder, spacing_at
from gong_tasks_async.quota.local.arrivals import Arrivals

LIMITS = QuotaLimits()
PER_SECOND = 3
DUST = 1e-9
WORKERS = 16
RETRY_AFTER = 1.0


# How a server may count


class Bucket:
    """A leaky bucket. A depth of 1 is strict spacing, as nginx has without a burst."""

    def __init__(self, depth: int) -> None:
        self._depth, self._full = depth, -math.inf

    def admits(self, now: float) -> bool:
        """Count an arrival; whether it is admitted."""
        if self._full - (self._depth - 1) / PER_SECOND > now + DUST:
            return False
        self._full = max(self._full, now) + 1 / PER_SECOND
        return True


class FixedSecond:
    """So many in each second of the clock."""

    def __init__(self) -> None:
        self._second, self._count = -1, 0

    def admits(self, now: float) -> bool:
        """Count an arrival; whether it is admitted."""
        if (second := math.floor(now)) != self._second:
            self._second, self._count = second, 0
        admitted = self._count < PER_SECOND
        self._count += admitted
        return admitted


class SlidingSecond:
    """So many in any second; ``every`` counts refused calls too, as HAProxy does."""

    def __init__(self, *, every: bool = False) -> None:
        self._every, self._counted = every, deque[float]()

    def admits(self, now: float) -> bool:
        """Count an arrival; whether it is admitted."""
        while self._counted and self._counted[0] + 1.0 <= now + DUST:
            self._counted.popleft()
        admitted = len(self._counted) < PER_SECOND
        if admitted or self._every:
            self._counted.append(now)
        return admitted


class WeightedCounter:
    """Two seconds of the clock, the earlier one weighted, as Cloudflare and Express count."""

    def __init__(self) -> None:
        self._second, self._count, self._before = -1, 0, 0

    def admits(self, now: float) -> bool:
        """Count an arrival; whether it is admitted."""
        if (second := math.floor(now)) != self._second:
            self._before = self._count if self._second == second - 1 else 0
            self._second, self._count = second, 0
        admitted = math.floor(self._before * (1 - (now - second)) + DUST) + self._count < PER_SECOND
        self._count += admitted
        return admitted


class Server(Protocol):
    """A server that counts calls."""

    def admits(self, now: float) -> bool:
        """Count an arrival; whether it is admitted."""


RULES: dict[str, Callable[[], Server]] = {
    "sliding second": SlidingSecond,
    "sliding, refused count": lambda: SlidingSecond(every=True),
    "fixed second": FixedSecond,
    "weighted counter": WeightedCounter,
    "bucket of 4": lambda: Bucket(4),
    "bucket of 3": lambda: Bucket(3),
    "bucket of 2": lambda: Bucket(2),
    "strict spacing": lambda: Bucket(1),
}


# Networks: the way there, the way back


def _even(low: float, high: float) -> Callable[[Random], tuple[float, float]]:
    return lambda chance: (chance.uniform(low, high) / 2, chance.uniform(low, high) / 2)


def _spikes(chance: Random) -> tuple[float, float]:
    there = chance.uniform(0, 3) if chance.random() < 0.02 else chance.uniform(0.02, 0.06)
    return there, chance.uniform(0.02, 0.06)


def _hangs(chance: Random) -> tuple[float, float]:
    there = 60.0 if chance.random() < 0.003 else chance.uniform(0.02, 0.06)
    return there, chance.uniform(0.02, 0.06)


NETWORKS: dict[str, Callable[[Random], tuple[float, float]]] = {
    "loopback": lambda chance: (chance.uniform(0.0002, 0.001), 0.0003),
    "40-120 ms": _even(0.04, 0.12),
    "30-300 ms": _even(0.03, 0.3),
    "lognormal 80 ms": lambda chance: (
        0.04 * math.exp(chance.gauss(0, 1)),
        0.04 * math.exp(chance.gauss(0, 1)),
    ),
    "slow server": lambda chance: (chance.uniform(0.01, 0.03), chance.uniform(0.21, 0.43)),
    "2 % up to 3 s": _spikes,
    "all up to 3 s": lambda chance: (chance.uniform(0, 3), 0.01),
    "0.3 % hang 60 s": _hangs,
}


# Neighbours: when each of their calls leaves


def _every(seconds: float, calls: int = 1) -> Callable[[Random], Iterator[float]]:
    def leave(chance: Random) -> Iterator[float]:
        for moment in itertools.count(chance.random() * seconds, seconds):
            yield from itertools.repeat(moment, calls)

    return leave


def _poisson(chance: Random) -> Iterator[float]:
    moment = 0.0
    while True:
        moment += chance.expovariate(1.0)
        yield moment


def _loop(chance: Random) -> Iterator[float]:
    """A loop without a pace, some eight calls a second, in 5 of 15 minutes."""
    for start in itertools.count(chance.random() * 300, 900):
        moment = float(start)
        while moment < start + 300:
            yield moment
            moment += 0.12


def _no_calls(chance: Random) -> Iterator[float]:  # noqa: ARG001 - as the others
    return iter(())


NEIGHBOURS: dict[str, Callable[[Random], Iterator[float]]] = {
    "none": _no_calls,
    "1/s, even": _every(1.0),
    "1/s, Poisson": _poisson,
    "10 each 20 s": _every(20.0, 10),
    "loop 5 of 15 min": _loop,
    "two of ours": _no_calls,
}


# What paces


class Pace(Protocol):
    """A policy: when the next call may leave, and what it learns."""

    def ready_at(self, now: float) -> float:
        """When the next call may leave, unless a response comes before."""

    def depart(self, now: float) -> int:
        """Count a call that leaves."""

    def answer(self, call: int, departed: float, now: float, *, admitted: bool) -> None:
        """Note a response."""


class LadderPace:
    """The product's ladder and arrivals, with a gate and a spacing in front."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._ladder = Ladder(LIMITS)
        self._arrivals = Arrivals(max(LIMITS.hold, spacing_at(SLOWEST_RUNG, LIMITS)))
        self._next = 0.0
        self._delay = 0.0

    def ready_at(self, now: float) -> float:
        """When the next call may leave, unless a response comes before."""
        return max(self._next, self._arrivals.free_at(self._ladder.windows, now))

    def depart(self, now: float) -> int:
        """Count a call that leaves."""
        self._next = now + self._ladder.spacing
        return self._arrivals.depart(now)

    def answer(self, call: int, departed: float, now: float, *, admitted: bool) -> None:
        """Note a response."""
        self._arrivals.arrive(call, now)
        self._ladder.answered(departed, now)
        if admitted:
            self._ladder.accepted(departed)
        else:
            counted = self._ladder.refused(departed, now)
            delay = self._chance.random() * self._ladder.spacing if counted else 0.0
            self._next = max(self._next, now + max(RETRY_AFTER, LIMITS.window) + delay)


# The simulation


@frozen
class Cell:
    """One client's share of what happened."""

    used: float
    """Of the limit."""
    refused: float
    """Of 1,000 calls."""
    most: int
    """Arrivals in a second."""
    neighbour: float
    """The share of the neighbour's calls that were admitted; of two of ours, the lesser's calls over the other's."""
    wasted: float
    """Refused calls of all, for each 1,000 admitted."""


@define
class _Client:
    pace: Pace
    in_flight: int = 0
    wakes_at: float = math.inf
    admitted: int = 0
    refused: int = 0
    arrivals: list[float] = field(factory=list)


def simulate(
    make_pace: Callable[[Random], Pace], rule: str, network: str, neighbour: str, *, seconds: float, seed: int
) -> Cell:
    """Run one cell of the grid."""
    return _World(make_pace, rule, network, neighbour, seed).run(seconds)


class _World:
    def __init__(
        self, make_pace: Callable[[Random], Pace], rule: str, network: str, neighbour: str, seed: int
    ) -> None:
        self._chance = Random(seed)
        self._server, self._way = RULES[rule](), NETWORKS[network]
        of_ours = 2 if neighbour == "two of ours" else 1
        self._clients = [_Client(make_pace(self._chance)) for _ in range(of_ours)]
        self._calls = NEIGHBOURS[neighbour](Random(seed + 1))
        self._asked = self._got = 0
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = itertools.count()

    def run(self, seconds: float) -> Cell:
        """Run the simulation."""
        for client in self._clients:
            client.wakes_at = self._chance.random()
            self._at(client.wakes_at, partial(self._send, client))
        self._plan_neighbour()
        while self._events and self._events[0][0] <= seconds:
            moment, _, act = heapq.heappop(self._events)
            act(moment)
        return self._result(seconds)

    def _at(self, moment: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), act))

    def _wake(self, client: _Client, now: float) -> None:
        moment = max(now, client.pace.ready_at(now))
        if client.in_flight < WORKERS and not now < client.wakes_at <= moment:
            client.wakes_at = moment
            self._at(moment, partial(self._send, client))

    def _send(self, client: _Client, now: float) -> None:
        if now != client.wakes_at:  # an earlier or later moment has been set meanwhile
            return
        client.wakes_at = math.inf
        if client.in_flight < WORKERS and client.pace.ready_at(now) <= now + DUST:
            call, (there, back) = client.pace.depart(now), self._way(self._chance)
            client.in_flight += 1
            self._at(now + there, partial(self._arrive, client, call, now, back))
        self._wake(client, now)

    def _arrive(self, client: _Client, call: int, departed: float, back: float, now: float) -> None:
        client.arrivals.append(now)
        admitted = self._server.admits(now)
        client.admitted += admitted
        client.refused += not admitted
        self._at(now + back, lambda then: self._answer(client, call, departed, then, admitted=admitted))

    def _answer(self, client: _Client, call: int, departed: float, now: float, *, admitted: bool) -> None:
        client.in_flight -= 1
        client.pace.answer(call, departed, now, admitted=admitted)
        self._wake(client, now)

    def _plan_neighbour(self) -> None:
        if (moment := next(self._calls, None)) is not None:
            self._at(moment, lambda now: self._at(now + self._way(self._chance)[0], self._neighbour_arrives))
            self._at(moment, lambda _: self._plan_neighbour())

    def _neighbour_arrives(self, now: float) -> None:
        self._asked += 1
        self._got += self._server.admits(now)

    def _result(self, seconds: float) -> Cell:
        first, *others = self._clients
        admitted = sum(client.admitted for client in self._clients) + self._got
        refused = sum(client.refused for client in self._clients) + self._asked - self._got
        share = self._got / self._asked if self._asked else 1.0
        if others:
            less, more = sorted((first.admitted, others[0].admitted))
            share = less / max(1, more)
        return Cell(
            used=sum(client.admitted for client in self._clients) / (PER_SECOND * seconds),
            refused=1000 * first.refused / max(1, len(first.arrivals)),
            most=most_in_a_second(first.arrivals),
            neighbour=share,
            wasted=1000 * refused / max(1, admitted),
        )


def most_in_a_second(arrivals: list[float]) -> int:
    """The most arrivals in any half-open second."""
    most, window = 0, deque[float]()
    for moment in sorted(arrivals):
        window.append(moment)
        while window[0] + 1.0 <= moment + DUST:
            window.popleft()
        most = max(most, len(window))
    return most
