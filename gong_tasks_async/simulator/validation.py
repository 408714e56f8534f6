"""Requests held against Gong's reference, strictly: what it does not describe is a 400."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any, cast

from gong_tasks_async.simulator.wire import JSON, RefusedError, Request

Json = dict[str, Any]
Check = Callable[[Any], str | None]

STATUSES = ("OPEN", "DONE", "DISMISSED")
TYPES = ("FLOW", "MANUAL")
ACTIONS = ("CALL",)

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_INT64 = re.compile(r"[0-9]{1,19}", re.ASCII)


def read_filter(request: Request) -> Json:
    """Read the filter of a list call, or refuse it."""
    body = _read_object(request)
    _refuse([f"Unrecognized field '{name}'" for name in body if name != "filter"])
    found: object = body.get("filter")
    if not isinstance(found, dict):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "filter must be an object")
    wanted = cast("Json", found)
    _refuse(_faults_in(wanted, _FILTER, required=("userId", "types", "taskAction", "status")))
    return wanted


def read_change(request: Request) -> Json:
    """Read the change of an update call, or refuse it."""
    change = _read_object(request)
    _refuse(_faults_in(change, _CHANGE, required=("userId",)))
    return change


def read_task_id(text: str) -> int:
    """Read the positive int64 of an update call's path, or refuse it."""
    if not _INT64.fullmatch(text) or not 0 < int(text) < 2**63:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"taskId is not an int64: {text}")
    return int(text)


def _read_object(request: Request) -> Json:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "Content-Type must be application/json")
    try:
        body: Json = json.loads(request.body)
    except (ValueError, RecursionError):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "Failed to parse the JSON body") from None
    kind: type[Any] = type(body)
    if kind is not dict:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "The body must be a JSON object")
    return body


def _refuse(errors: list[str]) -> None:
    if errors:
        raise RefusedError(HTTPStatus.BAD_REQUEST, *errors)


def _faults_in(values: Json, checks: dict[str, Check], required: tuple[str, ...]) -> list[str]:
    missing = [f"{name} is required" for name in required if name not in values]
    return missing + list(_complaints(values, checks))


def _complaints(values: Json, checks: dict[str, Check]) -> Iterator[str]:
    for name, value in values.items():
        if name not in checks:
            yield f"Unrecognized field '{name}'"
        elif complaint := checks[name](value):
            yield f"{name} {complaint}"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "must be a non-empty string"


def _one_of(allowed: tuple[str, ...]) -> Check:
    return lambda value: None if value in allowed else f"must be one of {', '.join(allowed)}"


def _some_of(allowed: tuple[str, ...]) -> Check:
    def check(value: Any) -> str | None:
        items = cast("list[object]", value) if isinstance(value, list) else []
        if items and all(item in allowed for item in items):
            return None
        return f"must be a non-empty array of {', '.join(allowed)}"

    return check


def _date_time(value: Any) -> str | None:
    if isinstance(value, str) and _DATE_TIME.fullmatch(value) and _exists(value):
        return None
    return "must be an ISO-8601 date-time with an offset"


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


_FILTER: dict[str, Check] = {
    "userId": _text,
    "workspaceId": _text,
    "types": _some_of(TYPES),
    "taskAction": _some_of(ACTIONS),
    "status": _some_of(STATUSES),
}
_CHANGE: dict[str, Check] = {
    "userId": _text,
    "status": _one_of(STATUSES),
    "dueDate": _date_time,
    "priority": _text,
}
