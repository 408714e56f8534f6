"""Never run: the type checker reads it. What is written here must be accepted, or refused where it says so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import assert_type

import aiohttp

import gong_tasks_async
from gong_tasks_async import (
    AccessKey,
    APIError,
    BearerToken,
    BulkReport,
    CallAttempted,
    Contact,
    Credentials,
    CrmType,
    DeadlineExceeded,
    Event,
    Failed,
    GongError,
    GongTasksClient,
    JsonValue,
    Lane,
    LocalQuota,
    Outcome,
    Quota,
    QuotaLimits,
    RateLimitError,
    RetryPolicy,
    Task,
    TaskAction,
    TaskFilter,
    TaskStatus,
    TaskType,
    TaskUpdate,
    Unchanged,
    Unlimited,
    Updated,
    UserTasks,
    to_json,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def clients(session: aiohttp.ClientSession) -> None:
    key: Credentials = AccessKey("key", "secret")
    token: Credentials = BearerToken("token")
    quota: Quota = LocalQuota(QuotaLimits(per_second=2))
    free: Quota = Unlimited()
    async with GongTasksClient(
        key,
        base_url="https://us-1.api.gong.io",
        limits=QuotaLimits(),
        retry=RetryPolicy(attempts=3),
        quota=quota,
        session=session,
        on_event=seen,
        max_response_bytes=1_000_000,
        missing_is_empty=True,
    ) as gong:
        assert_type(gong, GongTasksClient)
    assert_type(GongTasksClient.from_env(quota=free, base_url="http://localhost"), GongTasksClient)
    assert_type(GongTasksClient(token).with_options(lane=Lane.BULK, timeout=5), GongTasksClient)
    assert_type(await GongTasksClient(token).close(), None)

    GongTasksClient("key")  # type: ignore[arg-type]  # a text does not sign requests
    GongTasksClient(key, "https://api.gong.io")  # type: ignore[call-arg]  # settings are keywords
    GongTasksClient.from_env(url="https://api.gong.io")  # type: ignore[call-arg]  # no such setting
    GongTasksClient(key).with_options(lane="bulk")  # type: ignore[arg-type]  # lanes are members
    GongTasksClient(key, on_event=seen_later)  # type: ignore[arg-type]  # nobody would await it
    with GongTasksClient(key):  # type: ignore[attr-defined]  # async with
        pass


def seen(event: Event) -> None:
    if isinstance(event, CallAttempted):
        assert_type(event.status, int | None)
    event.at = NOON  # type: ignore[misc]  # frozen


async def seen_later(event: Event) -> None:
    del event


async def calls(gong: GongTasksClient) -> None:
    assert_type(await gong.list_tasks("1"), list[Task])
    assert_type(await gong.list_tasks(TaskFilter("1")), list[Task])
    found: AsyncIterator[Task] = gong.iter_tasks("1")
    assert_type(await anext(found), Task)
    async for task in gong.iter_tasks(TaskFilter("1")):
        assert_type(task, Task)
    async for listed in gong.list_many(["1", TaskFilter("2")]):
        assert_type(listed, UserTasks)
        assert_type(listed.unwrap(), tuple[Task, ...])
        assert_type(listed.error, GongError | None)
    assert_type(await gong.update_task(TaskUpdate(7, "1", "DONE")), Task)

    await gong.list_tasks(1)  # type: ignore[arg-type]  # user ids are text
    await gong.update_task(7, "1")  # type: ignore[arg-type, call-arg]  # an update is a value
    gong.update_task(TaskUpdate(7, "1", "DONE"))  # type: ignore[unused-coroutine]  # not awaited


async def many(gong: GongTasksClient, updates: AsyncIterator[TaskUpdate]) -> None:
    report = await gong.update_many(updates, workers=4, on_outcome=settled)
    assert_type(report, BulkReport)
    assert_type(report.failures, tuple[Failed, ...])
    assert_type(report.stopped_because, GongError | None)
    assert_type(report.resume_after, datetime | None)
    assert_type(report.complete, bool)
    assert_type(await gong.update_many(TaskUpdate(i, "1", "DONE") for i in range(1, 9)), BulkReport)
    await gong.update_many([task async for task in gong.iter_tasks("1")])  # type: ignore[misc]  # tasks, not updates


def settled(outcome: Outcome) -> None:
    match outcome:
        case Updated(update, task):
            assert_type(task, Task | None)
        case Unchanged(update):
            pass
        case Failed(update, error):
            assert_type(error, GongError)
    assert_type(update, TaskUpdate)


def changes(task: Task) -> None:
    wanted = TaskFilter("1", "2", types=["FLOW"], actions=TaskAction.CALL, statuses=(TaskStatus.OPEN, "DONE"))
    assert_type(wanted.types, tuple[TaskType, ...])
    assert_type(wanted.workspace_id, str | None)
    update = TaskUpdate(7, "1", TaskStatus("SNOOZED"), NOON, "MEDIUM")
    assert_type(update.status, TaskStatus | None)
    assert_type(task.update(status="DONE", due_date=NOON), TaskUpdate)

    TaskFilter(1)  # type: ignore[arg-type]  # user ids are text
    TaskFilter("1", statuses=[1])  # type: ignore[list-item]  # members or their texts
    TaskUpdate("7", "1", "DONE")  # type: ignore[arg-type]  # task ids are numbers
    TaskUpdate(7, "1", due_date="2026-01-01")  # type: ignore[arg-type]  # a datetime
    task.update("DONE")  # type: ignore[call-arg]  # by keyword
    wanted.user_id = "2"  # type: ignore[misc]  # frozen
    task.title = "x"  # type: ignore[misc]  # frozen
    Task()  # type: ignore[call-arg]  # a task has an id


def answers(task: Task) -> None:
    assert_type(task.id, int)
    assert_type(task.user_id, str)
    assert_type(task.due_date, datetime | None)
    assert_type(task.status, TaskStatus | None)
    assert_type(task.actions, tuple[TaskAction, ...])
    assert_type(task.contact, Contact | None)
    assert_type(task.extra, Mapping[str, JsonValue])
    assert_type(to_json(task), dict[str, JsonValue])
    assert_type(CrmType("OTHER"), CrmType)
    assert_type(CrmType("OTHER").is_documented, bool)

    gong_tasks_async.Tasks  # type: ignore[attr-defined]  # noqa: B018 - no such name
    task.contact.data  # type: ignore[union-attr]  # noqa: B018 - may be missing
    task.extra["new"] = 1  # type: ignore[index]  # read only


def troubles(error: GongError) -> None:
    assert_type(error.attempts, int)
    if isinstance(error, APIError):
        assert_type(error.status, int | None)
        assert_type(error.errors, tuple[str, ...])
        assert_type(error.request_id, str | None)
        assert_type(error.advice, str)
    if isinstance(error, RateLimitError):
        assert_type(error.retry_after, float | None)
    late: TimeoutError = DeadlineExceeded(reason="late")
    raise late


def settings() -> None:
    RetryPolicy(5)  # type: ignore[call-arg]  # by keyword
    QuotaLimits(per_second="3")  # type: ignore[arg-type]  # a number
    RetryPolicy().attempts = 1  # type: ignore[misc]  # frozen
