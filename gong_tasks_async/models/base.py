"""What all response models have, and how their fields are marked for the codec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeAlias, TypeVar, cast

from attrs import field, frozen

T = TypeVar("T")

JsonValue: TypeAlias = str | int | float | bool | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None

# Marks a text that Gong also sends as a JSON number.
ID = {"also_number": True}

# Marks a field that is carried through as plain JSON.
PLAIN = {"plain": True}

# Marks a field whose wrong type is always an error: a listing that ends early must not look complete.
ESSENTIAL = {"essential": True}

# Marks a field that Gong leaves out of many responses, such as a title, which only tasks made by hand have.
OFTEN_ABSENT = {"often_absent": True}


class _Nothing(dict[str, "JsonValue"]):
    """An empty, immutable mapping that all objects share, and that stays a singleton through pickling."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("extra is read-only: it holds what Gong sent")

    if not TYPE_CHECKING:  # of another signature: they refuse whatever they are given
        __setitem__ = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> str:
        return "NOTHING"


NOTHING: Mapping[str, JsonValue] = _Nothing()


@frozen(kw_only=True)
class Answered:
    """Base of all response models.

    Attributes:
        extra: what Gong sent beyond its reference, and raw values that could not be read, as plain JSON.
    """

    extra: Mapping[str, JsonValue] = field(default=NOTHING, repr=False, hash=False)


def mutable_class(kind: type[T]) -> type[T]:
    """Derive a mutable class of a frozen one, created empty, to whose objects fields are assigned before they are frozen.

    A frozen class of attrs pays for each field when it is made: eight times what a plain assignment costs. An object of this
    class, which adds no slots, gets the frozen one by ``__class__`` when it is complete, at a fifteenth.
    """
    # All of these methods: the interpreter takes its fast paths only if none is the frozen class's own.
    open_ways = {name: getattr(object, name) for name in ("__init__", "__setattr__", "__delattr__")}
    return cast("type[T]", type(f"{kind.__name__}Draft", (kind,), {"__slots__": (), **open_ways}))
