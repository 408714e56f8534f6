"""How settings are spelled on the command line."""

from __future__ import annotations

from enum import StrEnum
from math import inf

import click

from gong_tasks_async.simulator import Fault


def dashed(member: StrEnum) -> str:
    """Spell a member as command lines do."""
    return member.value.replace("_", "-")


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


def read_fault(text: str) -> tuple[Fault, float]:
    """Read a kind of fault and the share of calls that meet it: `server-error=0.02`."""
    kind, _, rate = text.partition("=")
    try:
        kind_and_rate = Fault(kind.replace("-", "_")), float(rate)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a kind and a rate such as server-error=0.02") from None
    if not 0 <= kind_and_rate[1] <= 1:
        raise click.BadParameter(f"{rate} is not a share between 0 and 1")
    return kind_and_rate
