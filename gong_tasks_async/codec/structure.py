"""Plain JSON values -> models, field by field, with the path of whatever cannot be read.

Nothing is coerced: stock cattrs makes ``'None'`` of ``None``, ``True`` of ``"false"``, a text of a list, so every
primitive has a strict reader of its own here. What Gong may do without warning is let through: unknown fields go to
``extra``, unknown words become members of their enum, integers also come as text, ids also as numbers, and anything
may be missing or null.

A reader that meets anything else raises :class:`Mismatch`. The object around it leaves the field out, keeps the raw
value in ``extra``, and adds the mismatch to the problems of the response. Whether those matter is the caller's
choice: read strictly, the first one is raised. Without some fields the rest is of no use, such as a task's ``id`` or
a listing's cursor; a mismatch there is always raised.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import attrs

from gong_tasks_async.codec.names import gong_name
from gong_tasks_async.errors.kinds import is_list
from gong_tasks_async.models import JsonValue, OpenEnum
from gong_tasks_async.models.base import NOTHING, Answered
from gong_tasks_async.models.checks import INT64_MAX, INT64_MIN, is_decimal
from gong_tasks_async.models.date_times import date_time_of, parse_date_time
from gong_tasks_async.models.enums import documented_words

EXACT = 2**53
"""Beyond it a float no longer holds every whole number."""
INT64_DIGITS = 19


class Mismatch(Exception):  # noqa: N818 - never leaves the codec, which turns it into DecodeError
    """A JSON value contradicts Gong's reference. ``path`` grows as it propagates."""

    def __init__(self, expected: str, found: object, shape: str | None = None) -> None:
        super().__init__(expected)
        self.expected = expected
        self.found: str = shape or shape_of(found)
        self.path: str = ""
        self.essential: bool = False
        """Whether what holds the value is of no use without it."""
        self.kept: bool = False
        """Whether the raw value stands in an ``extra``."""

    def below(self, step: str) -> Mismatch:
        """Prefix the path with one step."""
        self.path = step + self.path
        return self


def shape_of(value: object) -> str:
    """Describe a JSON value without its text, which may be personal data."""
    if isinstance(value, str):
        return f"text of {len(value):,} characters" if value else "an empty text"
    if is_list(value):
        return f"an array of {len(value):,}"
    if isinstance(value, dict):
        return "an object"
    return "nothing" if value is None else json.dumps(value)


Problems = list[Mismatch]
Reader = Callable[[Any, Problems], Any]
"""Reads one value, and appends what it had to leave out."""
Leaf = Callable[[Any], Any]


def text(value: object) -> str:
    """Text; nothing is coerced."""
    if type(value) is str:
        return value
    raise Mismatch("text", value)


def boolean(value: object) -> bool:
    """A JSON boolean."""
    if type(value) is bool:
        return value
    raise Mismatch("true or false", value)


def integer(value: object) -> int:
    """An int64, or its text: seen on the live service, such as "9067931441193858457" and "-1"."""
    number = int(value) if type(value) is str and is_decimal(value, INT64_DIGITS) else value
    if type(number) is int and INT64_MIN <= number <= INT64_MAX:
        return number
    raise Mismatch("a whole number of 64 bits", value)


def id_text(value: object) -> str:
    """An id as text, or as the number that Gong sends on some calls."""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise Mismatch("an id as text or whole number", value)


