"""fakeredis with what every Redis has and it lacks: Lua's ``struct``, as far as the shared quota's script uses it."""

from __future__ import annotations

import struct
from typing import Any

from fakeredis import FakeAsyncRedis, FakeServer
from fakeredis.commands_mixins import scripting_mixin

__all__ = ["FakeAsyncRedis", "FakeServer"]

_plain = scripting_mixin.LUA_MODULE.LuaRuntime


def _pack(form: bytes, *numbers: float) -> bytes:
    return struct.pack(form.decode(), *numbers[: form.count(b"d")])


def _unpack(form: bytes, text: bytes, place: float = 1) -> tuple[float, ...]:
    after = place + struct.calcsize(form.decode())
    return (*struct.unpack_from(form, text, int(place) - 1), after)


def _with_struct(**settings: Any) -> Any:
    lua = _plain(**settings)
    lua.globals()[b"struct"] = lua.table_from({b"pack": _pack, b"unpack": _unpack})
    return lua


scripting_mixin.LUA_MODULE.LuaRuntime = _with_struct  # type: ignore[attr-defined]  # a module chosen at run time
