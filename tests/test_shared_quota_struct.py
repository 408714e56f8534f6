"""The numbers of the shared quota's script where a fake Redis lacks Lua's ``struct``: as Python writes and reads them."""

from __future__ import annotations

import math
import struct
import sys
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from gong_tasks_async.quota.redis.commands import read_part

lupa = pytest.importorskip("lupa.lua51", reason="needs fakeredis[lua]")

NUMBERS = st.floats(allow_nan=False, allow_subnormal=False) | st.integers(-(2**53), 2**53).map(float)


@pytest.fixture(scope="module")
def lua() -> Any:
    return lupa.LuaRuntime(encoding=None).execute(f"{read_part('struct.lua')}\nreturn struct")


@given(st.lists(NUMBERS, min_size=1, max_size=5))
@example([math.inf, -math.inf, 0.0, sys.float_info.min, -sys.float_info.max])
def test_doubles_are_those_of_python(lua: Any, numbers: list[float]) -> None:
    form = f"<{'d' * len(numbers)}"
    numbers = [number + 0.0 for number in numbers]  # no zero below zero
    packed = struct.pack(form, *numbers)
    *found, after = lua[b"unpack"](form.encode(), b"before" + packed + b"behind", 7)
    assert (found, after) == (numbers, 7 + len(packed))
    assert lua[b"pack"](form.encode(), *numbers, 1.0) == packed  # what is more than the form names is left


def test_what_is_no_number_stays_none(lua: Any) -> None:
    damaged = struct.pack("<d", math.nan)
    assert math.isnan(lua[b"unpack"](b"<d", damaged)[0])
    assert math.isnan(struct.unpack("<d", lua[b"pack"](b"<d", math.nan))[0])


def test_a_server_s_own_struct_is_left_alone() -> None:
    runtime = lupa.LuaRuntime(encoding=None)
    runtime.execute("struct = {}")
    assert runtime.execute(f"{read_part('struct.lua')}\nreturn struct == _G.struct")
