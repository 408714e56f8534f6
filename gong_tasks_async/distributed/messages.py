"""Messages of the queue: texts and numbers, checked before Docket reads them.

Docket's messages are pickles, and reading a foreign pickle runs foreign code. So no byte out of Redis reaches its
unpickler: the arguments are read here, by an interpreter of the few opcodes that texts and integers need, and what
Docket unpickles was pickled by this process.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from datetime import datetime
from pickletools import genops

from attrs import frozen

ROW = "gong_update_row"
START = "gong_start_job"
FEED = "gong_feed_job"

NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
MOST_BYTES = 1_000
"""Of one argument list: a name of 100 letters and a number need 150."""

LITERALS = {"BININT", "BININT1", "BININT2", "LONG1", "SHORT_BINUNICODE", "BINUNICODE"}
IGNORED = {"PROTO", "FRAME", "MEMOIZE", "STOP"}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2}
EMPTY: dict[str, object] = {"EMPTY_TUPLE": (), "EMPTY_DICT": {}}


@frozen
class RowKey:
    """A job, and the number of one of its rows; 0 for a task about the whole job."""

    job: str
    number: int = 0


def read_arguments(data: bytes) -> object:
    """Read a pickle of texts, integers and tuples of them; nothing else is admitted, and no name is looked up.

    Raises:
        ValueError: it holds anything else.
    """
    if len(data) > MOST_BYTES:
        raise ValueError(f"arguments of {len(data):,} bytes")
    stack: list[object] = []
    for opcode, value, _ in genops(data):
        if opcode.name in LITERALS:
            stack.append(value)
        elif opcode.name in EMPTY:
            stack.append(EMPTY[opcode.name])
        elif opcode.name in TUPLES:
            size = TUPLES[opcode.name]
            stack[-size:] = [tuple(stack[-size:])]
        elif opcode.name not in IGNORED:
            raise ValueError(f"the pickle opcode {opcode.name}")
    if len(stack) != 1:
        raise ValueError("no single value")
    return stack[0]


def check_message(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The message as Docket may read it: checked, and pickled by this process.

    Raises:
        ValueError: it is not a message of this version's tasks.
    """
    try:
        return _checked(fields)
    except KeyError as error:
        raise ValueError(f"no field {error}") from None
    except UnicodeDecodeError:
        raise ValueError("text that is not UTF-8") from None


def row_of_key(key: bytes | str) -> RowKey | None:
    """The row or job that the key of a message names; None if it names none."""
    text = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
    job, _, rest = text.rpartition(":")
    if not NAME.fullmatch(job):
        return None
    if rest in {"start", "feed"}:
        return RowKey(job)
    return RowKey(job, int(rest)) if re.fullmatch(r"[1-9][0-9]{0,9}", rest) else None


def _checked(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    function, key = fields[b"function"].decode(), fields[b"key"]
    arguments = read_arguments(fields[b"args"])
    if read_arguments(fields[b"kwargs"]) != {}:
        raise ValueError("keyword arguments")
    if arguments != _arguments_of(function, key):
        raise ValueError("a function, key and arguments that do not belong together")
    if datetime.fromisoformat(fields[b"when"].decode()).tzinfo is None:
        raise ValueError("a time without a zone")
    return {
        b"key": key,
        b"function": function.encode(),
        b"args": pickle.dumps(arguments),
        b"kwargs": pickle.dumps({}),
        b"when": fields[b"when"],
        b"attempt": _count(fields[b"attempt"], least=1),
        b"generation": _count(fields.get(b"generation", b"0"), least=0),
    }


def _arguments_of(function: str, key: bytes) -> tuple[str | int, ...]:
    row = row_of_key(key)
    suffix = {START: b":start", FEED: b":feed"}.get(function)
    if row is None or (suffix is None and function != ROW):
        raise ValueError(f"the function {function[:50]!r} with the key {key[:120]!r}")
    if suffix is None:
        return (row.job, row.number) if row.number else ()
    return (row.job,) if key.endswith(suffix) else ()


def _count(text: bytes, *, least: int) -> bytes:
    if not re.fullmatch(rb"[0-9]{1,12}", text) or int(text) < least:
        raise ValueError(f"the number {text[:20]!r}")
    return text
