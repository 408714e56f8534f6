"""What the server has yet to be told of: calls that have ended, and turns that were not used.

It travels with the next turn that is asked for, so that it costs no round trip of its own; where none is asked for,
it is sent by itself a moment later.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from attrs import frozen

from gong_tasks_async.events import logger
from gong_tasks_async.quota.redis.commands import Granted, Returned, micros

MOST_AT_ONCE = 64
"""The script is short for everybody; more wait for the next step."""
MOST_KEPT = 4096
"""While Redis is gone. What is dropped are corrections: without them a slot or a day's call is free later."""


@frozen
class Completion:
    """Something to be told, and when it happened, by the event loop's clock."""

    kind: str
    at: float
    turn: Granted
    flight: float = 0.0
    uncount: bool = False

    def as_commands(self, now: float) -> Returned:
        """As the script wants it."""
        return (
            self.kind,
            self.turn.lease,
            micros(now - self.at),
            micros(self.flight),
            self.turn.field if self.uncount else 0,
            self.turn.departure,
            self.turn.generation,
        )


class Outbox:
    """Kept in order; the oldest are dropped where too many gather, with a word in the log."""

    def __init__(self, on_put: Callable[[], None]) -> None:
        self._on_put = on_put
        self._waiting: deque[Completion] = deque()
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def answered(self, turn: Granted, departed: float, *, uncount: bool) -> None:
        """A call has been answered."""
        now = asyncio.get_running_loop().time()
        self._put(Completion("answered", now, turn, now - departed, uncount))

    def cut_off(self, turn: Granted) -> None:
        """A call has ended without an answer."""
        self._put(Completion("cut", asyncio.get_running_loop().time(), turn))

    def unused(self, turn: Granted) -> None:
        """A turn was not used."""
        self._put(Completion("unused", asyncio.get_running_loop().time(), turn, uncount=True))

    def take(self) -> list[Completion]:
        """The next ones to be told."""
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]

    def put_back(self, untold: Iterable[Completion]) -> None:
        """They could not be told."""
        self._waiting.extendleft(reversed(list(untold)))
        self._trim()

    def _put(self, ended: Completion) -> None:
        self._waiting.append(ended)
        self._trim()
        self._on_put()

    def _trim(self) -> None:
        while len(self._waiting) > MOST_KEPT:
            self._waiting.popleft()
            self._dropped += 1
            if self._dropped == 1:
                logger.warning(
                    "More than %d ended calls could not be told to the shared quota; the oldest are dropped, and "
                    "so the day's count may stay too high",
                    MOST_KEPT,
                )


def as_commands(ended: Sequence[Completion]) -> list[Returned]:
    """As the script wants them."""
    now = asyncio.get_running_loop().time()
    return [item.as_commands(now) for item in ended]
