"""What the simulated grid is made of: rules by which a server may count, networks, neighbours."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from typing import Protocol

PER_SECOND = 3
DUST = 1e-9


# How a server may count


class Bucket:
    """A leaky bucket. A depth of 1 is strict spacing, as nginx has without a burst."""

    def __init__(self, depth: int) -> None:
        self.per_second = PER_SECOND
        self._depth, self._full = depth, -math.inf

    def admits(self, now: float) -> bool:
        """Count an arrival; whether it is admitted."""
        if self._full - (self._depth - 1) / self.per_second > now + DUST:
            return False
        self._full = max(self._full, now) + 1 / self.per_second
        return True


class FixedSecond:
    """So many in each second of the clock."""

    def __init__(self) -> None:
        self.per_second = PER_SECOND
        self._second, self._count = -1, 0

    def admits(self, now: float) -> bool:
        """Count an arrival; whether it is admitted."""
        if (second := math.floor(now)) != self._second:
            self._second, self._count = second, 0
        admitted = self._count < self.per_second
        self._count += admitted
        return admitted


class SlidingSecond:
    """So many in any second; ``every`` counts refused calls too, as HAProxy does."""

    def __init__(self, *, every: bool = False) -> None:
        self.per_second = PER_SECOND
        self._every, self._counted = every, deque[float]()

    def admits(self, now: float) -> bool:
        """Count an arrival; whether it is admitted."""
        while self._counted and self._counted[0] + 1.0 <= now + DUST:
            self._counted.popleft()
        admitted = len(self._counted) < self.per_second
        if admitted or self._every:
            self._counted.append(now)
        return admitted


class WeightedCounter:
    """Two seconds of the clock, the earlier one weighted, as Cloudflare and Express count."""

    def __init__(self) -> None:
        self.per_second = PER_SECOND
        self._second, self._count, self._before = -1, 0, 0

    def admits(self, now: float) -> bool:
        """Count an arrival; whether it is admitted."""
        if (second := math.floor(now)) != self._second:
            self._before = self._count if self._second == second - 1 else 0
            self._second, self._count = second, 0
        admitted = math.floor(self._before * (1 - (now - second)) + DUST) + self._count < self.per_second
        self._count += admitted
        return admitted


class Server(Protocol):
    """A server that counts calls."""

    per_second: int
    """Its limit, which may be changed."""

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
