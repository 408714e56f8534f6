"""Other libraries' way from JSON bytes to a typed answer, for the very fields of this library's models.

Their classes are made from ours, so that no field is forgotten and none is typed more loosely. What is left out
makes the others cheaper, never dearer: they skip unknown fields instead of keeping them, their ids are numbers
and never text, and a time without an offset is not refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import NoneType
from typing import Any, get_args, get_origin

import attrs
import msgspec
import orjson
import pydantic
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override
from cattrs.preconf.orjson import make_converter
from pydantic.alias_generators import to_camel

from gong_tasks_async import TaskStatus, codec
from gong_tasks_async.models.answers import ANSWERED, TasksAnswer

Decode = Callable[[bytes], Any]
MakeClass = Callable[[type, list[tuple[str, Any, Any]]], type]


def our_codec() -> Decode:
    return codec.decode_answer


def to_dicts() -> Decode:
    return orjson.loads


def with_msgspec() -> Decode:
    """The limit: structs that C code fills while it parses."""

    def struct(kind: type, fields: list[tuple[str, Any, Any]]) -> type:
        return msgspec.defstruct(kind.__name__, fields, rename="camel", kw_only=True)

    return msgspec.json.Decoder(_translated(struct)).decode


def with_pydantic() -> Decode:
    def model(kind: type, fields: list[tuple[str, Any, Any]]) -> type:
        config = pydantic.ConfigDict(alias_generator=to_camel)
        definitions: Any = {name: (type_, default) for name, type_, default in fields}
        made: type = pydantic.create_model(kind.__name__, __config__=config, **definitions)
        return made

    decode: Decode = getattr(_translated(model), "model_validate_json")  # noqa: B009 - made at run time
    return decode


def with_stock_cattrs() -> Decode:
    """Our own classes, with the hooks that cattrs makes: only the names in JSON are told to it."""
    converter = make_converter()
    for kind in ANSWERED:
        converter.register_structure_hook(kind, _stock_hook(kind, converter))
    return lambda body: converter.structure(orjson.loads(body), TasksAnswer)


def _stock_hook(kind: type[Any], converter: Converter) -> Callable[[Any, Any], Any]:
    overrides = {a.name: override(rename=to_camel(a.name)) for a in attrs.fields(kind)}
    plain = [a.name for a in attrs.fields(kind) if a.metadata.get("plain")]
    overrides |= {name: override(rename=to_camel(name), struct_hook=lambda value, _: value) for name in plain}
    overrides["extra"] = override(omit=True)
    hook: Callable[[Any, Any], Any] = make_dict_structure_fn(kind, converter, **overrides)  # type: ignore[arg-type]  # names are data here
    return hook


def _translated(make: MakeClass) -> type:
    """The class of the whole answer, and all of its parts, made anew."""
    made: dict[Any, Any] = {}
    for kind in ANSWERED:  # parts before wholes
        attributes = [a for a in attrs.fields(attrs.resolve_types(kind)) if a.name != "extra"]
        made[kind] = make(kind, [(a.name, *_type_and_default(a, made)) for a in attributes])
    whole: type = made[TasksAnswer]
    return whole


def _type_and_default(attribute: attrs.Attribute[Any], made: dict[Any, Any]) -> tuple[Any, Any]:
    """A field's type with the new classes in it, and what stands for a missing one."""
    if attribute.metadata.get("plain"):
        return Any, None
    if get_origin(attribute.type) is tuple:
        item = get_args(attribute.type)[0]
        return tuple[made.get(item, item), ...], ()  # type: ignore[misc]  # made at run time
    if attribute.metadata.get("also_number"):
        return int | None, None
    kind: Any = next((part for part in get_args(attribute.type) if part is not NoneType), attribute.type)
    return made.get(kind, kind) | None, None


DECODERS: dict[str, Callable[[], Decode]] = {
    "ours": our_codec,
    "msgspec": with_msgspec,
    "pydantic": with_pydantic,
    "stock cattrs": with_stock_cattrs,
}


def refuse_unequal(body: bytes) -> None:
    """Nobody wins by reading less: all have to come to the same values.

    Raises:
        AssertionError: one of them does not.
    """
    for name, make in DECODERS.items():
        task = make()(body).tasks[0]
        person = task.contact.data
        seen = (
            int(task.user_id),
            type(task.due_date),
            task.status,
            str(person.phone_numbers[0].country_code),
        )
        raw = orjson.loads(body)["tasks"][0]
        phone = raw["contact"]["data"]["phoneNumbers"][0]
        wanted = (raw["userId"], datetime, TaskStatus(raw["status"]), str(phone["countryCode"]))
        if seen != wanted:
            raise AssertionError(f"{name} read {seen}, not {wanted}")
