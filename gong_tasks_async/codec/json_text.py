"""JSON text <-> plain values: orjson where it is installed (the extra ``speed``), the standard library otherwise."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NoReturn

__all__ = ["dumps", "loads", "loads_any_number", "standard_dumps", "standard_loads"]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"{text} is beyond a double")
    return number


SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def standard_loads(text: bytes) -> Any:
    """Parse with the standard library, as strictly as orjson does.

    Raises:
        ValueError: it is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        value = json.loads(str(text, "utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if SURROGATE.search(text):
        standard_dumps(value)  # a UnicodeEncodeError, which is a ValueError, where one has no partner
    return value


def loads_any_number(text: bytes) -> Any:
    """Parse what a strict parser refuses for one of its numbers; None where it is not JSON either way."""
    try:
        return json.loads(str(text, "utf-8"), parse_int=float, parse_float=float, parse_constant=float)
    except (ValueError, RecursionError):
        return None


def standard_dumps(value: object) -> bytes:
    """Write compact UTF-8 with the standard library, as orjson does."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


loads: Callable[[bytes], Any] = standard_loads
dumps: Callable[[object], bytes] = standard_dumps

if find_spec("orjson") is not None:
    import orjson

    loads, dumps = orjson.loads, orjson.dumps
