"""Rows of JSON: one object a line, or one array of objects."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from attrs import frozen

from gong_tasks_async.cli.input.problems import Problem
from gong_tasks_async.cli.input.records import Found, Record, Table


@frozen
class Pairs:
    """An object as written, so that a repeated name is seen."""

    items: tuple[tuple[str, Any], ...]


@frozen
class Number:
    """A number as written: no digit may be lost."""

    text: str


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


READER = json.JSONDecoder(
    object_pairs_hook=lambda pairs: Pairs(tuple(pairs)),
    parse_int=Number,
    parse_float=Number,
    parse_constant=_refuse_constant,
)


def read_json(text: str) -> Table:
    """Read an array of objects, or an object on each line.

    Raises:
        ValueError: the array cannot be read.
    """
    return Table(tuple(_items(text) if text.lstrip().startswith("[") else _lines(text)))


def _items(text: str) -> Found:
    try:
        items = READER.decode(text.strip())
    except json.JSONDecodeError as error:
        raise ValueError(
            f"its JSON array is broken at line {error.lineno}, column {error.colno} ({error.msg}); "
            "one object on each line, without brackets around them, would do as well"
        ) from None
    except RecursionError:
        raise ValueError("its JSON is nested too deeply to be rows of tasks") from None
    return (_record(f"item {number}", item) for number, item in enumerate(items, 1))


def _lines(text: str) -> Found:
    # Not splitlines(), which also parts at signs that JSON texts may hold.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _read_line(f"line {number}", line)


def _read_line(place: str, line: str) -> Record | Problem:
    try:
        return _record(place, READER.decode(line.strip()))
    except json.JSONDecodeError as error:
        return Problem(place, f"is not JSON: {error.msg} at column {error.colno}")
    except ValueError as error:
        return Problem(place, f"is not JSON: {error}")
    except RecursionError:
        return Problem(place, "is nested too deeply to be a row")


def _record(place: str, item: object) -> Record | Problem:
    if not isinstance(item, Pairs):
        return Problem(
            place, f'is {_named(item)} and no object: write it as {{"taskId": ..., "userId": ...}}'
        )
    names = tuple(name for name, _ in item.items)
    return Record(place, names, tuple(_as_text(value) for _, value in item.items))


def _as_text(value: object) -> str:
    """A value as the text of a cell; of a nested one, its kind, for the message."""
    match value:
        case str():
            return value
        case Number(text):
            return text
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return f"<{_named(value)}>"


def _named(value: object) -> str:
    match value:
        case list():
            return "a list"
        case Pairs():
            return "an object"
        case None:
            return "null"
        case _:
            return "a plain value"


def looks_like_json(text: str) -> bool:
    """Whether a text is JSON; no CSV begins so."""
    return text.lstrip()[:1] in ("{", "[")
