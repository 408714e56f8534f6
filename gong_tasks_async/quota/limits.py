"""What a quota is: its settings, its lanes, and what a client asks of one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum
from typing import Protocol

from attrs import frozen


class Lane(Enum):
    """Who is waiting: a person, or a machine that works through a list."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


@frozen(kw_only=True)
class QuotaLimits:
    """How fast Gong may be called. The defaults are Gong's own: 3 calls a second for the whole company.

    Raises:
        ValueError: a number is out of its range; all that are wrong are named at once.
    """

    per_second: float = 3.0
    """Calls a second; Gong raises it on request."""
    window: float = 1.0
    """Seconds over which Gong is taken to count; a call's slot is freed so long after its answer."""
    headroom: float = 0.03
    """The share by which calls are spaced wider than the rate would allow: network jitter needs it."""
    adaptive: bool = True
    """Whether 429s that come all the same lower the pace for a while."""
    bulk_share: float = 0.1
    """The share of the calls that the bulk lane gets while people fill the line."""

    def __attrs_post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        if problems := list(self._problems()):
            raise ValueError("QuotaLimits refused: " + "; ".join(problems))

    def _problems(self) -> Iterator[str]:
        for name in ("per_second", "window"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                yield f"{name} must be more than 0 and finite, not {value}"
        if not 0 <= self.headroom < 1:
            yield f"headroom must be in 0..1, such as 0.03 for 3 %, not {self.headroom}"
        if not 0 <= self.bulk_share < 1:
            yield f"bulk_share must be in 0..1, such as 0.1 for a tenth, not {self.bulk_share}"

    @property
    def spacing(self) -> float:
        """Seconds from one call to the next at full pace."""
        return (1.0 + self.headroom) / self.per_second

    @property
    def slots(self) -> int:
        """How many calls may fall into one window."""
        return max(1, math.floor(self.per_second * self.window))

    @property
    def hold(self) -> float:
        """Seconds for which a slot stays taken after its answer."""
        return max(self.window, 1.0 / self.per_second)


@frozen
class Turn:
    """The right to send one request, from one moment on."""

    departed: float
    """When it was given, by the event loop's clock."""


class Quota(Protocol):
    """Who may call Gong, and when. One object may serve several clients of the same company."""

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Turn:
        """Wait for the right to send one request.

        Args:
            lane: who is asking.
            deadline: the moment of the event loop's clock after which the turn is of no use.
            max_wait: seconds for which a shut gate is worth waiting.
            returning: true for a request that was refused, which keeps its place at the head of its lane.

        Raises:
            DeadlineExceeded: the turn cannot come before the deadline.
            RateLimitError: Gong has asked everybody to wait longer than ``max_wait``.
        """

    def release(self, turn: Turn, *, answered: bool) -> None:
        """Say that the request has ended, with an answer or without one."""

    def pause(self, seconds: float) -> None:
        """Say that Gong answered 429, and for how long nobody may call."""
