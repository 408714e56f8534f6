"""`gong-tasks quota simulate`: what would happen to a bulk job, to people and to neighbours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from gong_tasks_async.cli.command import Command, SectionOption
from gong_tasks_async.cli.latency import read_latency
from gong_tasks_async.cli.output.formats import Output, output_option

F = TypeVar("F", bound=Callable[..., Any])

EXAMPLES: Final = """
gong-tasks quota simulate --rows 5000 --calls 20
gong-tasks quota simulate --rows 5000 --calls 20 --processes 3 --sharing divided
gong-tasks quota simulate --rows 20000 --neighbour 0.5 --svg forecast.svg
gong-tasks quota simulate --calls 60 --hours 8 --output json | jq .wait_p99
"""
# The simulation has these too; it is imported when it runs.
SHARING: Final = ("shared", "divided", "separate")
RULES: Final = ("none", "bucket", "fixed", "sliding", "spacing")
MOST_ROWS, MOST_PROCESSES, MOST_CALLS_A_MINUTE, MOST_HOURS = 100_000, 64, 600.0, 168.0
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
    type=click.Choice(SHARING),
    default="shared",
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
    type=click.Choice(RULES),
    default="sliding",
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
    if not (options["rows"] or options["calls"]):
        raise click.UsageError("Nothing to simulate: give --rows N or --calls N.")
    if svg is not None and not svg.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {svg.parent}", param_hint="--svg")
    from gong_tasks_async.cli.quota.simulation_run import run_simulation  # noqa: PLC0415 - aiohttp, when it is needed

    run_simulation(svg=svg, output=output, **options)
