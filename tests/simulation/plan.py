"""What a seed comes to: a company, its limits, and what goes wrong."""

from __future__ import annotations

from datetime import time
from random import Random
from typing import Self
from zoneinfo import ZoneInfo

from attrs import frozen

from gong_tasks_async import QuotaLimits
from gong_tasks_async.simulation.gong import Conditions
from gong_tasks_async.simulator import SecondLimit

MINUTE, HOUR = 60.0, 3_600.0
START = 1_729_930_000.0
"""26 October 2024: the clocks of Berlin are set back a day later."""
LATE = 90.0
"""Seconds by which a call may arrive after it was counted: a rolling day is kept but for these."""
DAILY_RETRY_AFTER = 43_200.0
LONG = 60.0
"""Seconds of a ``Retry-After`` that means the day."""
BERLIN = ZoneInfo("Europe/Berlin")


@frozen(kw_only=True)
class Plan:
    """What a seed comes to, however the processes share the limits."""

    seed: int
    processes: int
    limits: QuotaLimits
    rule: SecondLimit
    conditions: Conditions
    lasts: float
    """Seconds in which all of it happens."""
    callers: int
    rows: int
    kills: int
    goes_on: float
    """Seconds for which the company goes on once all has happened."""
    lands: float
    """Seconds after the last response in which all of it is reported."""
    reruns: tuple[float, ...]
    """Seconds, one of them by chance, until a bulk job that had to stop is run again."""
    journal: bool = False
    """Whether the bulk job keeps one, on a real disk."""


@frozen(kw_only=True)
class LocalPlan(Plan):
    """Each process has its part of the second; in a few plans each of several takes the whole, by mistake."""

    floods: int
    sleeps: int
    steps: int
    full_disks: int

    @classmethod
    def of(cls, seed: int) -> Self:
        """Draw a plan."""
        chance = Random(seed)
        processes = chance.choice((1, 1, 2, 3))
        per_day = chance.choice((15, 40, 80))
        fixed = chance.random() < 0.4
        mistaken = processes > 1 and chance.random() < 0.2
        limits = QuotaLimits(
            per_second=3.0 if mistaken else 3.0 / processes,
            per_day=per_day,
            interactive_reserve=per_day // 5,
            bulk_share=chance.choice((0.1, 0.25, 0.5)),
            day_starts=time(0, tzinfo=BERLIN) if fixed else None,
        )
        return cls(
            seed=seed,
            processes=processes,
            limits=limits,
            rule=chance.choice(tuple(SecondLimit)),
            conditions=_conditions_of_days(chance),
            lasts=chance.choice((2.0, 30.0, 60.0)) * HOUR,
            callers=chance.choice((5, 20, 60)),
            rows=chance.choice((0, 10, 40)),
            floods=chance.choice((0, 1, 2)),
            kills=chance.choice((0, 0, 1)),
            sleeps=chance.choice((0, 0, 1)),
            steps=chance.choice((0, 1)),
            full_disks=chance.choice((0, 0, 1)),
            journal=chance.random() < 0.05,
            goes_on=2 * MINUTE,
            lands=1.0,
            reruns=(MINUTE, 10 * MINUTE, HOUR),
        )


@frozen(kw_only=True)
class SharedPlan(Plan):
    """All processes share one quota in Redis."""

    outage: float
    """Seconds without Redis; 0 for none."""
    set_back: float
    """Seconds by which the server's clock is set back; 0 for none."""
    mistaken: bool
    """Whether one process was given a second more than the others."""
    reopened: bool
    """Whether a pause of the day is ended by hand."""

    @classmethod
    def of(cls, seed: int) -> Self:
        """Draw a plan."""
        chance = Random(seed)
        return cls(
            seed=seed,
            conditions=_conditions_of_minutes(chance),
            processes=chance.choice((2, 3, 4)),
            limits=QuotaLimits(per_day=chance.choice((40, 1_000)), interactive_reserve=8, bulk_share=0.25),
            rule=chance.choice((SecondLimit.SLIDING, SecondLimit.BUCKET, SecondLimit.NONE)),
            lasts=chance.choice((5.0, 20.0)),
            callers=chance.choice((10, 30)),
            rows=chance.choice((0, 15)),
            kills=chance.random() < 0.3,
            outage=chance.choice((0.0, 0.0, 5.0)),
            set_back=chance.choice((0.0, 0.0, 30.0, HOUR)),
            mistaken=chance.random() < 0.2,
            reopened=chance.random() < 0.3,
            goes_on=10 * MINUTE,
            lands=5.0,
            reruns=(5.0,),
        )


def _conditions_of_days(chance: Random) -> Conditions:
    bad = chance.random() < 0.6
    return Conditions(
        day_retry_after=DAILY_RETRY_AFTER,
        ways=chance.choice(((0.0, 0.0), (0.02, 0.06), (0.015, 0.15), (0.1, 1.2))),
        refused=chance.choice((0.0, 0.05, 0.2)) if bad else 0.0,
        failing=0.05 if bad else 0.0,
        lost=0.03 if bad else 0.0,
        vanishing=0.03 if bad else 0.0,
        hanging=0.02 if bad else 0.0,
        retry_after=chance.choice(((1.0,), (0.0, 7.0), (30.0, 2.0), (1.0, 7_200.0), (1.0, 604_800.0))),
    )


def _conditions_of_minutes(chance: Random) -> Conditions:
    bad = chance.random() < 0.6
    return Conditions(
        ways=chance.choice(((0.0, 0.0), (0.02, 0.06), (0.015, 0.15))),
        refused=chance.choice((0.0, 0.1)) if bad else 0.0,
        failing=0.05 if bad else 0.0,
        lost=0.03 if bad else 0.0,
        vanishing=0.03 if bad else 0.0,
        hanging=0.05 if bad else 0.0,
        retry_after=chance.choice(((1.0,), (0.0, 7.0), (20.0,))),
    )
