"""Plain JSON values -> models: the structure hooks of the one cattrs converter.

Stock cattrs coerces (``None`` to ``'None'``, ``"false"`` to ``True``, a list to its text), so every primitive
has a strict hook of its own here. What Gong may do without warning is let through: unknown fields go to
``extra``, unknown words become members of their vocabulary, integers also come as text, ids also as numbers,
and anything may be missing or null.

A hook that finds something else raises :class:`Mismatch`; each object and array on the way out adds its part
of the path. The good path pays nothing for that.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Container, Mapping
from datetime import UTC, datetime
from functools import partial
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import attrs
from cattrs import Converter

from gong_tasks_async.codec.names import gong_name
from gong_tasks_async.models import JsonValue, OpenEnum
from gong_tasks_async.models.answers import NOTHING, Answered
from gong_tasks_async.models.enums import documented_words

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]

INT64 = 2**63
DECIMAL = re.compile(r"-?[0-9]{1,19}")


class Mismatch(Exception):  # noqa: N818 - never leaves the codec, which turns it into DecodeError
    """A JSON value contradicts Gong's reference. ``path`` grows as it propagates."""

    def __init__(self, expected: str, found: object) -> None:
        super().__init__(expected)
        self.expected = expected
        self.found = "nothing" if found is None else reprlib.repr(found)
        self.path = ""

    def below(self, step: str) -> Mismatch:
        """Prefix the path with one step."""
        self.path = step + self.path
        return self


def text(value: object, _: object = None) -> str:
    """Text; nothing is coerced."""
    if type(value) is str:
        return value
    raise Mismatch("text", value)


def boolean(value: object, _: object = None) -> bool:
    """A JSON boolean."""
    if type(value) is bool:
        return value
    raise Mismatch("true or false", value)


def integer(value: object, _: object = None) -> int:
    """An int64, or its text: seen on the live service, such as "9067931441193858457" and "-1"."""
    number = int(value) if type(value) is str and DECIMAL.fullmatch(value) else value
    if type(number) is int and -INT64 <= number < INT64:
        return number
    raise Mismatch("a whole number of 64 bits", value)


def id_text(value: object, _: object = None) -> str:
    """An id as text, or as the number that Gong sends on some calls."""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise Mismatch("an id as text or whole number", value)


def date_time(value: object, _: object = None) -> datetime:
    """An ISO-8601 date-time; one without an offset is taken as UTC, as all of Gong's are."""
    # Longer than a date: fromisoformat also takes a date alone, which is no moment.
    if type(value) is str and len(value) > len("2018-02-17T"):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    raise Mismatch("an ISO-8601 date-time", value)


def _anything(value: Any, _: object) -> Any:
    return value


def _word(vocabulary: type[OpenEnum]) -> Hook:
    documented = documented_words(vocabulary)

    def read(value: object, _: object) -> OpenEnum:
        if type(value) is not str:
            raise Mismatch(f"one of {', '.join(vocabulary)}", value)
        return documented.get(value) or vocabulary(value)

    return read


def _array(kind: Any, converter: Converter) -> Hook:
    hook = converter.get_structure_hook(get_args(kind)[0])

    def read(values: object, _: object) -> tuple[Any, ...]:
        if type(values) is not list:
            raise Mismatch("an array", values)
        read_values = []
        for index, value in enumerate(values):
            if value is None:  # null stands for "nothing here", in arrays too
                continue
            try:
                read_values.append(hook(value, None))
            except Mismatch as mismatch:
                raise mismatch.below(f"[{index}]")  # noqa: B904 - the same error, one level further out
        return tuple(read_values)

    return read


def without_none(kind: Any) -> Any:
    """Strip None from a type: a missing or null field never reaches its hook."""
    if get_origin(kind) in (Union, UnionType):
        return next((part for part in get_args(kind) if part is not NoneType), kind)
    return kind


def _field_hook(attribute: attrs.Attribute[Any], converter: Converter) -> Hook:
    if attribute.metadata.get("also_number"):
        return id_text
    if attribute.metadata.get("plain"):
        return _anything
    return converter.get_structure_hook(without_none(attribute.type))


def extra_of(raw: dict[str, Any], known: Container[str]) -> Mapping[str, JsonValue]:
    """Collect the fields that Gong's reference does not name."""
    return {key: value for key, value in raw.items() if key not in known} or NOTHING


def _require(raw: dict[str, Any], keys: list[str]) -> None:
    for key in keys:
        if raw.get(key) is None:
            raise Mismatch("a value", None).below(f".{key}")


def _object(kind: type[Answered], converter: Converter) -> Hook:
    attributes = [a for a in attrs.fields(attrs.resolve_types(kind)) if a.name != "extra"]
    fields = [(a.name, gong_name(a.name), _field_hook(a, converter)) for a in attributes]
    required = [gong_name(a.name) for a in attributes if a.default is attrs.NOTHING]
    known = {key for _, key, _ in fields}

    def read(raw: object, _: object) -> Answered:
        if type(raw) is not dict:
            raise Mismatch("an object", raw)
        _require(raw, required)
        values: dict[str, Any] = {}
        for name, key, hook in fields:
            value = raw.get(key)
            if value is None:
                continue
            try:
                values[name] = hook(value, None)
            except Mismatch as mismatch:
                raise mismatch.below(f".{key}")  # noqa: B904 - the same error, one level further out
        return kind(**values, extra=extra_of(raw, known))

    return read


def _is_answered(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Answered)


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def strict_converter() -> Converter:
    """Build the converter that this module's docstring describes."""
    converter = Converter()
    converter.register_structure_hook(str, text)
    converter.register_structure_hook(bool, boolean)
    converter.register_structure_hook(int, integer)
    converter.register_structure_hook(datetime, date_time)
    # One by one: cattrs' own hook for text wins over a predicate for classes that are text as well.
    for vocabulary in OpenEnum.__subclasses__():
        converter.register_structure_hook(vocabulary, _word(vocabulary))
    converter.register_structure_hook_factory(_is_tuple, partial(_array, converter=converter))
    converter.register_structure_hook_factory(_is_answered, partial(_object, converter=converter))
    return converter
