"""What Gong's calls mean, without I/O: a wish -> a request; an answer -> a value or one typed error."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gong_tasks_async import codec
from gong_tasks_async.codec import OnUnreadable
from gong_tasks_async.errors import (
    DecodeError,
)
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.models import Task, TaskFilter, TaskUpdate, UsersAnswer

NAMED_TASKS = 10
REQUEST_ID = re.compile(rb'"requestId"\s*:\s*"([^"\\]{1,100})"')


def list_tasks(wanted: TaskFilter) -> HttpRequest:
    """See https://help.gong.io/apidocs/list-users-tasks-v2tasks-1 ."""
    return HttpRequest("POST", "/v2/tasks", codec.encode(wanted))


def update_task(update: TaskUpdate) -> HttpRequest:
    """See https://help.gong.io/apidocs/update-task-v2taskstaskid-1 ."""
    return HttpRequest("PATCH", f"/v2/tasks/{update.task_id}", codec.encode(update))


def list_users(cursor: str | None) -> HttpRequest:
    """See https://help.gong.io/apidocs/list-all-users-v2users ."""
    return HttpRequest("GET", "/v2/users", query={} if cursor is None else {"cursor": cursor})


def read_users(response: HttpResponse, on_unreadable: OnUnreadable | None = None) -> UsersAnswer:
    """One page of the company's users.

    Raises:
        DecodeError: the answer cannot be read.
    """
    if response.truncated:
        raise _too_long(response)
    try:
        return codec.decode_users(response.body, on_unreadable)
    except DecodeError as error:
        raise _named(error, response)  # noqa: B904 - the same error, completed


def read_tasks(response: HttpResponse, on_unreadable: OnUnreadable | None = None) -> Iterator[Task]:
    """The tasks of a 2xx, each decoded when asked for.

    Raises:
        DecodeError: while iterating, where the answer cannot be read.
    """
    if response.truncated:
        raise _too_long(response)
    try:
        yield from codec.decode_tasks(response.body, on_unreadable)
    except DecodeError as error:
        raise _named(error, response)  # noqa: B904 - the same error, completed


def read_updated_task(
    response: HttpResponse, update: TaskUpdate, on_unreadable: OnUnreadable | None = None
) -> tuple[Task, str | None]:
    """The one task that an update changed, and the request's id.

    Raises:
        DecodeError: the answer cannot be read, or holds no task or another one.
    """
    if response.truncated:
        raise _too_long(response)
    try:
        answer = codec.decode_answer(response.body, on_unreadable)
        for task in answer.tasks:
            if task.id == update.task_id:
                return task, answer.request_id
        raise _another_task(answer.tasks, update.task_id)
    except DecodeError as error:
        raise _named(error, response)  # noqa: B904 - the same error, completed


def _another_task(tasks: tuple[Task, ...], task_id: int) -> DecodeError:
    found = ", ".join(str(task.id) for task in tasks[:NAMED_TASKS]) or "none"
    more = f" and {len(tasks) - NAMED_TASKS} more" if len(tasks) > NAMED_TASKS else ""
    return DecodeError(path="$.tasks", expected=f"task {task_id}", found=f"tasks: {found}{more}")


def _named(error: DecodeError, response: HttpResponse) -> DecodeError:
    """The error with the request id, looked for in the bytes, since the answer cannot be read."""
    named = REQUEST_ID.search(response.body)
    error.request_id = named[1].decode("utf-8", "replace") if named else None
    return error


def _too_long(response: HttpResponse) -> DecodeError:
    error = DecodeError(
        path="$",
        expected=f"an answer within max_response_bytes={len(response.body):,}",
        found="a longer one; allow more, or filter for fewer tasks",
    )
    return _named(error, response)
