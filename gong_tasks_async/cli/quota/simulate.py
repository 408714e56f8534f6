"""`gong-tasks quota simulate`: what would happen to a bulk job, to people and to neighbours."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from attrs import evolve

from gong_tasks_async.cli.command import Command, SectionOption
from gong_tasks_async.cli.invocation import global_option
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.output.formats import Output, output_option
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.output.tables import draw_facts
from gong_tasks_async.cli.quota.forecast_plot import forecast_svg
from gong_tasks_async.cli.quota.forecast_text import NUMBERS, bars, facts, numbers
from gong_tasks_async.cli.simulator import read_latency
from gong_tasks_async.config.configuration import read_configuration
from gong_tasks_async.config.errors import NoCredentialsError
from gong_tasks_async.quota import QuotaLimits
from gong_tasks_async.simulation import Scenario, Sharing, simulate
from gong_tasks_async.simulation.scenario import MOST_CALLS_A_MINUTE, MOST_HOURS, MOST_PROCESSES, MOST_ROWS
from gong_tasks_async.simulator import SecondLimit

F = TypeVar("F", bound=Callable[..., Any])

EXAMPLES: Final = """
gong-tasks quota simulate --rows 5000 --calls 20
gong-tasks quota simulate --rows 5000 --calls 20 --processes 3 --sharing divided
gong-tasks quota simulate --rows 20000 --neighbour 0.5 --svg forecast.svg
gong-tasks quota simulate --calls 60 --hours 8 --output json | jq .wait_p99
"""
MANY_ROWS: Final = 3_000
COMPANY, LIMITS = "The company", "Gong and the network"


def _option(section: str, *names: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, cls=SectionOption, section=section, **settings)


@click.command("simulate", cls=Command, examples=EXAMPLES)
@_option(
    COMPANY,
    "--rows",
    type=click.IntRange(0, MOST_ROWS),
    default=0,
    metavar="N",
    help="Updates of a bulk job.",
)
@_option(
    COMPANY,
    "--calls",
    type=click.FloatRange(0, MOST_CALLS_A_MINUTE),
    default=0.0,
    metavar="N",
    help="Interactive calls a minute, of all processes.",
)
@_option(
    COMPANY, "--processes", type=click.IntRange(1, MOST_PROCESSES), default=1, show_default=True, metavar="N"
)
@_option(
    COMPANY,
    "--sharing",
    type=click.Choice([each.value for each in Sharing]),
    default=Sharing.SHARED.value,
    show_default=True,
    help="One quota for all processes; a part for each; or, by mistake, the whole for each.",
)
@_option(
    COMPANY,
    "--neighbour",
    "neighbours",
    type=click.FloatRange(0, MOST_CALLS_A_MINUTE / 60),
    multiple=True,
    metavar="RATE",
    help="Calls a second of another integration; repeatable.",
)
@_option(
    LIMITS,
    "--per-second",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="By default the profile's.",
)
@_option(LIMITS, "--per-day", type=click.IntRange(1), metavar="N", help="By default the profile's.")
@_option(LIMITS, "--reserve", type=click.IntRange(0), metavar="N", help="Calls of the day that bulk leaves.")
@_option(
    LIMITS,
    "--limit",
    type=click.Choice([each.value for each in SecondLimit]),
    default=SecondLimit.SLIDING.value,
    show_default=True,
    help="How calls a second are counted.",
)
@_option(
    LIMITS,
    "--latency",
    type=read_latency,
    metavar="MS[-MS]",
    default="40-120",
    show_default=True,
    help="Milliseconds of a round trip.",
)
@click.option(
    "--hours",
    type=click.FloatRange(0, MOST_HOURS, min_open=True),
    metavar="N",
    help="The longest to simulate: 168; 1 without --rows.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Other seeds make other moments.")
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw a picture too."
)
@output_option
def command(*, svg: Path | None, output: Output, **options: Any) -> None:
    """Simulate a company's calls: duration, waits, 429s.

    Nothing is sent, and no credentials are needed. The clients, quotas and bulk run are the real ones, in virtual time;
    the network and Gong are simulated. 1,000 calls take about a second.
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
        with Listing(NUMBERS, output) as listing:
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
    if not (rows or calls):
        raise click.UsageError("Nothing to simulate: give --rows N or --calls N.")
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
