"""Never run: the type checkers read it, and accept all of it. Clients, values, answers, errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_type

import aiohttp

from gong_tasks_async import (
    AccessKey,
    APIError,
    BearerToken,
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
    Skipped,
    Task,
    TaskAction,
    TaskFilter,
    TaskStatus,
    TaskType,
    TaskUpdate,
    Unchanged,
    Unlimited,
    Updated,
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


def seen(event: Event) -> None:
    if isinstance(event, CallAttempted):
        assert_type(event.status, int | None)


def settled(outcome: Outcome) -> None:
    match outcome:
        case Updated(update, task):
            assert_type(task, Task | None)
        case Unchanged(update) | Skipped(update):
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
