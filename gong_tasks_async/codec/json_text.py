"""JSON text <-> plain values: orjson where it is installed (the extra ``speed``), the standard library otherwise."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NoReturn

__all__ = ["dumps", "loads", "loads_leniently", "standard_dumps", "standard_loads"]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"{text} is beyond a double")
    return number


DOUBLE_DIGITS = 309
"""Of the largest double; orjson refuses a whole number that is longer."""


def _double_or_less(text: str) -> int:
    if len(text.lstrip("-")) > DOUBLE_DIGITS:
        raise ValueError(f"a whole number of {len(text)} digits is beyond a double")
    return int(text)


MAX_DIGITS = 20
"""Of a whole number and its sign; 64 bits have no more."""
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
MAX_DEPTH = 100
"""Levels that are read of a text which is nested beyond what a parser takes: some 1,000. Gong's have six."""
TO_BRACKET = re.compile(r'[^"\[\]{}]*+(?:"(?:[^"\\]++|\\.)*+"[^"\[\]{}]*+)*+[\[\]{}]', re.DOTALL)


def standard_loads(text: bytes) -> Any:
    """Parse with the standard library, as strictly as orjson does.

    Raises:
        ValueError: it is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        value = json.loads(
            str(text, "utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_double_or_less,
        )
        if SURROGATE.search(text):
            standard_dumps(value)  # a UnicodeEncodeError, which is a ValueError, where one has no partner
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def loads_leniently(text: bytes) -> Any:
    """Parse what a strict parser refuses for one number or character; None where it is not JSON either way.

    A number beyond all bounds, and NaN, become their text, so that a reader of numbers reports them. A byte that is not
    UTF-8 becomes U+FFFD, half of a surrogate pair a question mark; a byte order mark is skipped. Of what is nested too
    deeply to be parsed, the upper levels are read.
    """
    decoded = str(text, "utf-8-sig", "replace")
    try:
        try:
            return _loads_paired(decoded)
        except RecursionError:
            return _loads_paired(_upper_levels(decoded))
    except ValueError:
        return None


def _loads_paired(text: str) -> Any:
    value = _loads_any(text)
    if SURROGATE.search(text.encode()):  # half of a pair could be neither written nor shown
        value = _loads_any(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode())
    return value


def _upper_levels(text: str) -> str:
    """A JSON text with ``null`` in the place of what lies deeper than ``MAX_DEPTH``.

    Raises:
        ValueError: it ends down there.
    """
    kept: list[str] = []
    depth = position = begins = 0
    while found := TO_BRACKET.match(text, position):
        position = found.end()
        depth += 1 if text[position - 1] in "[{" else -1
        if depth == MAX_DEPTH + 1 and text[position - 1] in "[{":
            kept.append(text[begins : position - 1])
        elif depth == MAX_DEPTH and text[position - 1] in "]}":
            kept.append("null")
            begins = position
    if depth > MAX_DEPTH:
        raise ValueError("brackets that are not closed")
    return "".join(kept) + text[begins:]


def _loads_any(text: str) -> Any:
    return json.loads(
        text, strict=False, parse_int=_bounded_integer, parse_float=_bounded_float, parse_constant=str
    )


def _bounded_integer(text: str) -> int | str:
    return int(text) if len(text) <= MAX_DIGITS else text


def _bounded_float(text: str) -> float | str:
    return text if math.isinf(number := float(text)) else number


def standard_dumps(value: object) -> bytes:
    """Write compact UTF-8 with the standard library, as orjson does."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


loads: Callable[[bytes], Any] = standard_loads
dumps: Callable[[object], bytes] = standard_dumps

if find_spec("orjson") is not None:
    import orjson

    loads, dumps = orjson.loads, orjson.dumps
