"""JSON bytes <-> models. The converter behind it is private to this package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from gong_tasks_async.codec.flat import to_rows
from gong_tasks_async.codec.generate import quick_readers
from gong_tasks_async.codec.json_text import dumps, loads, loads_leniently
from gong_tasks_async.codec.problems import OnUnreadable, Unreadable, once_for_each_place
from gong_tasks_async.codec.scan import SLICE_BYTES, Loads, array_start, slices
from gong_tasks_async.codec.structure import LENIENT, Mismatch, Problems, Reader, reader_of
from gong_tasks_async.codec.unstructure import filter_body, update_body
from gong_tasks_async.errors import DecodeError
from gong_tasks_async.errors.kinds import is_list
from gong_tasks_async.models import (
    JsonValue,
    Task,
    TaskFilter,
    TasksAnswer,
    TaskUpdate,
    UserAnswer,
    UsersAnswer,
    WorkspacesAnswer,
)
from gong_tasks_async.models.base import Answered

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = [
    "Content",
    "OnUnreadable",
    "Unreadable",
    "decode_answer",
    "decode_tasks",
    "decode_user",
    "decode_users",
    "decode_workspaces",
    "encode_filter",
    "encode_update",
    "json_object",
    "task_from_json",
    "to_json",
    "to_rows",
]

Content: TypeAlias = bytes | dict[str, Any]
"""A response's body, or what a parser has made of it already."""

AnsweredT = TypeVar("AnsweredT", bound=Answered)

_quick = quick_readers()
_lenient_readers: dict[type[Answered], Reader] = {}


def _lenient(kind: type[Answered]) -> Reader:
    if kind not in _lenient_readers:
        _lenient_readers[kind] = reader_of(kind, LENIENT)
    return _lenient_readers[kind]


def _converter() -> Converter:
    from gong_tasks_async.codec.converter import converter  # noqa: PLC0415 - cattrs takes a while to import

    return converter()


def _unstructured(value: object) -> Any:
    return _converter().unstructure(value)


def encode_filter(wanted: TaskFilter) -> bytes:
    """The body of a listing, as compact JSON."""
    return dumps(filter_body(wanted))


def encode_update(update: TaskUpdate) -> bytes:
    """The body of an update, as compact JSON."""
    return dumps(update_body(update))


def to_json(value: Answered | TaskUpdate | TaskFilter) -> dict[str, JsonValue]:
    """Convert a model to plain JSON values in Gong's spelling; missing fields are left out.

    An update has its ``taskId``, so that it reads back as a row of ``gong-tasks bulk run``.

    Args:
        value: a model, or a list of them.
    """
    plain = cast(
        "dict[str, JsonValue]",
        loads(dumps(_unstructured(value))) if _is_request(value) else _unstructured(value),
    )
    return {"taskId": value.task_id, **plain} if isinstance(value, TaskUpdate) else plain


def task_from_json(value: Mapping[str, JsonValue] | str | bytes) -> Task:
    """Read a task from JSON in Gong's spelling, as :func:`to_json` writes it.

    Args:
        value: a task in Gong's spelling: a JSON object, or its text.

    Raises:
        DecodeError: it is not JSON, not an object, or a field is not as Gong's reference has it.
    """
    raw = json_object(
        value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else dict(value)
    )
    return _read_in_detail(Task, raw, "$", None)


def _is_request(value: object) -> bool:
    return isinstance(value, TaskUpdate | TaskFilter)


def json_object(body: Content, *, lenient: bool = False) -> dict[str, Any]:
    """Parse the JSON object in a response's body.

    Args:
        body: the response's.
        lenient: accept a number beyond all bounds, NaN, and odd characters; for what must not be lost over one.

    Raises:
        DecodeError: it is not JSON, or not an object.
    """
    return _object(body, _loader(_ignore) if lenient else loads)


def _object(body: Content, parse: Loads) -> dict[str, Any]:
    if isinstance(body, dict):
        return body
    try:
        root = parse(body)
    except ValueError as error:
        raise _no_json(body, error) from None
    found: dict[str, Any] = root
    if type(root) is not dict:
        raise _decode_error(Mismatch("an object", root))
    return found


def _ignore(_: Unreadable) -> None:
    """Report nothing."""


def _loader(on_unreadable: OnUnreadable | None) -> Loads:
    """The parser of a response; a lenient one where one odd number or character may be reported."""
    if on_unreadable is None:
        return loads

    def parse(text: bytes) -> Any:
        try:
            return loads(text)
        except ValueError as error:
            if (value := loads_leniently(text)) is None:
                raise
            on_unreadable(Unreadable("$", "JSON", f"an odd number or character ({error})"))
            return value

    return parse


def decode_answer(body: Content, on_unreadable: OnUnreadable | None = None) -> TasksAnswer:
    """Decode the whole response of either task call.

    Args:
        body: the response's.
        on_unreadable: is passed each field that was left out because it is not as Gong's reference has it, the first
            of each place. Without it, such a field is an error.

    Raises:
        DecodeError: it is not JSON, has no tasks in the form of an array, or a task without an id; or, read strictly,
            is not as Gong's reference has it. ``path`` names the place.
    """
    return _decode(TasksAnswer, body, on_unreadable)


