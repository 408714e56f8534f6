"""This process as one of those that share a company's quota: what it asks and reports, one step of the script at a time."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from gong_tasks_async.errors import QuotaUnavailable
from gong_tasks_async.events import EventSink, PaceChanged, logger
from gong_tasks_async.quota.base import Permit
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.ladder import FASTEST_RUNG
from gong_tasks_async.quota.limits import QuotaLimits
from gong_tasks_async.quota.redis import commands
from gong_tasks_async.quota.redis.commands import MICRO, Granted, micros, parse_reply, text
from gong_tasks_async.quota.redis.day_count import DayCount
from gong_tasks_async.quota.redis.outage import REJOINING, RedisHealth, supervise
from gong_tasks_async.quota.redis.pace import Pace

if TYPE_CHECKING:
    from gong_tasks_async.quota.redis.redis_backend import RedisBackend

T = TypeVar("T")

MOST_JOINS = 4
"""A server that has forgotten this process that often within one request is not to be relied on."""
MOST_AT_ONCE = 64
"""Returns in one request: the script is short for everybody."""
MOST_KEPT = 4096
"""Returns kept during an outage. What is dropped are corrections: without them the day's count stays too high."""
TOO_MANY_REQUESTS, SUCCESSES = 429, range(200, 300)
FLUSH_DELAY = 30.0
"""Seconds for which returns that are not urgent wait for a request that they can travel with."""
CATCH_UP = 0.003
"""Seconds by which a call may depart late, as timers and loops are, and the next ones not be later for it."""
COMPARED = """per_second window headroom adaptive seek_raised_limit bulk_share per_day interactive_reserve day_starts
count_rate_limited"""

Return = tuple[int, int, float, float, int]
"""How a call ended and its permit's serial, when it came to this, after how long, and the second whose count is one too high, or 0."""


