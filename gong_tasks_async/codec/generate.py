"""Structure hooks as generated code: one straight function for each class.

What `structure.py` does with a hook for each field, called for each field, is here one straight function: fields
of plain types are tested in place, words are looked up in a dict, date-times go straight to the interpreter's own
parser, and only objects cost a call. That is four times as fast. The generated function knows no paths: whatever
it does not expect is read again by `structure.py`, which knows the path, so the two can only differ in speed. A
property test holds them equal.

For a class with one field the source reads like this::

    def read_Email(raw):
        try:
            its_extra = NOTHING
            if len(raw) != 1:
                raw = Email_blank | raw
                if len(raw) != 1: its_extra = extra_of(raw, Email_blank)
            its_email = raw["email"]
            if its_email.__class__ is not str and its_email is not None: raise FastPathMiss
        except KeyError:
            return read_Email(Email_blank | raw)
        draft = EmailDraft()
        draft.email = its_email
        draft.extra = its_extra
        draft.__class__ = Email
        return draft

Each field is taken by its key, half the price of asking whether it is there; what Gong left out is first filled in
from the class's blank, at the price of thirty fields. So that is asked only of fields that Gong leaves out often, and
the size that is usual follows from the answers. An object of that size, but with other fields, raises `KeyError`.
And since all known fields are there after that, only the number of fields has to be looked at to know that Gong
sent no more.

Nothing tests that `raw` is an object: of JSON's values, only one that is has keys, and all else raises by itself.

The values are frozen, which would be a third of the whole decoding. So each is made as a draft that allows
assignment, and gets its class when it is complete; see :func:`~gong_tasks_async.models.base.mutable_class`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import product
from typing import Any, get_args, get_origin

import attrs

from gong_tasks_async.codec.names import gong_name
from gong_tasks_async.codec.structure import (
    date_time,
    extra_of,
    integer,
    is_required,
    text,
    without_none,
)
from gong_tasks_async.models import OpenEnum
from gong_tasks_async.models.answers import ANSWERED
from gong_tasks_async.models.base import NOTHING, Answered, mutable_class
from gong_tasks_async.models.checks import INT64_MAX, INT64_MIN
from gong_tasks_async.models.enums import documented_words

Reader = Callable[..., Any]


class FastPathMiss(Exception):  # noqa: N818 - never leaves the codec
    """A value the fast path does not expect; the detailed reader takes over."""


class EnumCache(dict[str, OpenEnum]):
    """Enum members by their words; an undocumented one is made when looked up."""

    def __init__(self, vocabulary: type[OpenEnum]) -> None:
        super().__init__(documented_words(vocabulary))
        self._vocabulary = vocabulary

    def __missing__(self, word: str) -> OpenEnum:
        return self._vocabulary(word)


DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
FRACTIONS = ("", *("." + "0" * digits for digits in range(1, 7)))
DATE_TIME_FORMS = frozenset(
    f"0000-00-00T00:00:00{fraction}{offset}".encode()
    for fraction, offset in product(FRACTIONS, ("Z", "+00:00", "-00:00"))
)
"""Date-times with zeros for their digits, which ``fromisoformat`` reads as they are meant; it misreads many others, and
the slower ``date_time`` checks those first."""

PLAIN_LINES: dict[type, tuple[str, ...]] = {
    str: ("if {v}.__class__ is not str and {v} is not None: raise FastPathMiss",),
    bool: ("if {v}.__class__ is not bool and {v} is not None: raise FastPathMiss",),
    int: (
        # The limits as numbers, so that they are constants of the function.
        f"if not ({{v}}.__class__ is int and {INT64_MIN} <= {{v}} <= {INT64_MAX}) and {{v}} is not None: {{v}} = integer({{v}})",
    ),
    datetime: (
        "if {v} is not None:",
        "    if {v}.__class__ is not str: raise FastPathMiss",
        "    if {v}.encode().translate(DIGITS_AS_ZEROS) in DATE_TIME_FORMS: {v} = fromisoformat({v})",
        "    else: {v} = date_time({v})",
    ),
}
"""What is done with a value of each plain type, once it has been taken out of the JSON object. A parser's values have no
``__class__`` but their own, and it costs a third less than a call of ``type``."""

ID_LINES = (
    'if {v} is None: {v} = ""',
    "elif {v}.__class__ is int: {v} = str({v})",
    "elif {v}.__class__ is not str: raise FastPathMiss",
)


def _one(kind: Any) -> str:
    """The function that reads a value of a class or vocabulary."""
    if kind is str:
        return "text"
    return f"{kind.__name__}_cache.__getitem__" if issubclass(kind, OpenEnum) else f"read_{kind.__name__}"


def _array_lines(item: Any) -> Iterator[str]:
    # Most arrays are empty or hold one value: to set up `map` costs as much as half a value.
    # A null in it is rare enough to be left to the detailed reader: every function raises on one.
    yield "if {v}.__class__ is not list and {v} is not None: raise FastPathMiss"
    yield "if not {v}: {v} = ()"
    yield f"elif len({{v}}) == 1: {{v}} = ({_one(item)}({{v}}[0]),)"
    yield f"else: {{v}} = tuple(map({_one(item)}, {{v}}))"


def _conversion(attribute: attrs.Attribute[Any]) -> Iterable[str]:
    """The statements that turn the JSON value ``{v}`` into the field's value."""
    kind = without_none(attribute.type)
    if attribute.metadata.get("plain"):
        return ()
    if attribute.metadata.get("also_number"):
        return ID_LINES
    if get_origin(kind) is tuple:
        return _array_lines(get_args(kind)[0])
    if kind in PLAIN_LINES:
        return PLAIN_LINES[kind]
    if issubclass(kind, OpenEnum):
        return (f"if {{v}} is not None: {{v}} = {kind.__name__}_cache[{{v}}]",)
    return (f"if {{v}} is not None: {{v}} = {_one(kind)}({{v}})",)


