"""Latencies on the command line."""

from __future__ import annotations

from math import inf

import click


def read_latency(text: str) -> tuple[float, float]:
    """Read milliseconds, one number or a range of them, as seconds: `40-120` is (0.04, 0.12)."""
    least, _, most = text.partition("-")
    try:
        seconds = float(least) / 1000, float(most or least) / 1000
    except ValueError:
        seconds = inf, inf
    if not 0 <= seconds[0] <= seconds[1] < inf:
        raise click.BadParameter(f"{text!r} is not a range of milliseconds such as 40-120")
    return seconds
