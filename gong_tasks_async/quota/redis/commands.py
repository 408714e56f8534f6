"""The script, and its replies as values. No I/O; the ``.lua`` files are the other half."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from attrs import frozen

from gong_tasks_async.quota import ladder
from gong_tasks_async.quota.day import PROBE_INTERVAL
from gong_tasks_async.quota.redis.day_count import BUCKET

MICRO = 1_000_000
FOREVER = 10**15
"""Microseconds; thirty years, which Lua's numbers hold exactly."""
AHEAD = 0.05
"""Seconds by which a permit may be granted ahead. More, and a pause would have to take it back; less, and a process
that comes a little early has to ask twice."""


def micros(seconds: float) -> int:
    """Seconds as the script counts them."""
    return round(min(seconds * MICRO, FOREVER))


OF_LADDER = """CALM SLOWER FASTER SLOWEST_RUNG FASTEST_RUNG LEAST_PATIENCE MOST_PATIENCE FLOOR_GROWTH WINDOW_TRUST
SPACING_TRUST SMOOTHING"""
CONSTANTS = {
    **{name: getattr(ladder, name) for name in OF_LADDER.split()},
    "ARRIVED_AFTER": micros(ladder.ARRIVED_AFTER),
    "AHEAD": micros(AHEAD),
    "PROBE_INTERVAL": micros(PROBE_INTERVAL),
    "BUCKET": BUCKET,
}
"""What both languages need is written once, in Python."""
PARTS = ("state.lua", "pace.lua", "day.lua", "steps.lua")
SOURCE = "\n".join(
    [f"local {name} = {value}" for name, value in CONSTANTS.items()]
    + [files(__package__).joinpath(part).read_text(encoding="utf-8") for part in PARTS]
)


def text(item: object) -> str:
    """What the server sent as text, whether or not the client decodes it."""
    return item.decode(errors="replace") if isinstance(item, bytes) else str(item)


def parse_counts(numbers: Sequence[int]) -> dict[int, int]:
    """How many calls stop counting at which second."""
    return dict(zip(numbers[::2], numbers[1::2], strict=True))


@frozen
class Granted:
    """A permit: microseconds until its departure, and what came with it."""

    wait: int
    serial: int
    late_after: int
    """Microseconds after which the script takes the call to have arrived, unless reported otherwise."""
    expires_at: int
    """The second at which this call stops counting against the day, as ``counted`` calls do."""
    counted: int
    used: int
    rung: int
    per_call: int
    following: int
    """Microseconds until the next permit that this process can get, by its ``ticket``."""
    ticket: int
