"""What a seed comes to for a company that shares its quota through Redis."""

from __future__ import annotations

from random import Random

from attrs import frozen

from gong_tasks_async import QuotaLimits
from gong_tasks_async.simulation.gong import Conditions
from gong_tasks_async.simulator import SecondLimit


@frozen
class SharedPlan:
    """What a seed comes to."""

    seed: int
    processes: int
    limits: QuotaLimits
    rule: SecondLimit
    conditions: Conditions
    callers: int
    rows: int
    killed: bool
    outage: float
    """Seconds without Redis; 0 for none."""
    set_back: float
    """Seconds by which the server's clock is set back; 0 for none."""
    mistaken: bool
    """Whether one process was given a second more than the others."""
    reopened: bool
    """Whether somebody ends a pause of the day by hand."""

    @classmethod
    def of(cls, seed: int) -> SharedPlan:
        """Draw a plan."""
        chance = Random(seed)
        bad = chance.random() < 0.6
        conditions = Conditions(
            ways=chance.choice(((0.0, 0.0), (0.02, 0.06), (0.015, 0.15))),
            refused=chance.choice((0.0, 0.1)) if bad else 0.0,
            failing=0.05 if bad else 0.0,
            lost=0.03 if bad else 0.0,
            vanishing=0.03 if bad else 0.0,
            hanging=0.05 if bad else 0.0,
            retry_after=chance.choice(((1.0,), (0.0, 7.0), (20.0,))),
        )
        return cls(
            seed=seed,
            processes=chance.choice((2, 3, 4)),
            limits=QuotaLimits(per_day=chance.choice((40, 1_000)), interactive_reserve=8, bulk_share=0.25),
            rule=chance.choice((SecondLimit.SLIDING, SecondLimit.BUCKET, SecondLimit.NONE)),
            conditions=conditions,
            callers=chance.choice((10, 30)),
            rows=chance.choice((0, 15)),
            killed=chance.random() < 0.3,
            outage=chance.choice((0.0, 0.0, 5.0)),
            set_back=chance.choice((0.0, 0.0, 30.0, 3_600.0)),
            mistaken=chance.random() < 0.2,
            reopened=chance.random() < 0.3,
        )
