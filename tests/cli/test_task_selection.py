"""A selection's tasks and updates, asked of the selection itself: what is listed, left out, reported and changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from gong_tasks_async import (
    AccessDeniedError,
    AuthenticationError,
    GongError,
    GongTasksClient,
    ServerError,
    Task,
    TaskFilter,
    TaskNotFoundError,
    TaskStatus,
    User,
    UserTasks,
)
from gong_tasks_async.bulk.dates import Clock, Shift, read_when
from gong_tasks_async.cli.input.filters import TaskQuery
from gong_tasks_async.cli.input.source import Source
from gong_tasks_async.cli.input.task_selection import Selected, select_tasks

CLOCK = Clock(datetime(2026, 3, 1, 9, tzinfo=UTC), UTC)
DUE = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)
ANA, BEN = (User(id=str(number), email_address=f"{number}@example.com", active=True) for number in (1, 2))
INACTIVE = User(id="3", active=False)


def task(number: int, user_id: str = "1", due: datetime | None = DUE, title: str = "Call") -> Task:
    return Task(id=number, user_id=user_id, status=TaskStatus.OPEN, due_date=due, title=title)


class Gong:
    """Lists these tasks, or fails so, for each user; remembers what it was asked for."""

    def __init__(self, **listings: Sequence[Task] | GongError) -> None:
        self.listings = {name.removeprefix("user"): found for name, found in listings.items()}
        self.asked: list[TaskFilter] = []
        self.closed = False

    async def list_many(self, filters: Sequence[TaskFilter]) -> AsyncGenerator[UserTasks]:
        try:
            for wanted in filters:
                self.asked.append(wanted)
                found = self.listings[wanted.user_id]
                if isinstance(found, GongError):
                    yield UserTasks(wanted, error=found)
                else:
                    yield UserTasks(wanted, tuple(found))
        finally:
            self.closed = True

    async def iter_users(self) -> AsyncGenerator[User]:
        for user in (ANA, INACTIVE, BEN):
            yield user

    async def find_users(self, addresses: Sequence[str]) -> dict[str, User]:
        return {user.email_address or "": user for user in (ANA, BEN) if user.email_address in addresses}


def select(gong: Gong, seen: list[tuple[int, int]] | None = None, **options: Any) -> Selected:
    options.setdefault("query", TaskQuery(clock=CLOCK))
    progress = [] if seen is None else seen
    source = Source(**{"status": TaskStatus.DONE} | options)
    client = cast("GongTasksClient", gong)
    return asyncio.run(select_tasks(client, source, lambda *counts: progress.append(counts)))


def changes(found: Selected) -> list[tuple[int, datetime | None]]:
    return [(update.task_id, update.due_date) for update in found.updates]


class TestListing:
    def test_every_active_user_is_listed_once_and_the_progress_counts_them(self) -> None:
        gong, seen = Gong(user1=[task(5)], user2=[task(6, "2"), task(7, "2")]), list[tuple[int, int]]()
        found = select(gong, seen, all_users=True)
        assert [wanted.user_id for wanted in gong.asked] == ["1", "2"]
        assert seen == [(1, 2), (2, 2)]
        assert [each.id for each in found.tasks] == [update.task_id for update in found.updates] == [5, 6, 7]
        assert (dict(found.users), found.unlisted) == ({"1": ANA, "2": BEN}, 0)

    def test_users_are_looked_up_where_they_are_named_by_their_address_alone(self) -> None:
        found = select(Gong(user1=[], user2=[]), users=("2@example.com", "1"))
        assert found == Selected((), (), {"2": BEN, "1": None}, 0)

    @pytest.mark.parametrize(("everybody", "users"), [(True, ()), (False, ("1", "2"))])
    def test_a_404_is_a_user_without_tasks_unless_the_user_was_named(
        self, everybody: bool, users: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        gong = Gong(user1=TaskNotFoundError(status=404), user2=[task(6, "2")])
        found = select(gong, all_users=everybody, users=users)
        assert [each.id for each in found.tasks] == [6]
        assert ("1" in found.users, found.unlisted) == ((True, 0) if everybody else (False, 1))
        assert capsys.readouterr().err.startswith("User 1, left out: ") is not everybody

    def test_each_user_that_cannot_be_listed_is_left_out_with_the_reason(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        failed = ServerError(status=503)
        seen = list[tuple[int, int]]()
        found = select(Gong(user1=failed, user2=[task(6, "2")], user3=failed), seen, users=("1", "2", "3"))
        assert ([each.id for each in found.tasks], dict(found.users), found.unlisted) == ([6], {"2": None}, 2)
        assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
            "User 1, left out",
            "User 3, left out",
        ]
        assert seen == [(1, 3), (2, 3), (3, 3)]

    def test_where_none_can_be_listed_the_first_error_is_raised_and_nothing_else_printed(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        gong = Gong(user1=ServerError(status=502), user2=ServerError(status=503))
        with pytest.raises(ServerError) as raised:
            select(gong, users=("1", "2"))
        assert (raised.value.status, capsys.readouterr().err) == (502, "")

    def test_what_every_further_call_would_meet_ends_it_at_once(self) -> None:
        gong = Gong(user1=[task(5)], user2=AuthenticationError(status=401), user3=[task(7)])
        with pytest.raises(AuthenticationError):
            select(gong, users=("1", "2", "3"))
        assert (len(gong.asked), gong.closed) == (2, True)

    def test_what_another_user_may_not_meet_does_not(self) -> None:
        gong = Gong(user1=[task(5)], user2=AccessDeniedError(status=403), user3=[task(7)])
        found = select(gong, users=("1", "2", "3"))
        assert ([each.id for each in found.tasks], found.unlisted) == ([5, 7], 1)

    def test_no_tasks_of_anybody_is_no_error(self) -> None:
        assert select(Gong(user1=[], user2=[]), all_users=True).updates == ()

    def test_a_condition_leaves_out_tasks_that_gong_has_listed(self) -> None:
        query = TaskQuery(clock=CLOCK, title="call*")
        found = select(Gong(user1=[task(5, title="Write"), task(6)]), users=("1",), query=query)
        assert [each.id for each in found.tasks] == [update.task_id for update in found.updates] == [6]

    def test_a_flow_that_no_task_has_is_noted(self, capsys: pytest.CaptureFixture[str]) -> None:
        query = TaskQuery(clock=CLOCK, flow="Renewals")
        assert select(Gong(user1=[task(5)]), users=("1",), query=query).updates == ()
        assert capsys.readouterr().err == "No task is of a flow 'Renewals', nor of any other.\n"


class TestUpdates:
    def test_each_has_all_that_is_to_change(self) -> None:
        when = read_when("2026-03-05")
        found = select(Gong(user1=[task(5)]), users=("1",), due=when, set_priority="HIGH")
        (update,) = found.updates
        assert (update.task_id, update.user_id, update.status, update.priority, update.due_date) == (
            5,
            "1",
            TaskStatus.DONE,
            "HIGH",
            datetime(2026, 3, 5, 12, tzinfo=UTC),
        )

    def test_without_a_new_due_date_it_stays(self) -> None:
        assert changes(select(Gong(user1=[task(5)]), users=("1",))) == [(5, None)]

    def test_a_day_keeps_the_time_of_day_where_there_is_one(self) -> None:
        gong, day = Gong(user1=[task(5), task(6, due=None)]), read_when("2026-03-05")
        noon, half_past_five = (datetime(2026, 3, 5, *time, tzinfo=UTC) for time in ((12, 0), (17, 30)))
        assert changes(select(gong, users=("1",), due=day, keep_time=True)) == [
            (5, half_past_five),
            (6, noon),
        ]
        assert changes(select(gong, users=("1",), due=day)) == [(5, noon), (6, noon)]

    @pytest.mark.parametrize(
        ("shift", "by"), [(Shift(days=7), timedelta(days=7)), (Shift(hours=-5), timedelta(hours=-5))]
    )
    def test_a_due_date_is_moved_by_days_or_hours_and_what_has_none_left_out(
        self, shift: Shift, by: timedelta, capsys: pytest.CaptureFixture[str]
    ) -> None:
        gong = Gong(user1=[task(5), *(task(number, due=None) for number in range(1000, 2200))])
        found = select(gong, users=("1",), move_due=shift)
        assert changes(found) == [(5, DUE + by)]
        assert len(found.tasks) == 1201  # as they are now, those that are left out too
        assert capsys.readouterr().err == "Left out: 1,200 tasks without a due date.\n"

    def test_where_all_can_be_moved_none_is_said_to_be_left_out(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        select(Gong(user1=[task(5)]), users=("1",), move_due=Shift(days=1))
        select(Gong(user1=[task(5, due=None)]), users=("1",))
        assert capsys.readouterr().err == ""
