"""JSON bytes <-> models. The converter behind it is private to this package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, cast

from gong_tasks_async.codec.generate import register_quick_readers
from gong_tasks_async.codec.json_text import dumps, loads
from gong_tasks_async.codec.scan import SLICE_BYTES, array_start, slices
from gong_tasks_async.codec.structure import Mismatch, strict_converter
from gong_tasks_async.codec.unstructure import register_writers
from gong_tasks_async.errors import DecodeError
from gong_tasks_async.models import JsonValue, Task, TaskFilter, TasksAnswer, TaskUpdate, UsersAnswer
from gong_tasks_async.models.answers import Answered

__all__ = ["decode_answer", "decode_tasks", "decode_users", "encode", "json_object", "to_json"]

_converter = strict_converter()
register_quick_readers(_converter)
register_writers(_converter)
_structure_task = _converter.get_structure_hook(Task)
_structure_answer = _converter.get_structure_hook(TasksAnswer)
_structure_users = _converter.get_structure_hook(UsersAnswer)
_writers: dict[type, Callable[[Any], Any]] = {
    kind: _converter.get_unstructure_hook(kind) for kind in (TaskFilter, TaskUpdate)
}

SHOWN = 60
"""Bytes of a response that is not JSON that the error quotes."""


def encode(request: TaskFilter | TaskUpdate) -> bytes:
    """The body of a request, as compact JSON."""
    return dumps(_writers.get(type(request), _converter.unstructure)(request))


def to_json(value: Answered) -> dict[str, JsonValue]:
    """Convert a model to plain JSON values in Gong's spelling; missing fields are left out."""
    return cast("dict[str, JsonValue]", _converter.unstructure(value))


def json_object(body: bytes) -> dict[str, Any]:
    """Parse the JSON object in a response's body.

    Raises:
        DecodeError: it is not JSON, or not an object.
    """
    try:
        root = loads(body)
    except ValueError as error:
        raise _no_json(body, error) from None
    if type(root) is not dict:
        raise _decode_error(Mismatch("an object", root))
    return root


def decode_answer(body: bytes) -> TasksAnswer:
    """Decode the whole response of either task call.

    Raises:
        DecodeError: it is not JSON, or not as Gong's reference has it; ``path`` names the place.
    """
    try:
        answer: TasksAnswer = _structure_answer(json_object(body), None)
    except Mismatch as mismatch:
        raise _decode_error(mismatch) from None
    return answer


def decode_tasks(body: bytes) -> Iterator[Task]:
    """Decode the tasks of a response one by one; of a long response only a slice is held parsed.

    Raises:
        DecodeError: while iterating, at the task that cannot be read.
    """
    for index, raw in enumerate(chain.from_iterable(_raw_slices(body))):
        if raw is None:
            continue
        try:
            task: Task = _structure_task(raw, Task)
        except Mismatch as mismatch:
            raise _decode_error(mismatch.below(f".tasks[{index}]")) from None
        yield task


def decode_users(body: bytes) -> UsersAnswer:
    """Decode one page of users; raises as :func:`decode_answer`."""
    try:
        return cast("UsersAnswer", _structure_users(json_object(body), None))
    except Mismatch as mismatch:
        raise _decode_error(mismatch) from None


def _raw_slices(body: bytes) -> Iterator[list[Any]]:
    start = array_start(body) if len(body) > SLICE_BYTES else None
    if start is None:
        yield _raw_tasks(body)
        return
    try:
        yield from slices(body, start, loads, SLICE_BYTES)
    except ValueError as error:
        raise _no_json(body, error) from None
    except Mismatch as mismatch:
        raise _decode_error(mismatch) from None


def _raw_tasks(body: bytes) -> list[Any]:
    raw_tasks = json_object(body).get("tasks")
    if raw_tasks is None:  # it is not known how Gong answers for a user without tasks
        return []
    if type(raw_tasks) is not list:
        raise _decode_error(Mismatch("an array", raw_tasks).below(".tasks"))
    return raw_tasks


def _decode_error(mismatch: Mismatch) -> DecodeError:
    return DecodeError(path=f"${mismatch.path}", expected=mismatch.expected, found=mismatch.found)


def _no_json(body: bytes, error: ValueError) -> DecodeError:
    quoted = f"{body[:SHOWN]!r} ({error})" if body else "an empty response"
    return DecodeError(path="$", expected="JSON", found=quoted)
