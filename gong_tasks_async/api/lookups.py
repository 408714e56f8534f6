"""Single users, and the company's workspaces: values -> a request; a response -> values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar
from urllib.parse import quote

from gong_tasks_async import codec
from gong_tasks_async.api import endpoints
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.api.endpoints import MAX_PAGE
from gong_tasks_async.codec import Content, OnUnreadable
from gong_tasks_async.errors import DecodeError, TaskNotFoundError
from gong_tasks_async.errors.checks import refuse
from gong_tasks_async.http.messages import HttpRequest
from gong_tasks_async.http.responses import means_nothing_found
from gong_tasks_async.models import User, Workspace
from gong_tasks_async.models.checks import user_id_problem

AnswerT = TypeVar("AnswerT")
Decode: TypeAlias = Callable[[Content, OnUnreadable | None], AnswerT]


async def get_user(caller: Caller, user_id: str) -> User:
    """Read one user.

    Raises:
        InvalidValueError: the id is not one.
        GongError: the user is not there, or cannot be read.
    """
    refuse("get_user", [user_id_problem(user_id)])
    request = HttpRequest(
        "GET",
        f"/v2/users/{quote(user_id, safe='')}",
        result_key="user",
        operation="get_user",
        template="/v2/users/{id}",
        max_response_bytes=MAX_PAGE,
    )
    return await _read(caller, request, _user)


async def list_workspaces(caller: Caller) -> list[Workspace]:
    """Read all workspaces; Gong has no pages of them.

    Raises:
        GongError: they cannot be read.
    """
    request = HttpRequest(
        "GET",
        "/v2/workspaces",
        result_key="workspaces",
        operation="list_workspaces",
        max_response_bytes=MAX_PAGE,
    )
    try:
        return list((await _read(caller, request, codec.decode_workspaces)).workspaces)
    except TaskNotFoundError as error:
        if means_nothing_found(error):
            return []
        raise


def _user(body: Content, on_unreadable: OnUnreadable | None) -> User:
    user = codec.decode_user(body, on_unreadable).user
    if user is None:
        raise DecodeError(path="$.user", expected="a user", found="none")
    return user


async def _read(caller: Caller, request: HttpRequest, decode: Decode[AnswerT]) -> AnswerT:
    response = await caller.call(request)
    try:
        return endpoints.read(response, decode, caller.on_unreadable)
    except DecodeError as error:
        raise caller.about(request, error, response.attempts)  # noqa: B904 - the same error, completed
