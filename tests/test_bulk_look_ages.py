"""For how long a look at a task is good: an hour before the first attempt, seconds where the update may be made."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from gong_tasks_async import Task, TaskUpdate, TransportError
from gong_tasks_async.bulk.applier import Applier
from gong_tasks_async.bulk.guard import Guard, RowLooks
from gong_tasks_async.bulk.journal_entries import PendingRow
from gong_tasks_async.errors import BadRequestError, RateLimitError
from gong_tasks_async.models import TaskStatus

pytestmark = pytest.mark.virtual

ROW = PendingRow(1, TaskUpdate(7, "1", status="DONE"))
SLACK = 0.001
"""The virtual clock moves a little with each step of the loop."""


class Lister:
    """Lists one open task, and counts how often."""

    def __init__(self) -> None:
        self.listings = 0

    async def list_owned(self, user_id: str) -> list[Task]:
        self.listings += 1
        return [Task(id=7, user_id=user_id, status=TaskStatus.OPEN)]


def looks_at(lister: Lister) -> RowLooks:
    return RowLooks(Guard(cast("Applier", lister)), ROW)


@pytest.mark.parametrize(("age", "listings"), [(3_600.0 - SLACK, 1), (3_600.0, 2)])
async def test_before_a_first_attempt_a_look_is_good_for_an_hour(age: float, listings: int) -> None:
    lister = Lister()
    looks = looks_at(lister)
    await looks.check()
    await asyncio.sleep(age)
    assert await RowLooks(looks.guard, ROW).check() is None
    assert lister.listings == listings


@pytest.mark.parametrize(("seconds", "is_due"), [(60.0 - SLACK, False), (60.0, True)])
async def test_an_update_that_may_be_made_needs_a_look_a_minute_after_it_was_sent_first(
    seconds: float, is_due: bool
) -> None:
    looks = looks_at(Lister())
    await looks.check()
    looks.sending()
    looks.failed(TransportError(reason="reset"))
    await asyncio.sleep(seconds / 2)
    looks.sending()  # a second attempt does not make the first one younger
    looks.failed(TransportError(reason="refused", connected=False))
    await asyncio.sleep(seconds / 2)
    assert looks.is_due is is_due


@pytest.mark.parametrize("error", [BadRequestError(status=400), RateLimitError(status=429)])
async def test_an_update_that_gong_refused_needs_none_however_long_ago(error: BadRequestError) -> None:
    looks = looks_at(Lister())
    await looks.check()
    looks.sending()
    looks.failed(error)
    await asyncio.sleep(1_000)
    assert not looks.is_due
    looks.sending()
    looks.failed(TransportError(reason="reset"))
    assert not looks.is_due  # that attempt was sent now


@pytest.mark.parametrize(("age", "listings"), [(5.0 - SLACK, 2), (5.0, 3)])
async def test_then_a_look_for_another_row_counts_for_five_seconds(age: float, listings: int) -> None:
    lister = Lister()
    looks = looks_at(lister)
    await looks.check()
    looks.sending()
    looks.failed(TransportError(reason="reset"))
    await asyncio.sleep(100)
    await looks.guard.check(ROW, max_age=0.0)
    await asyncio.sleep(age)
    assert looks.is_due
    await looks.look()
    assert lister.listings == listings
    assert (looks.is_due, looks.outcome()) == (False, None)