def decode_tasks(body: Content, on_unreadable: OnUnreadable | None = None) -> Iterator[Task]:
    """Decode the tasks of a response one by one; of a long response only a slice is held parsed.

    A task without an id is left out, and reported like a field; where that is so with all of them, it is an error.

    Raises:
        DecodeError: while iterating, at the task that cannot be read; see :func:`decode_answer`.
    """
    on_unreadable = on_unreadable and once_for_each_place(on_unreadable)
    left_out: DecodeError | None = None
    read_quickly, has_read = _quick[Task], False
    for index, raw in enumerate(chain.from_iterable(_raw_slices(body, _loader(on_unreadable)))):
        if raw is None:
            continue
        try:
            task = read_quickly(raw)
        except Exception:  # noqa: BLE001 - whatever it was, the detailed reader reports it better
            found = _read_or_leave_out(raw, f"$.tasks[{index}]", on_unreadable)
            if isinstance(found, DecodeError):
                left_out = left_out or found
                continue
            task = found
        has_read = True
        yield task
    if left_out is not None and not has_read:
        raise left_out


def _read_or_leave_out(raw: object, place: str, on_unreadable: OnUnreadable | None) -> Task | DecodeError:
    """A task, or the error for which it is of no use, which is reported; read strictly, it is raised."""
    try:
        return _read_in_detail(Task, raw, place, on_unreadable)
    except DecodeError as error:
        if on_unreadable is None:
            raise
        on_unreadable(Unreadable(error.path, error.expected, error.found))
        return error.with_traceback(None)


def decode_users(body: Content, on_unreadable: OnUnreadable | None = None) -> UsersAnswer:
    """Decode one page of users; see :func:`decode_answer`."""
    return _decode(UsersAnswer, body, on_unreadable)


def decode_user(body: Content, on_unreadable: OnUnreadable | None = None) -> UserAnswer:
    """Decode one user; see :func:`decode_answer`."""
    return _decode(UserAnswer, body, on_unreadable)


def decode_workspaces(body: Content, on_unreadable: OnUnreadable | None = None) -> WorkspacesAnswer:
    """Decode the company's workspaces; see :func:`decode_answer`."""
    return _decode(WorkspacesAnswer, body, on_unreadable)


def _decode(kind: type[AnsweredT], body: Content, on_unreadable: OnUnreadable | None) -> AnsweredT:
    raw = body if isinstance(body, dict) else _object(body, _loader(on_unreadable))
    try:
        value: AnsweredT = _quick[kind](raw)
    except Exception:  # noqa: BLE001 - as above
        return _read_in_detail(kind, raw, "$", on_unreadable and once_for_each_place(on_unreadable))
    return value


def _read_in_detail(
    kind: type[AnsweredT], raw: object, place: str, on_unreadable: OnUnreadable | None
) -> AnsweredT:
    problems: Problems = []
    try:
        if on_unreadable is None:
            read: AnsweredT = _converter().structure(raw, kind)
            return read
        value: AnsweredT = _lenient(kind)(raw, problems)
    except Mismatch as mismatch:
        raise DecodeError(
            path=place + mismatch.path, expected=mismatch.expected, found=mismatch.found
        ) from None
    for problem in problems:
        on_unreadable(Unreadable(place + problem.path, problem.expected, problem.found))
    return value


def _raw_slices(body: Content, parse: Loads) -> Iterator[list[Any]]:
    try:
        start = array_start(body) if isinstance(body, bytes) and len(body) > SLICE_BYTES else None
    except Mismatch as mismatch:
        raise _decode_error(mismatch) from None
    if start is None or isinstance(body, dict):
        yield _raw_tasks(body, parse)
        return
    try:
        yield from slices(body, start, parse, SLICE_BYTES)
    except ValueError as error:
        raise _no_json(body, error) from None
    except Mismatch as mismatch:
        raise _decode_error(mismatch) from None


def _raw_tasks(body: Content, parse: Loads) -> list[Any]:
    raw_tasks = _object(body, parse).get("tasks")
    if raw_tasks is None:  # it is not known how Gong answers for a user without tasks
        return []
    if not is_list(raw_tasks):
        raise _decode_error(Mismatch("an array", raw_tasks).below(".tasks"))
    return raw_tasks


def _decode_error(mismatch: Mismatch) -> DecodeError:
    return DecodeError(path=f"${mismatch.path}", expected=mismatch.expected, found=mismatch.found)


def _no_json(body: bytes, error: ValueError) -> DecodeError:
    # Not quoted: it may be a cut response, and hold a person's name.
    found = f"{len(body):,} bytes that are not ({error})" if body else "an empty response"
    return DecodeError(path="$", expected="JSON", found=found)
