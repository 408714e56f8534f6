"""Rows of JSON: objects one after the other, on a line each or over several, or arrays of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from attrs import frozen

from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.cli.input.columns import Column, column_of
from gong_tasks_async.cli.input.problems import Problem
from gong_tasks_async.cli.input.records import Found, Record, Table
from gong_tasks_async.errors.kinds import is_list


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


NOT_BLANK = re.compile(r"\S")
OBJECT_LINE = re.compile(r"\n(?=\{)")
"""Where an object begins a line, as all programs write them that write one after the other."""


def read_json(text: str) -> Table:
    """Read objects one after the other, arrays of them, or Gong's own answers to listings.

    Raises:
        ValueError: the array cannot be read.
    """
    if not text.lstrip().startswith("["):
        return Table(_objects(text), lines=text.count("\n"))
    items = list(_items(text))
    return Table((_record(f"item {number}", item) for number, item in enumerate(items, 1)), lines=len(items))


def _items(text: str) -> Iterator[object]:
    position = 0
    try:
        while (start := _next(text, position)) < len(text):
            value, position = READER.raw_decode(text, start)
            yield from _rows(value)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"its JSON array is broken at line {error.lineno}, column {error.colno} ({error.msg}); "
            "one object on each line, without brackets around them, would do as well"
        ) from None
    except RecursionError:
        raise ValueError("its JSON is nested too deeply to be rows of tasks") from None


def _rows(value: object) -> Sequence[object]:
    """The rows that a value holds: an array's items, the tasks of an answer of Gong's, or itself."""
    if isinstance(value, Pairs) and is_list(tasks := dict(value.items).get("tasks")):
        return tasks
    return value if is_list(value) else [value]


def _objects(text: str) -> Found:
    """The values of a text, each with the line that it begins on; after an unreadable one, from the next line."""
    position, line = 0, 1
    while (start := _next(text, position)) < len(text):
        line += text.count("\n", position, start)
        place = f"line {line}"
        try:
            item, end = READER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            yield Problem(place, _reason(error, text, start))
            end = _resume(text, start, error)
        else:
            yield from (_record(place, row) for row in _rows(item))
        line += text.count("\n", start, end)
        position = end


def _next(text: str, position: int) -> int:
    """Where the next value begins."""
    found = NOT_BLANK.search(text, position)
    return found.start() if found else len(text)


def _resume(text: str, start: int, error: Exception) -> int:
    """Where reading resumes: at the next line that begins an object, after what cannot be read."""
    broken = error.pos if isinstance(error, json.JSONDecodeError) else start
    following = OBJECT_LINE.search(text, min(broken, len(text)))
    return following.start() + 1 if following else len(text)


def _reason(error: Exception, text: str, start: int) -> str:
    match error:
        case RecursionError():
            return "is nested too deeply to be a row"
        case json.JSONDecodeError(msg=message, pos=position):
            begin = text.rfind("\n", 0, position) + 1
            line = text.count("\n", start, position)
            column = position - begin + 1
            below = f", {counted(line, 'line')} below" if line else ""
            return f"is not JSON: {message} at column {column}{below}"
        case _:
            return f"is not JSON: {error}"


def _record(place: str, item: object) -> Record | Problem:
    if not isinstance(item, Pairs):
        return Problem(
            place, f'is {_named(item)} and no object: write it as {{"taskId": ..., "userId": ...}}'
        )
    names = tuple(name for name, _ in item.items)
    return Record(place, names, tuple(_cell(name, value) for name, value in item.items))


def _cell(name: str, value: object) -> str:
    """A field as the text of a cell; of a priority as Gong answers it, its name."""
    if isinstance(value, Pairs) and column_of(name) is Column.PRIORITY:
        value = dict(value.items).get("name")
    return _as_text(value)


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
