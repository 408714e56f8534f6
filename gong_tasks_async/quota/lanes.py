"""The order of calls: one at a time is at the head of the queue, the others wait in two lanes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gong_tasks_async.quota.limits import Lane

Waiter = asyncio.Future[bool]


class LaneQueue:
    """First come, first served within a lane; interactive before bulk.

    The head of the queue draws the next token from the pacer. The token belongs to no caller until it leaves: if an
    interactive caller has come meanwhile, the token is handed over, and the head is taken again later.

    Aging keeps the bulk lane alive: while it waits, each interactive departure earns it a part of a permit, such that
    it gets ``bulk_share`` of all departures.
    """

    def __init__(self, bulk_share: float = 0.0, on_unused_token: Callable[[], None] = lambda: None) -> None:
        self._lanes: dict[Lane, deque[Waiter]] = {lane: deque() for lane in Lane}
        self._returning: dict[Lane, deque[Waiter]] = {lane: deque() for lane in Lane}
        """Those that were there before: they go first, in the order in which they return."""
        self._waiting = dict.fromkeys(Lane, 0)
        self.total_waiting: int = 0
        """How many wait in all lanes; with none, there is nothing to be decided."""
        self.occupied: bool = False
        """Whether a call is at the head."""
        self._earned_per_departure = bulk_share / (1.0 - bulk_share)
        self.bulk_earned: float = 0.0
        """Permits that the bulk lane has earned by waiting."""
        self._on_unused_token = on_unused_token

    def waiting(self, lane: Lane) -> int:
        """How many wait in a lane, the head of the queue not counted."""
        return self._waiting[lane]

    def count_ahead(self, lane: Lane) -> int:
        """How many leave before a newcomer of this lane, at least."""
        before = self._waiting[Lane.INTERACTIVE] + (self._waiting[Lane.BULK] if lane is Lane.BULK else 0)
        return before + (1 if self.occupied and lane is Lane.BULK else 0)

    async def wait_for_head(self, lane: Lane, *, returning: bool = False) -> bool:
        """Wait until at the head. True: a token was handed over as well, so there is none to be drawn."""
        if self.try_take_head():
            return False
        return await self._called_up(lane, self._take_place(lane, returning=returning))

    def try_take_head(self) -> bool:
        """Take the head at once if it is free; then no other caller waits: leaving calls the next one up."""
        if self.occupied:
            return False
        self.occupied = True
        return True

    async def yield_head(self, lane: Lane, *, with_token: bool = True) -> bool:
        """Let an interactive caller go first, with the token if there is one; wait at the head of the lane."""
        place = self._take_place(lane, returning=True, first=True)
        self.leave(with_token=with_token)
        return await self._called_up(lane, place)

    def must_yield(self, lane: Lane) -> bool:
        """Whether a waiting caller goes before one of this lane that is at the head."""
        return lane is Lane.BULK and self.bulk_earned < 1.0 and self._is_waiting(Lane.INTERACTIVE)

    def leave_sending(self, lane: Lane) -> None:
        """Leave the head with a token, for the call."""
        if lane is Lane.BULK:
            if self.bulk_earned:
                self.bulk_earned = max(0.0, self.bulk_earned - 1.0)
        elif self._waiting[Lane.BULK]:
            self.bulk_earned += self._earned_per_departure
        if self.total_waiting:
            self.leave()
        else:
            self.occupied = False
            self.bulk_earned = 0.0

    def leave(self, *, with_token: bool = False) -> None:
        """Leave the head without a call; ``with_token`` leaves a token that was drawn to the next one."""
        lane = self._next_lane() if self.total_waiting else None
        if lane is None:
            self.occupied = False
            self.bulk_earned = 0.0
            if with_token:
                self._on_unused_token()
            return
        place = (self._returning[lane] or self._lanes[lane]).popleft()
        self._count(lane, -1)
        place.set_result(with_token)

    def _next_lane(self) -> Lane | None:
        interactive, bulk = self._is_waiting(Lane.INTERACTIVE), self._is_waiting(Lane.BULK)
        if interactive and not (bulk and self.bulk_earned >= 1.0):
            return Lane.INTERACTIVE
        return Lane.BULK if bulk else None

    def _is_waiting(self, lane: Lane) -> bool:
        """Whether a caller waits there; places of callers that were cancelled while waiting are cleared away."""
        for places in (self._returning[lane], self._lanes[lane]):
            while places and places[0].done():
                places.popleft()
        return bool(self._returning[lane] or self._lanes[lane])

    def _take_place(self, lane: Lane, *, returning: bool, first: bool = False) -> Waiter:
        place: Waiter = asyncio.get_running_loop().create_future()
        places = self._returning[lane] if returning else self._lanes[lane]
        if first:
            places.appendleft(place)
        else:
            places.append(place)
        self._count(lane, 1)
        return place

    def _count(self, lane: Lane, change: int) -> None:
        self._waiting[lane] += change
        self.total_waiting += change

    async def _called_up(self, lane: Lane, place: Waiter) -> bool:
        try:
            return await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._count(lane, -1)
            else:  # called up and cancelled in the same moment: the next one must not wait for us
                self.leave(with_token=place.result())
            raise
