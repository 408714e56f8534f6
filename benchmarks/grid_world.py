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
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Protocol

from attrs import define, field, frozen

from benchmarks.grid_servers import DUST, NEIGHBOURS, NETWORKS, PER_SECOND, RULES
from gong_tasks_async import QuotaLimits
from gong_tasks_async.quota.ladder import SLOWEST_RUNG, Ladder, spacing_at
from gong_tasks_async.quota.local.arrivals import Arrivals

LIMITS = QuotaLimits()
WORKERS = 16
RETRY_AFTER = 1.0


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

    def __init__(self, chance: Random, limits: QuotaLimits = LIMITS) -> None:
        self._chance = chance
        self._ladder = Ladder(limits)
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
class Client:
    """A client with endless work."""

    pace: Pace
    in_flight: int = 0
    wakes_at: float = math.inf
    refused: int = 0
    arrivals: list[float] = field(factory=list)
    admitted: list[float] = field(factory=list)
    """When its calls were admitted."""


def simulate(
    make_pace: Callable[[Random], Pace], rule: str, network: str, neighbour: str, *, seconds: float, seed: int
) -> Cell:
    """Run one cell of the grid."""
    world = World(make_pace, rule, network, neighbour, seed)
    world.run(seconds)
    return world.cell(seconds)


class World:
    """One server, its clients and its neighbour.

    Args:
        make_pace: makes a client's policy.
        rule: how the server counts.
        network: how long the ways take.
        neighbour: who else calls.
        seed: of all that is random.
        neighbour_leaves: when the neighbour calls no more.
        changes: moments at which the server's limit becomes another number of calls a second.
    """

    def __init__(
        self,
        make_pace: Callable[[Random], Pace],
        rule: str,
        network: str,
        neighbour: str,
        seed: int,
        *,
        neighbour_leaves: float = math.inf,
        changes: Sequence[tuple[float, int]] = (),
    ) -> None:
        self._chance = Random(seed)
        self._server, self._way = RULES[rule](), NETWORKS[network]
        of_ours = 2 if neighbour == "two of ours" else 1
        self.clients = [Client(make_pace(self._chance)) for _ in range(of_ours)]
        self._calls = NEIGHBOURS[neighbour](Random(seed + 1))
        self._neighbour_leaves, self._changes = neighbour_leaves, changes
        self._asked = self._got = 0
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = itertools.count()

    def run(self, seconds: float) -> None:
        """Run the simulation."""
        for client in self.clients:
            client.wakes_at = self._chance.random()
            self._at(client.wakes_at, partial(self._send, client))
        self._plan_neighbour()
        for moment, per_second in self._changes:
            self._at(moment, partial(self._set_limit, per_second))
        while self._events and self._events[0][0] <= seconds:
            moment, _, act = heapq.heappop(self._events)
            act(moment)

    def _set_limit(self, per_second: int, _now: float) -> None:
        self._server.per_second = per_second

    def _at(self, moment: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), act))

    def _wake(self, client: Client, now: float) -> None:
        moment = max(now, client.pace.ready_at(now))
        if client.in_flight < WORKERS and not now < client.wakes_at <= moment:
            client.wakes_at = moment
            self._at(moment, partial(self._send, client))

    def _send(self, client: Client, now: float) -> None:
        if now != client.wakes_at:  # an earlier or later moment has been set meanwhile
            return
        client.wakes_at = math.inf
        if client.in_flight < WORKERS and client.pace.ready_at(now) <= now + DUST:
            call, (there, back) = client.pace.depart(now), self._way(self._chance)
            client.in_flight += 1
            self._at(now + there, partial(self._arrive, client, call, now, back))
        self._wake(client, now)

    def _arrive(self, client: Client, call: int, departed: float, back: float, now: float) -> None:
        client.arrivals.append(now)
        admitted = self._server.admits(now)
        if admitted:
            client.admitted.append(now)
        client.refused += not admitted
        self._at(now + back, lambda then: self._answer(client, call, departed, then, admitted=admitted))

    def _answer(self, client: Client, call: int, departed: float, now: float, *, admitted: bool) -> None:
        client.in_flight -= 1
        client.pace.answer(call, departed, now, admitted=admitted)
        self._wake(client, now)

    def _plan_neighbour(self) -> None:
        if (moment := next(self._calls, math.inf)) < self._neighbour_leaves:
            self._at(moment, lambda now: self._at(now + self._way(self._chance)[0], self._neighbour_arrives))
            self._at(moment, lambda _: self._plan_neighbour())

    def _neighbour_arrives(self, now: float) -> None:
        self._asked += 1
        self._got += self._server.admits(now)

    def cell(self, seconds: float) -> Cell:
        """What happened in the seconds that it ran."""
        first, *others = self.clients
        admitted = sum(len(client.admitted) for client in self.clients) + self._got
        refused = sum(client.refused for client in self.clients) + self._asked - self._got
        share = self._got / self._asked if self._asked else 1.0
        if others:
            less, more = sorted((len(first.admitted), len(others[0].admitted)))
            share = less / max(1, more)
        return Cell(
            used=sum(len(client.admitted) for client in self.clients) / (PER_SECOND * seconds),
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
