"""Damage for bytes, JSON and SQLite files, drawn from one random generator, so that a seed replays it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

TOKENS: Sequence[bytes] = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",  # half of a surrogate pair
    b"\xef\xbb\xbf",
    "\u202e\x9b\u2028".encode(),
    b'"',
    b"\\",
    b"\\ud800",
    b"\\u0000",
    b"[" * 3000,
    b'{"a":' * 1500,
    b"]}",
    b"null",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"9" * 400,
    b"-9223372036854775809",
    b"0x10",
    b",,;;\t\t",
    b"\r\n\r",
    b"' OR 1=1 --",
    b"=cmd|' /C calc'!A0",
    b"0001-01-01T00:00:00Z",
    b"9999-12-31T23:59:60+14:00",
)
VALUES: Sequence[Any] = (
    None,
    True,
    0,
    -1,
    2**63,
    -(2**200),
    10**400,
    1.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "\x00",
    "\ud800",
    "\u202e[/x]",
    "x" * 70_000,
    "9" * 5_000,
    "0001-01-01T00:00:00+14:00",
    [],
    {},
    [[]],
    [None] * 50,
    {"": None},
    {"__class__": "x", "kind": "GongError", "v": 2},
)
"""What stands where another value is expected."""


def damage(data: bytes, chance: Random, others: Sequence[bytes]) -> bytes:
    """Apply a few mutations; where it is JSON, half of the time to its values."""
    if chance.random() < 0.5:
        with suppress(ValueError, RecursionError):
            return spoil_json(data, chance)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        data = chance.choice(MUTATIONS)(data, chance, others)
    return data[:200_000]


def spoil_json(data: bytes, chance: Random) -> bytes:
    """Put odd values into some places of a JSON document.

    Raises:
        ValueError: it is none.
    """
    root = [json.loads(data)]
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        holder, key = chance.choice(list(_places(root)))
        if chance.random() < 0.15 and isinstance(holder, dict):
            holder[chance.choice(("", "\x00", "x" * 1000, str(key).upper()))] = holder.pop(key)
        else:
            holder[key] = deepcopy(chance.choice(VALUES))
    return json.dumps(root[0], ensure_ascii=chance.random() < 0.5).encode(errors="surrogatepass")


def spoil_table(path: Path, table: str, chance: Random) -> None:
    """Put odd values into some cells of a table, whatever its schema says of them."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA ignore_check_constraints=ON")
        database.execute("PRAGMA synchronous=OFF")
        columns = [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")]
        for _ in range(chance.choice((1, 1, 2, 5))):
            value = chance.choice((*VALUES, *TOKENS))
            if isinstance(value, list | dict):
                value = json.dumps(value)
            elif isinstance(value, int) and abs(value) >= 2**63:
                value = float(min(value, 10**300))
            elif isinstance(value, str):
                value = value.encode(errors="surrogatepass")
                value = value.decode(errors="replace") if chance.random() < 0.8 else value
            where = f"{chance.choice(columns)}=?"
            some = f"rowid % {chance.randint(1, 3)} = 0"  # several, so that more than one row is read
            with suppress(sqlite3.Error):  # NOT NULL, UNIQUE
                database.execute(f"UPDATE {table} SET {where} WHERE {some}", (value,))  # noqa: S608 - our names
        database.commit()


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        pairs = list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))
        found += [(holder, key) for key, _ in pairs]
        waiting += [item for _, item in pairs if isinstance(item, dict | list)]
    return found


def _span(data: bytes, chance: Random) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((1, 1, 2, 4, 16, 64, 4096)))


def _flip(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    if not data:
        return b"\x80"
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def _insert(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    place, _end = _span(data, chance)
    return data[:place] + chance.choice(TOKENS) + data[place:]


def _replace(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + chance.choice(TOKENS) + data[end:]


def _delete(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def _repeat(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(data, chance)
    return data[:end] + data[start:end] * chance.choice((1, 2, 50)) + data[end:]


def _cut(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _zero(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + bytes(end - start) + data[end:]


def _splice(data: bytes, chance: Random, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others)
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


MUTATIONS: Sequence[Callable[[bytes, Random, Sequence[bytes]], bytes]] = (
    _flip,
    _insert,
    _replace,
    _delete,
    _repeat,
    _cut,
    _zero,
    _splice,
)