def date_time(value: object) -> datetime:
    """An ISO-8601 date-time; one without an offset is taken as UTC, as all of Gong's are."""
    moment = parse_date_time(value) if type(value) is str else None
    if moment is None:
        raise Mismatch("an ISO-8601 date-time", value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def lenient_boolean(value: object) -> bool | None:
    """As :func:`boolean`, and ``""`` as none."""
    return None if value == "" else boolean(value)


def lenient_integer(value: object) -> int | None:
    """As :func:`integer`, ``""`` as none, and ``1.0`` as 1."""
    if type(value) is float and value.is_integer() and abs(value) <= EXACT:
        return int(value)
    return None if value == "" else integer(value)


def lenient_date_time(value: object) -> datetime | None:
    """As :func:`date_time`, ``""`` as none, and numbers, as in the examples of Gong's OpenAPI document."""
    if value == "":
        return None
    moment = date_time_of(value) if type(value) in (int, float) else None  # type: ignore[arg-type]  # a number
    return moment or date_time(value)


STRICT: Mapping[type, Leaf] = {str: text, bool: boolean, int: integer, datetime: date_time}
LENIENT: Mapping[type, Leaf] = {
    str: text,
    bool: lenient_boolean,
    int: lenient_integer,
    datetime: lenient_date_time,
}


def reader_of(kind: type[Answered], leaves: Mapping[type, Leaf]) -> Reader:
    """Build the reader of a response class."""
    return _object(kind, leaves)


def strictly(reader: Reader) -> Callable[..., Any]:
    """Turn a reader into a cattrs hook that raises the first problem."""

    def read(raw: object, _: object = None) -> Any:
        problems: Problems = []
        value = reader(raw, problems)
        if problems:
            raise problems[0]
        return value

    return read


def without_none(kind: Any) -> Any:
    """Strip None from a type: a missing or null field never reaches its reader."""
    if get_origin(kind) in (Union, UnionType):
        return next((part for part in get_args(kind) if part is not NoneType), kind)
    return kind


def is_required(attribute: attrs.Attribute[Any]) -> bool:
    """Whether an object without this field is of no use."""
    return attribute.default is attrs.NOTHING


def extra_of(raw: dict[str, Any], known: Container[str]) -> dict[str, JsonValue] | Mapping[str, JsonValue]:
    """Collect the fields that Gong's reference does not name."""
    return {key: value for key, value in raw.items() if key not in known} or NOTHING


def _leaf(leaf: Leaf) -> Reader:
    return lambda value, _: leaf(value)


def _anything(value: Any) -> Any:
    return value


def _word(kind: type[OpenEnum], value: object) -> OpenEnum:
    if type(value) is not str:
        raise Mismatch(f"one of {', '.join(kind)}", value)
    return documented_words(kind).get(value) or kind(value)


def _value(kind: Any, leaves: Mapping[type, Leaf]) -> Reader:
    """Build the reader of any type but an array."""
    if kind in leaves:
        return _leaf(leaves[kind])
    return _leaf(partial(_word, kind)) if issubclass(kind, OpenEnum) else _object(kind, leaves)


def _field(attribute: attrs.Attribute[Any], leaves: Mapping[type, Leaf]) -> Reader:
    if attribute.metadata.get("also_number"):
        return _leaf(id_text)
    if attribute.metadata.get("plain"):
        return _leaf(_anything)
    if is_required(attribute):
        leaves = STRICT
    kind = without_none(attribute.type)
    if get_origin(kind) is tuple:
        return _array(_value(get_args(kind)[0], leaves))
    return _value(kind, leaves)


@contextmanager
def _at(step: str, problems: Problems, *, essential: bool = False) -> Generator[None]:
    """Collect the mismatch of one place, unless it is essential, and write the step into all that came from there."""
    before = len(problems)
    try:
        yield
    except Mismatch as mismatch:
        mismatch.essential |= essential
        if mismatch.essential:
            raise mismatch.below(step)  # noqa: B904 - the same error, one level further out
        problems.append(mismatch)
    for problem in problems[before:]:
        problem.below(step)


def _array(item: Reader) -> Reader:
    def read(values: object, problems: Problems) -> tuple[Any, ...]:
        found: Any = values
        if type(values) is not list:
            raise Mismatch("an array", values)
        items: list[Any] = []
        for index, value in enumerate(found):
            if value is not None:  # null stands for "nothing here", in arrays too
                with _at(f"[{index}]", problems):
                    items.append(item(value, problems))
        return tuple(items)

    return read


def _require(raw: dict[str, Any], keys: list[str]) -> None:
    for key in keys:
        if raw.get(key) is None:
            missing = Mismatch("a value", None).below(f".{key}")
            missing.essential = True
            raise missing


def _object(kind: type[Answered], leaves: Mapping[type, Leaf]) -> Reader:
    attributes = [a for a in attrs.fields(attrs.resolve_types(kind)) if a.name != "extra"]
    fields = [
        (a.name, gong_name(a.name), _field(a, leaves), is_required(a) or bool(a.metadata.get("essential")))
        for a in attributes
    ]
    required = [gong_name(a.name) for a in attributes if is_required(a)]
    known = {key for _, key, _, _ in fields}

    def read(found: object, problems: Problems) -> Answered:
        raw: Any = found
        if type(found) is not dict:
            mismatch = Mismatch("an object", found)
            mismatch.essential = bool(required)
            raise mismatch
        _require(raw, required)
        values: dict[str, Any] = {}
        odd: dict[str, JsonValue] = {}
        for name, key, reader, essential in fields:
            value = raw.get(key)
            if value is None:
                continue
            before = len(problems)
            with _at(f".{key}", problems, essential=essential):
                values[name] = reader(value, problems)
            if len(problems) > before and _keep(problems[before:]):
                odd[key] = value
        return kind(**values, extra={**extra_of(raw, known), **odd} or NOTHING)

    return read


def _keep(problems: Problems) -> bool:
    """Whether any of them needs its raw value kept here; an object further in may have kept it already."""
    needed = not all(problem.kept for problem in problems)
    for problem in problems:
        problem.kept = True
    return needed
