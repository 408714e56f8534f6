"""Values of no known type, such as parsed JSON, narrowed to what they are: the one place where their parts may be anything.

``isinstance(value, dict)`` leaves the types of keys and values unknown to type checkers; these state them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Generator, Hashable, Iterable, Mapping
from os import PathLike
from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a parsed value is a JSON object, whose names are texts."""
    return isinstance(value, dict)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether a value is a mapping."""
    return isinstance(value, Mapping)


def is_iterable(value: object) -> TypeGuard[Iterable[Any]]:
    """Whether a value can be iterated over."""
    return isinstance(value, Iterable)


def is_hashable(value: object) -> TypeGuard[Hashable]:
    """Whether a value can be a key."""
    return isinstance(value, Hashable)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a value is a list, such as a JSON array."""
    return isinstance(value, list)


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether a value is a tuple."""
    return isinstance(value, tuple)


def is_collection(value: object) -> TypeGuard[Collection[Any]]:
    """Whether a value is one of the built-in collections of single values."""
    return isinstance(value, tuple | list | set | frozenset)


def is_path(value: object) -> TypeGuard[str | PathLike[str]]:
    """Whether a value names a file or folder."""
    return isinstance(value, str | PathLike)


def is_generator(value: object) -> TypeGuard[Generator[Any, Any, Any]]:
    """Whether a value is a generator, which can be closed."""
    return isinstance(value, Generator)


def is_async_generator(value: object) -> TypeGuard[AsyncGenerator[Any, Any]]:
    """Whether a value is an async generator, which can be closed."""
    return isinstance(value, AsyncGenerator)
