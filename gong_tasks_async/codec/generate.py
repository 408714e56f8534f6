"""Structure hooks as generated code: one function for each class, as a person would write it by hand.

What `structure.py` does with a hook for each field, called for each field, is here one straight function: fields
of plain types are tested in place, words are looked up in a dict, and only objects and dates cost a call. That
is two to three times as fast. The generated function knows no paths: whatever it stumbles over is read again by
`structure.py`, which says where, so the two can only differ in speed. A property test holds them equal.

For a class with one field the source reads like this::

    def read_Email(raw, _=None):
        if type(raw) is not dict:
            raise Stumbled
        get = raw.get
        its_email = get("email")
        if type(its_email) is not str and its_email is not None: raise Stumbled
        draft = new(EmailDraft)
        draft.extra = NOTHING if Email_known.issuperset(raw) else extra_of(raw, Email_known)
        draft.email = its_email
        draft.__class__ = Email
        return draft

The values are frozen, and a frozen class of attrs pays for each field when it is made: eight times what a plain
assignment costs, a third of the whole decoding. So each is made as a draft, a subclass without slots of its own
that allows assignment, and becomes what it is when it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, get_args, get_origin

import attrs
from cattrs import Converter

from gong_tasks_async.codec.names import gong_name
from gong_tasks_async.codec.structure import INT64, date_time, extra_of, id_text, integer, without_none
from gong_tasks_async.models import OpenEnum
from gong_tasks_async.models.answers import ANSWERED, NOTHING, Answered
from gong_tasks_async.models.enums import documented_words

Reader = Callable[..., Any]


class Stumbled(Exception):  # noqa: N818 - never leaves the codec
    """Something here is not plain; the detailed reader has to look at it."""


PLAIN_TESTS = {
    str: "if type({v}) is not str and {v} is not None: raise Stumbled",
    bool: "if type({v}) is not bool and {v} is not None: raise Stumbled",
    int: "if {v} is not None and not (type({v}) is int and -INT64 <= {v} < INT64): {v} = integer({v})",
    datetime: "if {v} is not None: {v} = date_time({v})",
}
"""What is done with a value of each plain type, once it has been taken out of the JSON object."""


def _word_line(kind: type[OpenEnum]) -> str:
    return f"if {{v}} is not None: {{v}} = {kind.__name__}_words.get({{v}}) or {kind.__name__}({{v}})"


def _conversion(kind: Any) -> str:
    """One statement that turns the JSON value ``{v}`` into a value of this type."""
    if kind in PLAIN_TESTS:
        return PLAIN_TESTS[kind]
    if issubclass(kind, OpenEnum):
        return _word_line(kind)
    return f"if {{v}} is not None: {{v}} = read_{kind.__name__}({{v}})"


def _array_lines(item: Any) -> Iterator[str]:
    name = item.__name__
    one = f"({name}_words.get(v) or {name}(v))" if issubclass(item, OpenEnum) else f"read_{name}(v)"
    yield "if {v} is None: {v} = ()"
    yield f"elif type({{v}}) is list: {{v}} = tuple([{one} for v in {{v}} if v is not None])"
    yield "else: raise Stumbled"


def _field_lines(attribute: attrs.Attribute[Any]) -> Iterator[str]:
    yield f'{{v}} = get("{gong_name(attribute.name)}")'
    kind = without_none(attribute.type)
    if attribute.metadata.get("plain"):
        return
    if attribute.metadata.get("also_number"):
        yield '{v} = "" if {v} is None else id_text({v})'
    elif get_origin(kind) is tuple:
        yield from _array_lines(get_args(kind)[0])
    else:
        yield _conversion(kind)
    if attribute.default is attrs.NOTHING:
        yield "if {v} is None: raise Stumbled"


def source_of(kind: type[Answered]) -> str:
    """The source of the function that reads one class."""
    attributes = [a for a in attrs.fields(attrs.resolve_types(kind)) if a.name != "extra"]
    body = [line.format(v=f"its_{a.name}") for a in attributes for line in _field_lines(a)]
    name = kind.__name__
    lines = [
        f"def read_{name}(raw, _=None):",
        "    if type(raw) is not dict: raise Stumbled",
        "    get = raw.get",
        *(f"    {line}" for line in body),
        f"    draft = new({name}Draft)",
        f"    draft.extra = NOTHING if {name}_known.issuperset(raw) else extra_of(raw, {name}_known)",
        *(f"    draft.{a.name} = its_{a.name}" for a in attributes),
        f"    draft.__class__ = {name}",
        "    return draft",
    ]
    return "\n".join(lines)


def draft_of(kind: type[Answered]) -> type[Answered]:
    """The same class, still open to assignment.

    Both methods must be there: the interpreter takes its quick way only if neither is the frozen class's own.
    """
    return type(
        f"{kind.__name__}Draft",
        (kind,),
        {"__slots__": (), "__setattr__": object.__setattr__, "__delattr__": object.__delattr__},
    )


def quick_readers() -> dict[type[Answered], Reader]:
    """A generated reader for each class of an answer."""
    names: dict[str, Any] = {
        "INT64": INT64,
        "NOTHING": NOTHING,
        "Stumbled": Stumbled,
        "date_time": date_time,
        "extra_of": extra_of,
        "id_text": id_text,
        "integer": integer,
        "new": object.__new__,
    }
    for vocabulary in OpenEnum.__subclasses__():
        names[vocabulary.__name__] = vocabulary
        names[f"{vocabulary.__name__}_words"] = documented_words(vocabulary)
    for kind in ANSWERED:
        names[kind.__name__] = kind
        names[f"{kind.__name__}Draft"] = draft_of(kind)
        names[f"{kind.__name__}_known"] = {gong_name(a.name) for a in attrs.fields(kind) if a.name != "extra"}
        exec(compile(source_of(kind), f"<reader of {kind.__name__}>", "exec"), names)  # noqa: S102 - our own classes
    return {kind: names[f"read_{kind.__name__}"] for kind in ANSWERED}


def register_quick_readers(converter: Converter) -> None:
    """Put the generated readers before the converter's own, which still read what those stumble over."""
    detailed = {kind: converter.get_structure_hook(kind) for kind in ANSWERED}
    for kind, quick in quick_readers().items():
        converter.register_structure_hook(kind, _quick_or_detailed(quick, detailed[kind]))


def _quick_or_detailed(quick: Reader, detailed: Reader) -> Reader:
    def read(raw: object, _: object) -> Any:
        try:
            return quick(raw)
        except Exception:  # noqa: BLE001 - whatever it was, the detailed reader says it better
            return detailed(raw, None)

    return read
