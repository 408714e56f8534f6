"""What the quota, the jobs and the services have to reach, and what the scripts found of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

Records = Sequence[Mapping[str, Any]]


@frozen
class Aim:
    """One line of the table: a figure of a script's, and its bound."""

    what: str
    script: str
    figure: Callable[[Any], float]
    """From what the script printed."""
    bound: float
    at_least: bool = False

    def row(self, found: Any) -> tuple[str, str, str, str]:
        """Must and is."""
        figure = self.figure(found)
        reached = figure >= self.bound if self.at_least else figure <= self.bound
        side = "at least" if self.at_least else "at most"
        return (
            self.what,
            f"{side} {self.bound:g}",
            f"{figure:,.4g}",
            "reached" if reached else "**missed**",
        )


def one_of(records: Records, **values: object) -> Mapping[str, Any]:
    """The record that has these values."""
    return next(record for record in records if all(record[key] == value for key, value in values.items()))


def _turn(budget: str, waiting: str) -> Callable[[Any], float]:
    return lambda found: float(one_of(found, budget=budget, waiting=waiting)["cpu_us"])


def _worst(name: str, **values: object) -> Callable[[Any], float]:
    """The most of a figure, over the records that have these values."""

    def most(found: Any) -> float:
        records = [one for one in found if all(one[key] == value for key, value in values.items())]
        return max(float(one[name]) for one in records)

    return most


def _neighbour(latency: str, *names: str) -> Callable[[Any], float]:
    def mean(found: Any) -> float:
        record: Any = one_of(found, pace="adaptive", latency_ms=latency)
        for name in names:
            record = record[name]
        return float(record)

    return mean


def _trips(found: Any) -> float:
    return float(one_of(found["shared"], contender="ours", per_second=3.0)["trips_a_turn"])


def _redis_us(found: Any) -> float:
    return float(one_of(found["turns"], contender="ours")["server_us"])


JITTER = "40-120"
AIMS = (
    Aim("a permit alone, no daily limit, µs of CPU", "turn_cost", _turn("no limit", "alone"), 8),
    Aim("the same, the day limited", "turn_cost", _turn("in memory", "alone"), 8),
    Aim("a permit with 10,000 waiting, µs of CPU", "turn_cost", _turn("no limit", "10,000 waiting"), 20),
    Aim("200 calls queued at once: wasted", "quota_herd", _worst("refused", client="ours"), 2),
    Aim(
        "a person's wait behind 1,000 bulk calls, spacings, worst",
        "quota_lanes",
        lambda found: _worst("most")(found["waits"]),
        2,
    ),
    Aim(
        "beside a neighbour of 1 call/s, no latency: refusals fall by",
        "quota_neighbour",
        _neighbour("0-0", "fall_of_refusals"),
        0.7,
        at_least=True,
    ),
    Aim("the same, 40-120 ms", "quota_neighbour", _neighbour(JITTER, "fall_of_refusals"), 0.7, at_least=True),
    Aim(
        "the neighbour gets of its calls, 40-120 ms",
        "quota_neighbour",
        _neighbour(JITTER, "mean", "neighbours_share"),
        0.7,
        at_least=True,
    ),
    Aim(
        "both use of the limit, no latency",
        "quota_neighbour",
        _neighbour("0-0", "mean", "used"),
        0.9,
        at_least=True,
    ),
    Aim(
        "both use of the limit, 40-120 ms",
        "quota_neighbour",
        _neighbour(JITTER, "mean", "used"),
        0.9,
        at_least=True,
    ),
    Aim("four processes on one Redis: round trips a permit", "redis_quota", _trips, 1.2),
    Aim("a permit alone: µs of Redis", "redis_quota", _redis_us, 50),
    Aim("bytes in Redis of a waiting row", "jobs_cost", _worst("waiting_bytes"), 400),
    Aim("KB of an idle company", "companies", _worst("kb_a_company", state="idle, clients closed"), 60),
)


def aims_rows(scripts: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Each aim whose script was run, beside what the script found."""
    for aim in AIMS:
        if aim.script in scripts:
            yield aim.row(scripts[aim.script])
