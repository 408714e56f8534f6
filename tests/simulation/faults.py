"""Faults that are planted one by one; the simulation has to find each of them again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest

from gong_tasks_async import Lane, QuotaLimits, RetryPolicy, TransportError
from gong_tasks_async.api.updates import UpdateApplier
from gong_tasks_async.bulk.applier import Applied
from gong_tasks_async.quota import day
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.lanes import LaneQueue
from gong_tasks_async.quota.local import arrivals, budget, day_store, local_quota
from gong_tasks_async.quota.local.arrivals import Arrivals
from gong_tasks_async.quota.local.day_store import MemoryStore
from gong_tasks_async.quota.local.head import Head
from gong_tasks_async.quota.local.local_quota import LocalQuota
from gong_tasks_async.quota.local.pacer import Pacer
from tests.simulation.plan import BERLIN, START

Plant = Callable[[pytest.MonkeyPatch], None]


def token_drawn_before_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that was drawn before a wait at the gate is taken after it."""
    wait_open, pace = Gate.wait_open, Pacer.pace

    async def paced_first(self: Head, lane: Lane, deadline: float | None, max_wait: float) -> Any:
        try:
            await pace(self._pacer)
            await wait_open(self._gate, deadline, max_wait)
            return await self._budget.take(lane)
        except BaseException:
            self.queue.leave()
            raise

    monkeypatch.setattr(Head, "draw", paced_first)


def no_window_after_the_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call counts until its response alone."""
    monkeypatch.setattr(Arrivals, "_window_free_at", lambda *args: args[-1])


def cancelled_call_never_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that is cut off holds its place in the window for ever."""
    monkeypatch.setattr(Pacer, "cut_off", lambda *_: None)
    monkeypatch.setattr(arrivals, "ARRIVED_AFTER", 1e9)


def pause_of_its_caller_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 429 pauses no other caller."""
    monkeypatch.setattr(Gate, "close", lambda *_, **__: None)


def refused_calls_uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call answered 429 is given back to the day."""
    release = LocalQuota.release

    def give_back(self: LocalQuota, permit: Any, *, status: int | None, sent: bool = True) -> None:
        release(self, permit, status=status, sent=sent)
        if status == 429:
            self._budget.give_back(permit.ticket)

    monkeypatch.setattr(LocalQuota, "release", give_back)


def reserve_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bulk takes the last calls of the day too."""
    allowed = QuotaLimits.allowed

    def all_of_it(self: QuotaLimits, lane: Lane) -> int:  # noqa: ARG001 - of either lane
        return allowed(self, Lane.INTERACTIVE)

    make = budget.Budget.__init__

    def init(self: Any, *args: Any) -> None:
        make(self, *args)
        self._allowed = dict.fromkeys(Lane, all_of_it(args[0], Lane.INTERACTIVE))

    monkeypatch.setattr(budget.Budget, "__init__", init)


def retry_after_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause lasts half as long as Gong asked."""
    bound = day.bound_pause
    monkeypatch.setattr(local_quota, "bound_pause", lambda seconds, **options: bound(seconds, **options) / 2)


def day_resets_at_the_wrong_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day's length is taken for 24 hours where the clocks change."""
    reset = day.FixedDay._reset
    zero = reset(day.FixedDay(time(0, tzinfo=BERLIN)), START, 0)

    def fixed(self: day.FixedDay, moment: float, days_on: int) -> float:  # noqa: ARG001
        return zero + (moment - zero) // day.DAY * day.DAY + days_on * day.DAY

    wrong = type("WrongDay", (day.FixedDay,), {"_reset": fixed})
    monkeypatch.setattr(
        budget, "day_of", lambda starts: day.RollingDay() if starts is None else wrong(starts)
    )


def future_call_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that a wrong clock has dated years ahead count."""
    monkeypatch.setattr(day_store, "counts_until", lambda now: float("inf"))  # noqa: ARG005


def clock_step_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at the count deletes what a wrong clock calls old."""
    count = MemoryStore.count

    def prune(self: MemoryStore, now: float, since: float) -> Any:
        self._calls = [call for call in self._calls if call[0] > since]
        return count(self, now, since)

    monkeypatch.setattr(MemoryStore, "count", prune)


def lost_response_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row whose response was lost is taken for updated."""
    apply = UpdateApplier.apply

    async def believe(self: UpdateApplier, *args: Any, **options: Any) -> Applied:
        try:
            return await apply(self, *args, **options)
        except TransportError:
            return Applied(task=None)

    monkeypatch.setattr(UpdateApplier, "apply", believe)
    monkeypatch.setattr("tests.simulation.process.RETRY", RetryPolicy(attempts=1))


def hanging_call_never_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an unanswered call holds never ends."""
    monkeypatch.setattr(arrivals, "ARRIVED_AFTER", 1e9)


def bulk_without_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interactive calls always go first."""
    monkeypatch.setattr(LaneQueue, "leave_sending", lambda self, lane: self.leave())  # noqa: ARG005


def pause_unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one process has heard of the day, the others never hear."""
    monkeypatch.setattr(day_store, "believed_until", lambda stored, now: 0.0)  # noqa: ARG005


def refused_calls_come_back_anyhow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call that comes back goes before those that came back earlier."""
    take = LaneQueue._take_place

    def first(self: LaneQueue, lane: Lane, *, returning: bool, first: bool = False) -> Any:
        return take(self, lane, returning=returning, first=first or returning)

    monkeypatch.setattr(LaneQueue, "_take_place", first)


PLANTS: dict[Plant, int] = {
    token_drawn_before_the_gate: 3,
    no_window_after_the_response: 0,
    cancelled_call_never_arrives: 0,
    pause_of_its_caller_alone: 2,
    refused_calls_uncounted: 6,
    reserve_ignored: 0,
    retry_after_halved: 2,
    day_resets_at_the_wrong_hour: 9,
    future_call_kept: 2,
    clock_step_believed: 6,
    lost_response_settled: 7,
    hanging_call_never_arrives: 39,
    bulk_without_its_share: 0,
    pause_unheard: 9,
    refused_calls_come_back_anyhow: 53,
}
"""Each with a seed that finds it today, which is tried first."""
