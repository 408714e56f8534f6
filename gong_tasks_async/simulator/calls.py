"""What the two task calls do to the data once a request has been let in and found valid."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from gong_tasks_async.simulator.data import priority
from gong_tasks_async.simulator.wire import RefusedError

Json = dict[str, Any]


class EmptyAs(enum.StrEnum):
    """How an answer without tasks looks; which one Gong gives is unknown."""

    LIST = enum.auto()
    """200 with an empty list of ``tasks``."""
    MISSING = enum.auto()
    """200 without ``tasks``."""
    NOT_FOUND = enum.auto()
    """404."""


_CHANGES: dict[str, Callable[[str], Any]] = {"status": str, "dueDate": str, "priority": priority}


def workspace_of(task_id: int, workspace_ids: Sequence[str]) -> str:
    """Return a task's workspace, which no response names; ids are halved because all of those made up are odd."""
    return workspace_ids[task_id // 2 % len(workspace_ids)]


def matching(tasks: Mapping[int, Json], filter: Json, workspace_ids: Sequence[str]) -> list[Json]:
    """Find the tasks that a filter asks for."""
    return [
        task
        for task_id, task in tasks.items()
        if str(task["userId"]) == filter["userId"]
        and task["type"] in filter["types"]
        and task["status"] in filter["status"]
        and any(action in filter["taskAction"] for action in task["actions"])
        and filter.get("workspaceId") in (None, workspace_of(task_id, workspace_ids))
    ]


def listing(found: list[Json], empty_as: EmptyAs) -> Json:
    """Lay out the tasks of an answer."""
    if not found and empty_as is EmptyAs.NOT_FOUND:
        raise RefusedError(HTTPStatus.NOT_FOUND, "No tasks found for the user")
    return {} if not found and empty_as is EmptyAs.MISSING else {"tasks": found}


def change(tasks: Mapping[int, Json], task_id: int, wanted: Json, updated: str) -> Json:
    """Change a task in place; another user's is as unknown as one that does not exist."""
    task = tasks.get(task_id)
    if task is None or str(task["userId"]) != wanted["userId"]:
        raise RefusedError(HTTPStatus.NOT_FOUND, f"Task {task_id} was not found for user {wanted['userId']}")
    task.update({name: _CHANGES[name](value) for name, value in wanted.items() if name in _CHANGES})
    task["updated"] = updated
    return task


def user(people: Sequence[Json], user_id: str) -> Json:
    """Find a user."""
    for one in people:
        if one["id"] == user_id:
            return one
    raise RefusedError(HTTPStatus.NOT_FOUND, f"User {user_id} was not found")


def workspace(workspace_id: str) -> Json:
    """Lay out a workspace; its name follows from its id."""
    name = f"Workspace {workspace_id[-4:]}"
    return {
        "id": workspace_id,
        "workspaceId": workspace_id,
        "name": name,
        "description": f"{name} of the company",
    }
