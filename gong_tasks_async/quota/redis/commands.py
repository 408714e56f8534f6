"""The script, and its replies as values. No I/O; the ``.lua`` files are the other half."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files

from attrs import frozen

from gong_tasks_async.quota import ladder
from gong_tasks_async.quota.day import DAY, PROBE_INTERVAL
from gong_tasks_async.quota.redis.day_count import BUCKET, MOST_KNOWN

MICRO = 1_000_000
FOREVER = 10**15
"""Microseconds; thirty years, which Lua's numbers hold exactly."""
FAR = 9 * 10**15
"""Microseconds that no moment of ours reaches, in the year 2255; beyond it, Lua's numbers are not exact."""
AHEAD = 0.05
"""Seconds by which a permit may always be granted ahead. With less, a process that comes a little early has to ask twice."""
MOST_AHEAD = 1.0
"""The most of it, where calls are so far apart that this is for a call or two."""
NOTICE_SHARE, LATE_SHARE = 0.6, 0.3
"""Of the window: by how much a permit may be granted ahead at most, and within how much a call that takes long is reported:
before another can be granted that counts on it. Together less than 1."""
WAITERS_KEPT = 120
"""Seconds for which the callers that a process has reported count as waiting."""


def micros(seconds: float) -> int:
    """Seconds as the script counts them."""
    return round(min(seconds * MICRO, FOREVER))


OF_LADDER = """CALM SLOWER FASTER SLOWEST_RUNG FASTEST_RUNG LEAST_PATIENCE MOST_PATIENCE FLOOR_GROWTH WINDOW_TRUST
SPACING_TRUST SMOOTHING"""
CONSTANTS: dict[str, int | float] = {
    **{name: getattr(ladder, name) for name in OF_LADDER.split()},
    "ARRIVED_AFTER": micros(ladder.ARRIVED_AFTER),
    "AHEAD": micros(AHEAD),
    "MOST_AHEAD": micros(MOST_AHEAD),
    "NOTICE_SHARE": NOTICE_SHARE,
    "FAR": FAR,
    "PROBE_INTERVAL": micros(PROBE_INTERVAL),
    "BUCKET": BUCKET,
    "MOST_SECONDS": MOST_KNOWN,
    "WAITERS_KEPT": WAITERS_KEPT,
    "SECOND": MICRO,
    "HOUR": 3600 * MICRO,
    "A_DAY": micros(DAY),
    "TWO_DAYS": round(2 * DAY * 1000),  # milliseconds, for PEXPIRE
}
"""What both languages need is written once, in Python."""
PARTS = ("state.lua", "pace.lua", "day.lua", "steps.lua")


def read_part(part: str) -> str:
    """A part of the script, with numbers for the constants' names."""
    source = files("gong_tasks_async.quota.redis").joinpath(part).read_text(encoding="utf-8")
    return re.sub(rf"\b({'|'.join(CONSTANTS)})\b", lambda name: str(CONSTANTS[name[0]]), source)


SOURCE = "\n".join(read_part(part) for part in PARTS)


def text(item: object) -> str:
    """What the server sent as text, whether or not the client decodes it."""
    return item.decode(errors="replace") if isinstance(item, bytes) else str(item)


REPLIES = {
    "take": {"go": 10, "wait": 2, "shut": 3, "room": 1, "spent": 0},
    "look": {"state": 6},
    "join": {"joined": 2},
}
"""The kinds of reply to each step, and how many numbers each has; the others reply "done", and all may reply "unknown"."""
IN_PAIRS = {"spent", "state"}
"""Kinds with numbers in pairs behind these: the day's counts, and before them, in "state", the callers that wait."""


def parse_reply(step: str, reply: Sequence[object]) -> tuple[str, list[int]]:
    """A reply's kind and numbers.

    Raises:
        ValueError: the script never replies so; nobody knows what answers at the address of a Redis.
    """
    try:
        items = reply[1:3] if step == "join" else reply[1:]  # the limits of others follow
        kind, numbers = text(reply[0]), [int(text(item)) for item in items]
    except (TypeError, LookupError, ValueError):
        raise ValueError("it holds no numbers") from None
    kinds = {**REPLIES.get(step, {"done": 0}), "unknown": 0}
    if kind not in kinds:
        raise ValueError(f"{kind:.20} is no answer to {step}")
    pairs = numbers[kinds[kind] :]
    paired = kind in IN_PAIRS and len(pairs) % 2 == 0 and min(pairs, default=0) >= 0
    if len(numbers) < kinds[kind] or (pairs and not paired) or not all(abs(each) < FAR for each in numbers):
        raise ValueError("its numbers make no sense")
    if kind == "go" and not Granted(*numbers).is_possible():
        raise ValueError("no permit can be so")
    return kind, numbers


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

    def is_possible(self) -> bool:
        """Whether the script can have granted it."""
        waits = 0 <= self.wait <= MOST_AHEAD * MICRO and self.late_after >= 0 and self.following >= 0
        return waits and self.serial > 0 and 0 < self.expires_at < FAR / MICRO * 2 and self.per_call > 0
