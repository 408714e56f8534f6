"""Both JSON libraries, for tests that run over each: orjson where it is installed, the standard library always."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gong_tasks_async.codec.json_text import standard_dumps, standard_loads

Loads = Callable[[bytes], Any]
Dumps = Callable[[object], bytes]

LIBRARIES = ("orjson", "standard")


def json_library(name: str) -> tuple[Loads, Dumps]:
    """Its two functions; the test is skipped where it is not installed."""
    if name == "standard":
        return standard_loads, standard_dumps
    orjson = pytest.importorskip("orjson")
    return orjson.loads, orjson.dumps
