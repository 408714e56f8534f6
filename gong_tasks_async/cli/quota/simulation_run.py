"""From the options of `gong-tasks quota simulate` to its table, numbers and picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from attrs import evolve

from gong_tasks_async.cli.invocation import global_option
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.output.formats import Output
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.output.tables import draw_facts
from gong_tasks_async.cli.quota.forecast_plot import forecast_svg
from gong_tasks_async.cli.quota.forecast_text import NUMBERS, bars, facts, numbers
from gong_tasks_async.config.configuration import read_configuration
from gong_tasks_async.config.errors import NoCredentialsError
from gong_tasks_async.quota import QuotaLimits
from gong_tasks_async.simulation import Scenario, Sharing, simulate
from gong_tasks_async.simulator import SecondLimit

MANY_ROWS: Final = 3_000


def run_simulation(*, svg: Path | None, output: Output, **options: Any) -> None:
    """Simulate, and write what comes of it.

    Args:
        svg: the file of the picture.
        output: where to write, and how.
        options: the others of the command, by their names.
    """
    scenario = _scenario(**options)
    if scenario.rows > MANY_ROWS:
        note(f"Simulating {scenario.rows:,} rows; this takes a while.")
    forecast = simulate(scenario)
    if svg:
        svg.write_text(forecast_svg(forecast, scenario), encoding="utf-8")
        note(f"Picture: {svg}")
    if output.is_table:
        draw_facts(facts(forecast, scenario) | bars(forecast))
    else:
        with Listing(NUMBERS, output, single=True) as listing:
            listing.add([numbers(forecast)])


def _scenario(
    *,
    per_second: float | None,
    per_day: int | None,
    reserve: int | None,
    limit: str,
    sharing: str,
    calls: float,
    latency: tuple[float, float],
    hours: float | None,
    rows: int,
    **others: Any,
) -> Scenario:
    return Scenario(
        limits=_limits(per_second, per_day, reserve),
        rule=SecondLimit(limit),
        sharing=Sharing(sharing),
        calls_a_minute=calls,
        round_trip=latency,
        hours=hours if hours is not None else 168.0 if rows else 1.0,
        rows=rows,
        **others,
    )


def _limits(per_second: float | None, per_day: int | None, reserve: int | None) -> QuotaLimits:
    """The limits given, the profile's for the others."""
    limits = _limits_of_profile()
    per_day = limits.per_day if per_day is None else per_day
    if reserve is None:  # the profile's may exceed a day that is given here
        reserve = limits.interactive_reserve
        reserve = reserve if per_day is None else min(reserve, per_day // 20)
    return evolve(
        limits,
        per_second=limits.per_second if per_second is None else per_second,
        per_day=per_day,
        interactive_reserve=reserve,
        day_store=None,
    )


def _limits_of_profile() -> QuotaLimits:
    """The profile's limits; Gong's documented ones where there is no profile."""
    try:
        return read_configuration(os.environ, profile=global_option("profile")).limits
    except NoCredentialsError:
        if global_option("profile"):
            raise
        return QuotaLimits()
