"""Pages of users. A cursor belongs to the walk that it was given to, and may grow old or lead nowhere new.

Gong documents that a cursor is sent back to get the next page, and no more. Choices made here: cursors of one walk
differ from those of another, and an expired one is refused with a text of its own.
"""

from __future__ import annotations

import base64
import binascii
import enum
import math
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import attrs

from gong_tasks_async.simulator.wire import RefusedError

Json = dict[str, Any]

_CURSOR = re.compile("walk:([0-9]{1,9}):start:([0-9]{1,9})")


class CursorFlaw(enum.StrEnum):
    """A mistake by which a walk through the pages never ends."""

    NONE = enum.auto()
    REPEATS = enum.auto()
    """Each page but the first answers with the cursor that it was asked with."""
    CYCLES = enum.auto()
    """The last page answers with the cursor of the second."""


@attrs.frozen
class PagePosition:
    """Where a walk has come to: the first user of its next page."""

    walk: int
    start: int

    def cursor(self) -> str:
        """Write it for the way back."""
        return base64.urlsafe_b64encode(f"walk:{self.walk}:start:{self.start}".encode()).decode()


@attrs.define
class Cursors:
    """The walks through the users, and when each was last given a cursor."""

    _number: int = attrs.field(init=False, default=0)
    _given: dict[int, float] = attrs.field(init=False, factory=dict[int, float])

    def place(self, cursor: str | None, since: float, refusal: HTTPStatus) -> PagePosition:
        """Find the place of a cursor, or refuse one given at `since` or before; without one, begin a walk."""
        if cursor is None:
            self._number += 1
            return PagePosition(self._number, 0)
        place = _read(cursor)
        if self._given.get(place.walk, -math.inf) <= since:
            raise RefusedError(refusal, "Cursor has expired")
        return place

    def give(self, place: PagePosition, now: float) -> str:
        """Give a walk its next cursor."""
        self._given[place.walk] = now
        return place.cursor()

    def expire(self) -> None:
        """Let all cursors expire."""
        self._given.clear()


def _read(cursor: str) -> PagePosition:
    try:
        found = _CURSOR.fullmatch(base64.urlsafe_b64decode(cursor.encode()).decode())
    except (ValueError, binascii.Error):
        found = None
    if found is None:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "Invalid cursor")
    return PagePosition(int(found[1]), int(found[2]))


def page_at(place: PagePosition, users: Sequence[Json], size: int) -> Json:
    """Lay out the page at a place, without its cursor."""
    page = users[place.start : place.start + size]
    records: Json = {
        "totalRecords": len(users),
        "currentPageSize": len(page),
        "currentPageNumber": math.ceil(place.start / size),
    }
    return {"records": records, "users": page}


def next_place(place: PagePosition, total: int, size: int, flaw: CursorFlaw) -> PagePosition | None:
    """Where the next page begins, if there is one."""
    if flaw is CursorFlaw.REPEATS and place.start > 0:
        return place
    if place.start + size < total:
        return attrs.evolve(place, start=place.start + size)
    return attrs.evolve(place, start=size) if flaw is CursorFlaw.CYCLES and total > size else None
