"""Never run: each line with an `ignore` must be refused; mypy reports one that is not needed."""

from __future__ import annotations

from datetime import UTC, datetime

import gong_tasks_async
from gong_tasks_async import (
    AccessKey,
    Event,
    GongTasksClient,
    QuotaLimits,
    RetryPolicy,
    Task,
    TaskFilter,
    TaskUpdate,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def clients() -> None:
    key = AccessKey("key", "secret")
    GongTasksClient("key")  # type: ignore[arg-type]  # a text does not sign requests
    GongTasksClient(key, "https://api.gong.io")  # type: ignore[call-arg]  # settings are keywords
    GongTasksClient.from_env(url="https://api.gong.io")  # type: ignore[call-arg]  # no such setting
    GongTasksClient.from_profile()  # type: ignore[call-arg]  # whose?
    GongTasksClient(key).with_options(lane="bulk")  # type: ignore[arg-type]  # lanes are members
    GongTasksClient(key, on_event=seen_later)  # type: ignore[arg-type]  # it would not be awaited
    with GongTasksClient(key):  # type: ignore[attr-defined]  # async with
        pass


def seen(event: Event) -> None:
    event.at = NOON  # type: ignore[misc]  # frozen


async def seen_later(event: Event) -> None:
    del event


async def calls(gong: GongTasksClient) -> None:
    await gong.list_tasks(1)  # type: ignore[arg-type]  # user ids are text
    await gong.update_task(7, "1")  # type: ignore[arg-type, call-arg]  # an update is a value
    gong.update_task(TaskUpdate(7, "1", "DONE"))  # type: ignore[unused-coroutine]  # not awaited
    await gong.update_many([task async for task in gong.iter_tasks("1")])  # type: ignore[misc]  # tasks, not updates
    gong.with_details.list_tasks("1").value  # type: ignore[attr-defined]  # noqa: B018 - not awaited
    (await gong.with_details.list_tasks("1")).title  # type: ignore[attr-defined]  # noqa: B018 - in its value


def changes(task: Task) -> None:
    TaskFilter(1)  # type: ignore[arg-type]  # user ids are text
    TaskFilter("1", statuses=[1])  # type: ignore[list-item]  # members or their texts
    TaskUpdate("7", "1", "DONE")  # type: ignore[arg-type]  # task ids are numbers
    TaskUpdate(7, "1", due_date="2026-01-01")  # type: ignore[arg-type]  # a datetime
    task.update("DONE")  # type: ignore[call-arg]  # by keyword
    TaskFilter("1").user_id = "2"  # type: ignore[misc]  # frozen
    task.title = "x"  # type: ignore[misc]  # frozen
    Task()  # type: ignore[call-arg]  # a task has an id


def answers(task: Task) -> None:
    gong_tasks_async.Tasks  # type: ignore[attr-defined]  # noqa: B018 - no such name
    task.contact.data  # type: ignore[union-attr]  # noqa: B018 - may be missing
    task.extra["new"] = 1  # type: ignore[index]  # read only


def settings() -> None:
    RetryPolicy(5)  # type: ignore[call-arg]  # by keyword
    QuotaLimits(per_second="3")  # type: ignore[arg-type]  # a number
    RetryPolicy().attempts = 1  # type: ignore[misc]  # frozen