def _is_often_absent(attribute: attrs.Attribute[Any]) -> bool:
    return bool(attribute.metadata.get("often_absent"))


def _field_lines(attribute: attrs.Attribute[Any]) -> Iterator[str]:
    key = gong_name(attribute.name)
    if _is_often_absent(attribute):
        yield f'{{v}} = raw["{key}"] if "{key}" in raw else None'
    else:
        yield f'{{v}} = raw["{key}"]'
    yield from _conversion(attribute)
    if is_required(attribute):
        yield "if {v} is None: raise FastPathMiss"


def _fields(kind: type[Answered]) -> list[attrs.Attribute[Any]]:
    return [a for a in attrs.fields(attrs.resolve_types(kind)) if a.name != "extra"]


def source_of(kind: type[Answered]) -> str:
    """The source of the function that reads one class."""
    attributes = _fields(kind)
    name, size = kind.__name__, len(attributes)
    absent = [f'("{gong_name(a.name)}" in raw)' for a in attributes if _is_often_absent(a)]
    usual_size = " + ".join([str(size - len(absent)), *absent])
    body = [line.format(v=f"its_{a.name}") for a in attributes for line in _field_lines(a)]
    lines = [
        f"def read_{name}(raw):",
        "    try:",
        "        its_extra = NOTHING",
        f"        if len(raw) != {usual_size}:",
        f"            raw = {name}_blank | raw",
        f"            if len(raw) != {size}: its_extra = extra_of(raw, {name}_blank)",
        *(f"        {line}" for line in body),
        "    except KeyError:",
        f"        return read_{name}({name}_blank | raw)",
        f"    draft = {name}Draft()",
        *(f"    draft.{a.name} = its_{a.name}" for a in attributes),
        "    draft.extra = its_extra",
        f"    draft.__class__ = {name}",
        "    return draft",
    ]
    return "\n".join(lines)


def quick_readers() -> dict[type[Answered], Reader]:
    """Generate a reader for each response class."""
    names: dict[str, Any] = {
        "NOTHING": NOTHING,
        "DATE_TIME_FORMS": DATE_TIME_FORMS,
        "DIGITS_AS_ZEROS": DIGITS_AS_ZEROS,
        "FastPathMiss": FastPathMiss,
        "date_time": date_time,
        "extra_of": extra_of,
        "fromisoformat": datetime.fromisoformat,
        "integer": integer,
        "text": text,
    }
    for vocabulary in OpenEnum.__subclasses__():
        names[f"{vocabulary.__name__}_cache"] = EnumCache(vocabulary)
    for kind in ANSWERED:
        names[kind.__name__] = kind
        names[f"{kind.__name__}Draft"] = mutable_class(kind)
        names[f"{kind.__name__}_blank"] = {gong_name(a.name): None for a in _fields(kind)}
        exec(compile(source_of(kind), f"<reader of {kind.__name__}>", "exec"), names)  # noqa: S102 - our own classes
    return {kind: names[f"read_{kind.__name__}"] for kind in ANSWERED}
