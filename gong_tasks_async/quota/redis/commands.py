"""What is asked of the script, and what it answers, as values. No I/O; the ``.lua`` files are the other half."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from attrs import frozen

from gong_tasks_async.quota.limits import Lane, QuotaLimits

PARTS = ("state.lua", "pace.lua", "day.lua", "steps.lua")
SOURCE = "\n".join(
    files("gong_tasks_async.quota.redis").joinpath(part).read_text(encoding="utf-8") for part in PARTS
)
MICRO = 1_000_000
FOREVER = 10**15
"""Microseconds; thirty years, which Lua's numbers hold exactly."""
CATCH_UP = 0.003
"""Seconds by which a turn may be asked for late, as timers and loops are, and the next ones not be later for it."""
REJOINING = 1.0
"""Seconds within which all processes that went on alone notice that a server has come back; see :class:`Contact`."""

Returned = tuple[str, str, int, int, int, int, int]
"""Kind, lease, microseconds since, flight, the day's field to be counted down, departure, generation."""


def micros(seconds: float) -> int:
    """Seconds as the script counts them."""
    return round(min(seconds * MICRO, FOREVER))


@frozen
class Granted:
    """A turn."""

    wait: float
    """Seconds from the answer to the departure."""
    departure: int
    lease: str
    generation: int
    """How often turns that were given ahead have been made void by then."""
    field: int
    """The second at which this call stops counting against the day."""
    in_field: int
    """How many calls stop counting then."""
    used: int
    share: float
    """The pace of now, as a share of the full one."""


@frozen
class GateClosed:
    """The gate is shut for everybody."""

    seconds: float
    day_spent: bool


@frozen
class YieldToInteractive:
    """People of other processes go first."""

    seconds: float


@frozen
class DaySpent:
    """The day is spent for this lane."""

    seconds: float


@frozen
class TooLate:
    """The turn would come after the deadline."""

    seconds: float


@frozen
class ClockMismatch:
    """It is another day at the server, whose time this is (in seconds since 1970)."""

    now: float


@frozen
class UnknownProcess:
    """The server has forgotten, or never met, this process."""


Reply = Granted | GateClosed | YieldToInteractive | DaySpent | TooLate | ClockMismatch | UnknownProcess


@frozen
class QuotaState:
    """How things stand for the whole company."""

    now: float
    next_in: float
    shut_for: float
    used: int
    spacing: float
    people: int
    machines: int
    day: Mapping[int, int]
    """How many calls stop counting at which second."""


ANSWERS: dict[str, Callable[[Sequence[int]], Reply]] = {
    "shut": lambda n: GateClosed(n[0] / MICRO, bool(n[1])),
    "room": lambda n: YieldToInteractive(n[0] / MICRO),
    "spent": lambda n: DaySpent(n[0] / MICRO),
    "late": lambda n: TooLate(n[0] / MICRO),
    "clock": lambda n: ClockMismatch(n[0] / MICRO),
    "stranger": lambda _: UnknownProcess(),
}


def text(item: object) -> str:
    """What the server sent as text, whether or not the client decodes it."""
    return item.decode() if isinstance(item, bytes) else str(item)


def numbers(items: Sequence[object]) -> list[int]:
    """What the server sent as numbers, which are text where a hash holds them."""
    return [int(text(item)) for item in items]


def parse_reply(items: Sequence[object]) -> Reply:
    """Understand the answer to ``take``."""
    kind = text(items[0])
    if kind != "go":
        return ANSWERS[kind](numbers(items[1:]))
    wait, departure = numbers(items[1:3])
    generation, field, in_field, used, share = numbers(items[4:])
    return Granted(wait / MICRO, departure, text(items[3]), generation, field, in_field, used, share / MICRO)


def read_state(items: Sequence[object]) -> QuotaState:
    """Understand the answer to ``look``."""
    now, next_in, shut_for, used, spacing, people, machines, *day = numbers(items[1:])
    return QuotaState(
        now=now / MICRO,
        next_in=next_in / MICRO,
        shut_for=shut_for / MICRO,
        used=used,
        spacing=spacing / MICRO,
        people=people,
        machines=machines,
        day=dict(zip(day[::2], day[1::2], strict=True)),
    )


class Commands:
    """Puts into words, for one process, what the script is asked."""

    def __init__(self, limits: QuotaLimits, process: str, *, alone: bool) -> None:
        self._limits = limits
        self._settle = limits.hold + (REJOINING if alone else 0.0)
        self._process = process
        self._turns_asked = 0
        self._always = {
            "process": process,
            "spacing": micros(limits.spacing),
            "hold": micros(limits.hold),
            "slots": limits.slots,
            "catch_up": micros(min(CATCH_UP, limits.headroom * limits.hold / 3)),
            "bulk_share": limits.bulk_share,
        }
        self._allowed = {lane: min(limits.allowed(lane), FOREVER) for lane in Lane}

    def take(
        self,
        lane: Lane,
        *,
        epoch: int,
        patience: float,
        people: int,
        machines: int,
        returns: Sequence[Returned],
        turns: Sequence[int] | None,
    ) -> str:
        """A turn, that comes within ``patience`` seconds."""
        self._turns_asked += 1
        asked: dict[str, object] = {
            "lane": lane.value,
            "epoch": epoch,
            "lease": f"{self._process}.{self._turns_asked}",
            "patience": micros(patience),
            "people": people,
            "machines": machines,
            "returns": returns,
            "allowed": self._allowed[lane],
        }
        if turns is not None:
            asked["turns"] = turns
        return self._words("take", asked)

    def confirm(self, *, epoch: int, generation: int) -> str:
        """Whether a turn that was given before is good still."""
        return self._words("confirm", {"epoch": epoch, "generation": generation})

    def give_back(self, returns: Sequence[Returned], *, epoch: int) -> str:
        """Nothing; there is only something to be told."""
        return self._words("give_back", {"returns": returns, "epoch": epoch})

    def pause(self, seconds: float, *, day_spent: bool) -> str:
        """That the gate be shut for everybody."""
        slower = self._limits.adaptive and not day_spent
        return self._words("pause", {"seconds": micros(seconds), "day_spent": day_spent, "slower": slower})

    def join(
        self,
        *,
        doubt: bool,
        known: Mapping[int, int],
        alone: Mapping[int, int],
        shut: float,
        day_spent: bool,
    ) -> str:
        """To be let in, with what this process knows; ``doubt`` where it has sent calls that nobody else counted."""
        return self._words(
            "join",
            {
                "settle": micros(self._settle),
                "doubt": doubt,
                "known": list(known.items()),
                "alone": list(alone.items()),
                "shut": micros(shut),
                "day_spent": day_spent,
            },
        )

    def look(self) -> str:
        """How things stand."""
        return self._words("look", {})

    def _words(self, step: str, asked: Mapping[str, object]) -> str:
        return json.dumps({"step": step, **self._always, **asked}, separators=(",", ":"))
