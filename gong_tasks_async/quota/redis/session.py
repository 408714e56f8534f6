"""This process as one of those that share a company's quota: what it asks and tells."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from attrs import frozen

from gong_tasks_async.errors import QuotaUnavailable
from gong_tasks_async.events import EventSink, PaceChanged
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.redis.backend import Backend
from gong_tasks_async.quota.redis.commands import (
    MICRO,
    ClockMismatch,
    Commands,
    Granted,
    QuotaState,
    Reply,
    UnknownProcess,
    numbers,
    parse_reply,
    read_state,
)
from gong_tasks_async.quota.redis.day_count import DayCount
from gong_tasks_async.quota.redis.health import RedisHealth
from gong_tasks_async.quota.redis.outbox import Outbox, as_commands

MAX_REGISTRATIONS = 4
"""A server that has forgotten us that often within one turn is not to be relied on."""


@frozen
class Demand:
    """Who waits in this process behind the one who asks."""

    people: int
    machines: int


class RedisSession:
    """One process of the company's; asks one step at a time of the script."""

    def __init__(
        self,
        server: Backend,
        limits: QuotaLimits,
        gate: Gate,
        day: DayCount,
        events: EventSink,
        on_change: Callable[[], None],
        on_news_to_tell: Callable[[], None],
        *,
        alone: bool,
    ) -> None:
        self._server = server
        self._limits = limits
        self._gate = gate
        self._day = day
        self._events = events
        self._name = secrets.token_hex(4)
        self._asks = Commands(limits, self._name, alone=alone)
        self._epoch = 0
        """Which memory of the server's knows us; it begins another one with each restart."""
        self._generation = 0
        self._share = 1.0
        self.outbox = Outbox(on_news_to_tell)
        self.contact = RedisHealth(server.place, events, self._rejoin, on_change, alone=alone)

    @property
    def spacing(self) -> float:
        """Seconds from one call to the next, all processes taken together, as was last heard."""
        return self._limits.spacing / self._share

    async def take(self, lane: Lane, patience: float, demand: Callable[[], Demand]) -> Reply:
        """Ask for a turn, and tell what is in the outbox.

        Raises:
            QuotaUnavailable: no answer came.
        """
        for _ in range(MAX_REGISTRATIONS):
            if not self._epoch:
                await self._join(self._ask)
            answer = await self._take_once(lane, patience, demand())
            if isinstance(answer, UnknownProcess):
                self._epoch = 0
            elif isinstance(answer, ClockMismatch):
                self._day.set_clock(answer.now)
            else:
                return answer
        raise QuotaUnavailable(server=self._server.place, reason="it forgets what it was told a moment ago")

    async def _take_once(self, lane: Lane, patience: float, demand: Demand) -> Reply:
        told = self.outbox.take()
        asked = self._asks.take(
            lane,
            epoch=self._epoch,
            patience=patience,
            people=demand.people,
            machines=demand.machines,
            returns=as_commands(told),
            turns=self._day.turns(),
        )
        try:
            answer = parse_reply(await self._ask(asked))
        except QuotaUnavailable:
            self.outbox.put_back(told)
            raise
        if isinstance(answer, Granted):
            self._learn(answer)
        elif isinstance(answer, UnknownProcess):
            self.outbox.put_back(told)
        return answer

    async def confirm(self, turn: Granted) -> bool:
        """Whether a turn is good still.

        Raises:
            QuotaUnavailable: no answer came.
        """
        asked = self._asks.confirm(epoch=self._epoch, generation=turn.generation)
        _, good = await self._ask(asked)
        return good == 1

    def is_valid(self, turn: Granted) -> bool:
        """Whether a turn is good as far as is known here."""
        return self.contact.up and turn.generation >= self._generation and not self._gate.remaining()

    async def tell(self) -> None:
        """Tell what is in the outbox, with no turn to be asked for.

        Raises:
            QuotaUnavailable: no answer came; it stays in the outbox.
        """
        while self.contact.up and (told := self.outbox.take()):
            asked = self._asks.give_back(as_commands(told), epoch=self._epoch)
            try:
                await self._ask(asked)
            except BaseException:
                self.outbox.put_back(told)
                raise

    async def pause(self, seconds: float, *, day_spent: bool) -> None:
        """Shut the gate for everybody. Should that fail, it is told when the server is back; see :meth:`_join`.

        Raises:
            QuotaUnavailable: no answer came.
        """
        await self._ask(self._asks.pause(seconds, day_spent=day_spent))

    async def look(self) -> QuotaState:
        """How things stand for the company.

        Raises:
            QuotaUnavailable: no answer came.
        """
        state = read_state(await self._ask(self._asks.look()))
        self._day.set_clock(state.now)
        return state

    def hear(self, news: str) -> None:
        """Understand what another process has told."""
        kind, *words = news.split()
        if kind == "shut":
            seconds, day_spent, generation = (int(word) for word in words[:3])
            self._generation = max(self._generation, generation)
            if words[3] != self._name:
                self._gate.close(seconds / MICRO, day_spent=bool(day_spent))

    async def _ask(self, asked: str) -> list[object]:
        """Take a step of the script; whoever sees it fail tells the contact."""
        if not self.contact.up:
            raise self.contact.error()
        try:
            return await self._server.run(asked)
        except QuotaUnavailable as error:
            self.contact.lost(error)
            raise

    async def _rejoin(self) -> None:
        await self._join(self._server.run)

    async def _join(self, ask: Callable[[str], Awaitable[list[object]]]) -> None:
        """Introduce this process, with all that it knows and the server may have forgotten."""
        alone = dict(self._day.alone)
        asked = self._asks.join(
            doubt=bool(alone),
            known=self._day.known,
            alone=alone,
            shut=self._gate.remaining(),
            day_spent=self._gate.day_spent,
        )
        self._epoch, self._generation, now = numbers((await ask(asked))[1:])
        self._day.set_clock(now / MICRO)
        self._day.mark_reported(alone)

    def _learn(self, turn: Granted) -> None:
        self._day.saw(turn)
        self._generation = max(self._generation, turn.generation)
        if turn.share != self._share:
            before, self._share = self._share, turn.share
            full = 1.0 / self._limits.spacing
            self._events.emit(PaceChanged(before=full * before, after=full * turn.share))
