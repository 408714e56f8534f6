"""The script, what is asked of it, and its replies as values. No I/O; the ``.lua`` files are the other half."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

from attrs import frozen

from gong_tasks_async.quota import ladder
from gong_tasks_async.quota.day import DAY, PROBE_INTERVAL
from gong_tasks_async.quota.limits import Lane
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
WAITERS_KEPT = 120
"""Seconds for which the callers that a process has reported count as waiting."""
LANES = {Lane.BULK: 0, Lane.INTERACTIVE: 1}
UNUSED, OPEN, REFUSED, ANSWERED, PASSED = range(5)
"""How a call that had a permit has ended; OPEN: without an answer, or not yet."""


def micros(seconds: float) -> int:
    """Seconds as the script counts them."""
    return round(min(seconds * MICRO, FOREVER))


OF_MOMENTS = "seen next paused spent probed refused_at urgent tidy_at"
OF_STATE = """epoch serial probe used sweep_at rung run patience trying earned urgent_by
issued_bulk issued_interactive served_bulk served_interactive"""
STATE = [*OF_MOMENTS.split(), *OF_STATE.split()]
"""The state's numbers; where their order changes, the name of the field that holds them does."""
OF_ALL = """process epoch serial rung lowest_rung spacing slots hold hold_one longest_hold per_call per_late_call
expected_flight notice settle catch_up bulk_credit"""
OF_STEPS = """lane allowed ticket waiting interactive report day_began day_ends next_ends paused spent refused dice
sent_alone"""
ASK = [*OF_ALL.split(), *OF_STEPS.split()]
"""A request's numbers: those of the process and its pace, and those of single steps. What a step leaves out is 0."""
OF_LADDER = "CALM SLOWER SLOWEST_RUNG FASTEST_RUNG LEAST_PATIENCE MOST_PATIENCE"
OF_THIS = "UNUSED OPEN ANSWERED PASSED FAR WAITERS_KEPT"
SECONDS = {
    "ARRIVED_AFTER": ladder.ARRIVED_AFTER,
    "AHEAD": AHEAD,
    "PROBE_INTERVAL": PROBE_INTERVAL,
    "SECOND": 1.0,
    "HOUR": 3600.0,
    "A_DAY": DAY,
}
CONSTANTS: dict[str, object] = {
    **{name: getattr(ladder, name) for name in OF_LADDER.split()},
    **{name: globals()[name] for name in OF_THIS.split()},
    **{name: micros(seconds) for name, seconds in SECONDS.items()},
    **{lane.name: number for lane, number in LANES.items()},
    "BUCKET": BUCKET,
    "MOST_SECONDS": MOST_KNOWN,
    "TWO_DAYS": round(2 * DAY * 1000),  # milliseconds, for PEXPIRE
    "NUMBERS": "'numbers 2'",
    "INITIAL": ", ".join(str(int(name == "patience")) for name in STATE),
    "MOMENTS": len(OF_MOMENTS.split()),
    "STATE_SIZE": len(STATE),
    "ASK_SIZE": len(ASK),
    "STATE_FORMAT": f"'<{'d' * len(STATE)}'",
    "ASK_FORMAT": f"'<{'d' * len(ASK)}'",
    "ISSUED": STATE.index("issued_bulk") + 1,  # in Lua, places count from 1
    "SERVED": STATE.index("served_bulk") + 1,
}
"""What both languages need is written once, in Python."""
PARTS = ("struct.lua", "state.lua", "pace.lua", "day.lua", "steps.lua")


def translate(source: str) -> str:
    """Lua as Redis is to see it: numbers for the constants' names, and places for those of the state and a request."""
    source = re.sub(r" *--.*", "", source)
    source = re.sub(rf"\b({'|'.join(CONSTANTS)})\b", lambda name: str(CONSTANTS[name[0]]), source)
    places = {
        f"{table}.{name}": f"{table}[{place}]"
        for table, names in (("state", STATE), ("ask", ASK))
        for place, name in enumerate(names, 1)
    }
    return re.sub(r"\b(state|ask)\.\w+", lambda name: places[name[0]], source)


def read_part(part: str) -> str:
    """A part of the script."""
    return translate(files("gong_tasks_async.quota.redis").joinpath(part).read_text(encoding="utf-8"))


SOURCE = "\n".join(read_part(part) for part in PARTS)


def pack(asked: Mapping[str, float], returns: Iterable[Sequence[float]] = ()) -> bytes:
    """A request's numbers, and five for each return."""
    numbers = [asked.get(name, 0) for name in ASK]
    for each in returns:
        numbers += each
    return struct.pack(f"<{len(numbers)}d", *numbers)


def text(item: object) -> str:
    """What the server sent as text, whether or not the client decodes it."""
    return item.decode(errors="replace") if isinstance(item, bytes) else str(item)


REPLIES = {
    "take": {"go": 8, "wait": 2, "shut": 3, "room": 1, "spent": 0, "rung": 1},
    "look": {"state": 5, "rung": 1},
    "join": {"joined": 3},
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
        kind, kinds = text(reply[0]), {**REPLIES.get(step, {"done": 0}), "unknown": 0}
        count = kinds[kind]
        numbers = [int(text(item)) for item in (reply[1 : count + 1] if step == "join" else reply[1:])]
    except (TypeError, LookupError, ValueError):
        raise ValueError(f"it is none to {step}") from None
    pairs = numbers[count:]
    paired = kind in IN_PAIRS and len(pairs) % 2 == 0 and min(pairs, default=0) >= 0
    sane = len(numbers) >= count and (paired or not pairs) and all(abs(each) < FAR for each in numbers)
    if not sane or (kind == "go" and not Granted(*numbers).is_possible()):
        raise ValueError("its numbers make no sense")
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
    following: int
    """Microseconds until the next permit that this process can get, by its ``ticket``."""
    ticket: int

    def is_possible(self) -> bool:
        """Whether the script can have granted it."""
        waits = 0 <= self.wait <= MOST_AHEAD * MICRO and self.late_after >= 0 and self.following >= 0
        return waits and self.serial > 0 and 0 < self.expires_at < FAR / MICRO * 2