class RedisSession:
    """Asks the script, joins again where the server has forgotten, and carries returns along."""

    def __init__(
        self,
        backend: RedisBackend,
        limits: QuotaLimits,
        gate: Gate,
        day: DayCount,
        events: EventSink,
        *,
        local: bool,
    ) -> None:
        self.limits: QuotaLimits = limits
        self._backend, self._gate, self._day, self._events = backend, gate, day, events
        self.health: RedisHealth = RedisHealth(backend.address, events, self._join, local_fallback=local)
        self.process: int = secrets.randbits(40)
        self.pace: Pace = Pace(limits)
        self._always: dict[str, float] = {
            "process": self.process,
            "catch_up": micros(min(CATCH_UP, limits.headroom * limits.hold / 3)),
            "bulk_credit": limits.bulk_share / (1.0 - limits.bulk_share),
            "lowest_rung": FASTEST_RUNG if limits.seek_raised_limit else 0,
            "settle": micros(limits.hold + (REJOINING if local else 0.0)),
        }
        self._limits_text = ", ".join(f"{name}={getattr(limits, name)}" for name in COMPARED.split())
        self._epoch = self._serial = 0
        """Which memory of the server's knows this process, and the last permit, as of the last reply."""
        self._other_limits = self._limits_text
        self._sent_alone = False
        self._returns: deque[Return] = deque(maxlen=MOST_KEPT)
        self._late: dict[int, asyncio.TimerHandle] = {}
        self._refused: float | None = None
        self._flush_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def learn(self, granted: Granted) -> None:
        """Remember what came with a permit."""
        self._serial = max(self._serial, granted.serial)
        self._day.record(granted.expires_at, granted.counted, granted.used)

    def depart(self, granted: Granted) -> Permit:
        """Use a permit. A call that takes longer than most is reported: the script does not wait for each answer."""
        loop = asyncio.get_running_loop()
        now, late_after = loop.time(), granted.late_after / MICRO
        self._late[granted.serial] = loop.call_later(
            late_after, self._report, commands.OPEN, granted, now, self.pace.late_within
        )
        return Permit(now, granted=granted)

    def record_local(self) -> None:
        """Count a call that the local fallback sends."""
        self._sent_alone = True
        self._day.record_local(self.process)

    def release(self, granted: Granted, departed: float, status: int | None) -> None:
        """Note that a call has ended, with the status of its response, or None."""
        now, timer = asyncio.get_running_loop().time(), self._late.pop(granted.serial)
        timer.cancel()
        if status is None:
            kind = commands.OPEN
        else:
            kind = commands.PASSED if status in SUCCESSES else commands.ANSWERED
            self.pace.answered(departed, now)
        uncount = False
        if status == TOO_MANY_REQUESTS:
            kind, self._refused, uncount = commands.REFUSED, departed, not self.limits.count_rate_limited
        if uncount or self._gate.remaining() > 0:
            within = 0.0
        else:
            within = self.pace.late_within if timer.when() <= now else FLUSH_DELAY
        self._report(kind, granted, departed, within, uncount=uncount)

    def unused(self, granted: Granted) -> None:
        """Give a permit back."""
        if timer := self._late.pop(granted.serial, None):
            timer.cancel()
        self._report(commands.UNUSED, granted, asyncio.get_running_loop().time(), 0.0, uncount=True)

    def pause(self, seconds: float, *, day_spent: bool) -> None:
        """Close the gate for all. Should that fail, it is reported when the server is back; see :meth:`_join`."""
        now, departed = asyncio.get_running_loop().time(), self._refused
        self._refused = None
        asked = {"spent" if day_spent else "paused": micros(seconds), "refused": -1.0}
        if self.limits.adaptive and not day_spent:
            asked |= {"refused": micros(now - (departed or now)), "dice": secrets.randbelow(1000) / 1000}
        if self.health.up:
            self.start(supervise(self.ask("pause", **asked)))

    async def ask(self, step: str, **asked: float) -> tuple[str, list[int]]:
        """Take a step of the script, joining first where needed. Its reply: a kind, and numbers.

        Raises:
            QuotaUnavailable: no reply came, or none that can be understood. The health knows.
        """
        if not self.health.up:
            raise self.health.error()
        try:
            for _ in range(MOST_JOINS):
                if not self._epoch:
                    await self._join()
                kind, numbers = await self._ask_once(step, asked)
                if kind == "unknown":
                    self._epoch = 0
                elif kind == "rung":  # another process has moved it
                    self._move(numbers[0])
                else:
                    return kind, numbers
            raise self.health.error("it forgets this process at once, again and again")
        except QuotaUnavailable as error:
            self.health.mark_down(error)
            raise

    def flush(self) -> None:
        """Report what has not travelled yet."""
        self._flush_timer = None
        if self._returns and self.health.up:
            self.start(supervise(self.ask("report")))

    async def close(self, seconds: float) -> None:
        """Report the last calls, within a number of seconds."""
        for timer in (*self._late.values(), self._flush_timer):
            if timer:
                timer.cancel()
        self.flush()
        if self._tasks:
            _, pending = await asyncio.wait(self._tasks, timeout=seconds)
            for task in pending:
                task.cancel()
        await self.health.close()

    def start(self, step: Coroutine[object, object, T]) -> asyncio.Task[T]:
        """Start a task that ends with this session, and whose failure need not be awaited."""
        task = asyncio.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _report(
        self, kind: int, granted: Granted, departed: float, within: float, *, uncount: bool = False
    ) -> None:
        """Have it travel with the next request; make one where none comes within so many seconds."""
        loop = asyncio.get_running_loop()
        now, field = loop.time(), granted.expires_at if uncount else 0
        self._returns.append((kind, granted.serial, now, now - departed, field))
        if self._flush_timer is None or self._flush_timer.when() > now + within:
            if self._flush_timer:
                self._flush_timer.cancel()
            self._flush_timer = loop.call_later(within, self.flush)

    async def _ask_once(self, step: str, asked: dict[str, float]) -> tuple[str, list[int]]:
        if self._flush_timer:
            self._flush_timer.cancel()
            self._flush_timer = None
        sent = [self._returns.popleft() for _ in range(min(len(self._returns), MOST_AT_ONCE))]
        now, kind = asyncio.get_running_loop().time(), "unknown"
        returns = [
            (kind, serial, micros(now - at), micros(flight), field)
            for kind, serial, at, flight, field in sent
        ]
        try:
            kind, numbers, _ = await self._run(step, {**asked, **self._day.bounds()}, returns)
        finally:
            if kind == "unknown":  # or it failed
                self._returns.extendleft(reversed(sent))
            elif any(field for *_, field in sent):
                self._day.spent.clear()
        return kind, numbers

    async def _run(
        self, step: str, asked: Mapping[str, float], returns: Sequence[tuple[int, ...]], *texts: str
    ) -> tuple[str, list[int], str]:
        """Run the script: the reply's kind, its numbers, and its last item as text."""
        known = {"epoch": self._epoch, "serial": self._serial}
        numbers = commands.pack({**self._always, **self.pace.numbers(), **known, **asked}, returns)
        reply = await self._backend.run((step, numbers, *texts))
        try:
            return *parse_reply(step, reply), text(reply[-1])
        except ValueError as odd:
            raise self.health.error(f"its reply cannot be understood: {odd}") from None

    async def _join(self) -> None:
        """Join with all that this process knows and the server may have forgotten."""
        spent = self._gate.remaining() if self._gate.day_spent else 0.0
        asked = {
            "paused": micros(self._gate.rate_limit_left()),
            "spent": micros(spent),
            "sent_alone": self._sent_alone,
        }
        known = [str(item) for pair in self._day.known.items() for item in pair]
        for _ in range(2):  # "unknown": what is there could not be read, and has been deleted
            kind, numbers, others = await self._run("join", asked, [], self._limits_text, *known)
            if kind == "joined":
                break
        else:
            raise self.health.error("it cannot read what it has written")
        self._epoch, now, rung = numbers
        self._sent_alone = False
        self._day.set_clock(now / MICRO)
        self._move(rung)
        if others not in {self._limits_text, self._other_limits}:
            self._other_limits = others
            logger.warning(
                "Processes of one company have different limits: %.300r, and here %r",
                others,
                self._limits_text,
            )

    def _move(self, rung: int) -> None:
        """Follow the company to a rung."""
        before = self.pace.rate
        if self.pace.move(rung):
            self._events.emit(PaceChanged(before=before, after=self.pace.rate))

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()
