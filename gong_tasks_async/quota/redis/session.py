"""This process as one of those that share a company's quota: what it asks and reports, one step of the script at a time."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from gong_tasks_async.errors import QuotaUnavailable
from gong_tasks_async.events import EventSink, PaceChanged, logger
from gong_tasks_async.quota.base import Permit
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.ladder import FASTEST_RUNG
from gong_tasks_async.quota.limits import QuotaLimits
from gong_tasks_async.quota.redis.commands import LATE_SHARE, MICRO, Granted, micros, parse_reply, text
from gong_tasks_async.quota.redis.day_count import DayCount
from gong_tasks_async.quota.redis.outage import REJOINING, RedisHealth, supervise

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

Return = tuple[str, int, float, float, int]
"""Kind and serial of a permit, when it came to this, after how long, and the second whose count is one too high, or 0."""


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
        self._always = {
            "process": self.process,
            "spacing": micros(limits.spacing),
            "per_call": micros(1.0 / limits.per_second),
            "hold": micros(limits.hold),
            "slots": limits.slots,
            "catch_up": micros(min(CATCH_UP, limits.headroom * limits.hold / 3)),
            "bulk_share": limits.bulk_share,
            "lowest_rung": FASTEST_RUNG if limits.seek_raised_limit else 0,
            "settle": micros(limits.hold + (REJOINING if local else 0.0)),
        }
        self._epoch = self._serial = self._rung = 0
        """Which memory of the server's knows this process; the last permit, and the rung of the ladder, as of the last reply."""
        self.spacing: float = limits.spacing
        """Seconds from one call to the next, all processes taken together, as of the last reply."""
        self._other_limits = ""
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
        before, self.spacing = self.spacing, granted.per_call / MICRO
        if granted.rung != self._rung:
            self._rung = granted.rung
            self._events.emit(PaceChanged(before=1.0 / before, after=1.0 / self.spacing))

    def depart(self, granted: Granted) -> Permit:
        """Use a permit. A call that takes longer than most is reported: the script does not wait for each answer."""
        loop = asyncio.get_running_loop()
        now, late_after = loop.time(), granted.late_after / MICRO
        self._late[granted.serial] = loop.call_later(
            late_after, self._report, "open", granted, now, self._late_within()
        )
        return Permit(now, granted=granted)

    def record_local(self) -> None:
        """Count a call that the local fallback sends."""
        self._sent_alone = True
        self._day.record_local(self.process)

    def release(self, granted: Granted, departed: float, status: int | None) -> None:
        """Note that a call has ended, with the status of its response, or None."""
        timer, refused = self._late.pop(granted.serial), status == TOO_MANY_REQUESTS
        answered = "passed" if status in SUCCESSES else "answered"
        kind = "refused" if refused else "open" if status is None else answered
        late = timer.when() <= asyncio.get_running_loop().time()
        timer.cancel()
        uncount = refused and not self.limits.count_rate_limited
        if refused:
            self._refused = departed
        within = (
            0.0 if uncount or self._gate.remaining() > 0 else self._late_within() if late else FLUSH_DELAY
        )
        self._report(kind, granted, departed, within, uncount=uncount)

    def unused(self, granted: Granted) -> None:
        """Give a permit back."""
        if timer := self._late.pop(granted.serial, None):
            timer.cancel()
        self._report("unused", granted, asyncio.get_running_loop().time(), 0.0, uncount=True)

    def pause(self, seconds: float, *, day_spent: bool) -> None:
        """Close the gate for all. Should that fail, it is reported when the server is back; see :meth:`_join`."""
        now, departed = asyncio.get_running_loop().time(), self._refused
        asked: dict[str, object] = {"seconds": micros(seconds), "day_spent": day_spent}
        if self.limits.adaptive and not day_spent:
            asked |= {"refused": micros(now - (departed or now)), "dice": secrets.randbelow(1000) / 1000}
        self._refused = None
        if self.health.up:
            self.start(supervise(self.ask("pause", **asked)))

    async def ask(self, step: str, **asked: object) -> tuple[str, list[int]]:
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
                if kind != "unknown":
                    return kind, numbers
                self._epoch = 0
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

    def _report(
        self, kind: str, granted: Granted, departed: float, within: float, *, uncount: bool = False
    ) -> None:
        """Have it travel with the next request; make one where none comes within so many seconds."""
        loop = asyncio.get_running_loop()
        now, field = loop.time(), granted.expires_at if uncount else 0
        self._returns.append((kind, granted.serial, now, now - departed, field))
        if self._flush_timer is None or self._flush_timer.when() > now + within:
            if self._flush_timer:
                self._flush_timer.cancel()
            self._flush_timer = loop.call_later(within, self.flush)

    def _late_within(self) -> float:
        """Seconds within which the script has to know that a call is late: before another one takes its place."""
        return 0.0 if self._rung > 0 else LATE_SHARE * self.limits.hold

    async def _ask_once(self, step: str, asked: dict[str, object]) -> tuple[str, list[int]]:
        if self._flush_timer:
            self._flush_timer.cancel()
            self._flush_timer = None
        sent = [self._returns.popleft() for _ in range(min(len(self._returns), MOST_AT_ONCE))]
        now, kind = asyncio.get_running_loop().time(), "unknown"
        returns = [
            (kind, serial, micros(now - at), micros(flight), field)
            for kind, serial, at, flight, field in sent
        ]
        if bounds := self._day.bounds():
            asked = {**asked, "day": bounds}
        try:
            kind, numbers = self._parsed(step, await self._run(step, **asked, returns=returns))
        finally:
            if kind == "unknown":  # or it failed
                self._returns.extendleft(reversed(sent))
            elif any(field for *_, field in sent):
                self._day.spent_until.clear()
        return kind, numbers

    async def _run(self, step: str, **asked: object) -> list[object]:
        known = {"step": step, "epoch": self._epoch, "serial": self._serial}
        return await self._backend.run(json.dumps({**self._always, **known, **asked}, separators=(",", ":")))

    def _parsed(self, step: str, reply: list[object]) -> tuple[str, list[int]]:
        try:
            return parse_reply(step, reply)
        except ValueError as odd:
            raise self.health.error(f"its reply cannot be understood: {odd}") from None

    async def _join(self) -> None:
        """Join with all that this process knows and the server may have forgotten."""
        limits = ", ".join(f"{name}={getattr(self.limits, name)}" for name in COMPARED.split())
        spent = self._gate.remaining() if self._gate.day_spent else 0.0
        paused = {"paused": micros(self._gate.rate_limit_left()), "spent": micros(spent)}
        known = list(self._day.known.items())
        for _ in range(2):  # "unknown": what is there could not be read, and has been deleted
            reply = await self._run("join", **paused, known=known, sent_alone=self._sent_alone, limits=limits)
            kind, numbers = self._parsed("join", reply)
            if kind == "joined":
                break
        else:
            raise self.health.error("it cannot read what it has written")
        self._epoch, now = numbers
        self._sent_alone, others = False, text(reply[-1])
        self._day.set_clock(now / MICRO)
        if others not in {limits, self._other_limits}:
            self._other_limits = others
            logger.warning(
                "Processes of one company have different limits: %.300r, and here %r", others, limits
            )

    def start(self, step: Coroutine[object, object, T]) -> asyncio.Task[T]:
        """Start a task that ends with this session, and whose failure need not be awaited."""
        task = asyncio.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()
