"""Gong's calls without I/O: values -> a request; a response in Gong's envelope -> values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from gong_tasks_async import codec
from gong_tasks_async.codec import Content, OnUnreadable
from gong_tasks_async.errors import DecodeError, UpdateMismatchError
from gong_tasks_async.http.envelope import CRM_TYPE, MAX_ID, reference, request_id_of, shown
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.models import CrmType, Task, TaskFilter, TaskUpdate, UsersAnswer

T = TypeVar("T")
DecodeErrorT = TypeVar("DecodeErrorT", DecodeError, UpdateMismatchError)

NAMED_TASKS = 10

MAX_UPDATE_RESPONSE = 2**20
"""Bytes; a response to an update holds one task."""
MAX_PAGE = 4 * 2**20
"""Bytes of a page of users, which is decoded in one go."""


def list_tasks(wanted: TaskFilter) -> HttpRequest:
    """See https://help.gong.io/apidocs/list-users-tasks-v2tasks-1 ."""
    return HttpRequest("POST", "/v2/tasks", codec.encode_filter(wanted))


def update_task(update: TaskUpdate) -> HttpRequest:
    """See https://help.gong.io/apidocs/update-task-v2taskstaskid-1 ."""
    return HttpRequest(
        "PATCH",
        f"/v2/tasks/{update.task_id}",
        codec.encode_update(update),
        "update_task",
        "/v2/tasks/{taskId}",
        MAX_UPDATE_RESPONSE,
    )


def list_users(cursor: str | None) -> HttpRequest:
    """See https://help.gong.io/apidocs/list-all-users-v2users ."""
    query = {} if cursor is None else {"cursor": cursor}
    return HttpRequest(
        "GET",
        "/v2/users",
        query=query,
        result_key="users",
        operation="list_users",
        max_response_bytes=MAX_PAGE,
    )


def read_users(response: HttpResponse, on_unreadable: OnUnreadable | None = None) -> UsersAnswer:
    """Read one page of the company's users.

    Raises:
        DecodeError: the response cannot be read.
    """
    return read(response, codec.decode_users, on_unreadable)


def read(
    response: HttpResponse,
    decode: Callable[[Content, OnUnreadable | None], T],
    on_unreadable: OnUnreadable | None = None,
) -> T:
    """Decode a response in one go.

    Raises:
        DecodeError: it cannot be read.
    """
    if response.truncated:
        raise _truncated(response)
    try:
        return decode(_content(response), on_unreadable)
    except DecodeError as error:
        raise _complete(error, response)  # noqa: B904 - the same error, completed


def read_tasks(response: HttpResponse, on_unreadable: OnUnreadable | None = None) -> Iterator[Task]:
    """Read the tasks of a response, each decoded when asked for.

    Raises:
        DecodeError: while iterating, where the response cannot be read.
    """
    if response.truncated:
        raise _truncated(response)
    try:
        yield from codec.decode_tasks(_content(response), on_unreadable)
    except DecodeError as error:
        raise _complete(error, response)  # noqa: B904 - the same error, completed


def read_crm_type(response: HttpResponse) -> CrmType | None:
    """The CRM that the root of a listing names, in the newest responses; None where it names none."""
    name = reference(CRM_TYPE, response.body)
    return None if name is None else CrmType(name)


def read_updated_task(
    response: HttpResponse, update: TaskUpdate, on_unreadable: OnUnreadable | None = None
) -> Task:
    """Read the one task of a confirmed update.

    Raises:
        DecodeError: the response holds no task, or one that cannot be read; the update was made.
        UpdateMismatchError: it holds another task, or the task in another status than was asked for.
    """
    outcome = _updated_task(response, update, on_unreadable)
    if isinstance(outcome, Task):
        return outcome
    raise outcome  # from a frame that holds no task


def _updated_task(
    response: HttpResponse, update: TaskUpdate, on_unreadable: OnUnreadable | None
) -> Task | DecodeError | UpdateMismatchError:
    try:
        tasks = read(response, codec.decode_answer, on_unreadable).tasks
    except DecodeError as error:
        return error.with_traceback(None)
    if not tasks:
        missing = DecodeError(path="$.tasks", expected=f"task {update.task_id}", found="no task")
        return _complete(missing, response)
    task = tasks[0] if tasks[0].id == update.task_id else _find(tasks, update.task_id)
    if problem := _mismatch(task, tasks, update):
        return _complete(problem, response)
    assert task is not None  # noqa: S101 - or it would be a mismatch
    return task


def _find(tasks: tuple[Task, ...], task_id: int) -> Task | None:
    return next((task for task in tasks if task.id == task_id), None)


def _mismatch(task: Task | None, tasks: tuple[Task, ...], update: TaskUpdate) -> UpdateMismatchError | None:
    """What contradicts that a response is this update's, and that the update was made."""
    if task is None:
        found = ", ".join(str(task.id) for task in tasks[:NAMED_TASKS])
        more = f" and {len(tasks) - NAMED_TASKS} more" if len(tasks) > NAMED_TASKS else ""
        return UpdateMismatchError(expected=f"task {update.task_id}", found=f"tasks: {found}{more}")
    if update.status is None or task.status is None or task.status == update.status:
        return None
    return UpdateMismatchError(
        expected=f"task {update.task_id} with status {update.status}",
        found=f"status {shown(str(task.status), MAX_ID, str)}",
    )


def _content(response: HttpResponse) -> Content:
    """What is to be decoded. No frame that an error passes may hold it by a name: error trackers print such."""
    return response.body if response.envelope is None else response.envelope


def _complete(error: DecodeErrorT, response: HttpResponse) -> DecodeErrorT:
    """The error with the request id, without a quoted secret, and without frames that hold the body."""
    error.found = response.conceal(error.found)
    error.request_id = request_id_of(response)
    return error.with_traceback(None)


def _truncated(response: HttpResponse) -> DecodeError:
    error = DecodeError(
        path="$",
        expected=f"a response within {len(response.body):,} bytes",
        found="a longer one; allow more with max_response_bytes, or filter for fewer tasks",
    )
    return _complete(error, response)
