"""The converter of cattrs: reads strictly, with the path of what is wrong, and writes models in Gong's spelling.

It is imported when something is read in detail or written: the quick readers need none, and cattrs takes a while to import.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import attrs
from cattrs import Converter

from gong_tasks_async.codec.names import gong_name
from gong_tasks_async.codec.structure import STRICT, reader_of, strictly
from gong_tasks_async.codec.unstructure import filter_body, rfc3339, update_body
from gong_tasks_async.models import OpenEnum, TaskFilter, TaskUpdate
from gong_tasks_async.models.answers import ANSWERED
from gong_tasks_async.models.base import Answered


@cache
def converter() -> Converter:
    """The one converter of this package."""
    made = Converter()
    for kind in ANSWERED:
        made.register_structure_hook(kind, strictly(reader_of(kind, STRICT)))
    _register_writers(made)
    return made


def _object_writer(kind: type[Answered], converter: Converter) -> Callable[[Answered], dict[str, Any]]:
    names = [(a.name, gong_name(a.name), a.default) for a in attrs.fields(kind) if a.name != "extra"]

    def write(value: Answered) -> dict[str, Any]:
        fields = {
            key: converter.unstructure(part)
            for name, key, default in names
            if (part := getattr(value, name)) != default
        }
        return fields | dict(value.extra)

    return write


def _register_writers(converter: Converter) -> None:
    """Register the hooks that write models in Gong's spelling, without missing fields."""
    converter.register_unstructure_hook(datetime, rfc3339)
    converter.register_unstructure_hook(TaskFilter, filter_body)
    converter.register_unstructure_hook(TaskUpdate, update_body)
    for kind in ANSWERED:
        converter.register_unstructure_hook(kind, _object_writer(kind, converter))
    for vocabulary in OpenEnum.__subclasses__():
        converter.register_unstructure_hook(vocabulary, str)
    converter.register_unstructure_hook_func(
        lambda kind: kind is tuple, lambda many: [converter.unstructure(v) for v in many]
    )
