"""The shared quota's script climbs the same ladder as the local quota, step for step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from gong_tasks_async import QuotaLimits
from gong_tasks_async.quota.ladder import CALM, Ladder
from gong_tasks_async.quota.redis.commands import read_part

lupa = pytest.importorskip("lupa.lua51", reason="needs fakeredis[lua]")

LIMITS = QuotaLimits()
WORLD = """
local call, max, min, floor, abs = nil, math.max, math.min, math.floor, math.abs
local state = {rung = 0, run = 0, patience = 1, trying = 0, refused_at = -1e9, next = 0, answers = 0, quickest = 1e9}
local ask = {spacing = 343333, lowest_rung = LOWEST, dice = 0}
local now = 0
"""
STEPS = """
return function(step, departed, moment)
  now = moment
  if step == 'accepted' then pace.accepted(departed) else pace.refused(departed) end
  return state.rung, state.run, state.patience, state.trying
end
"""


def script(lowest: int) -> Any:
    source = "\n".join((f"local LOWEST = {lowest}", WORLD, read_part("pace.lua"), STEPS))
    return lupa.LuaRuntime().execute(source)


# So many calls are accepted, and then one is refused.
RUNS = st.lists(st.sampled_from([0, 1, 20, CALM // 4, CALM - 1, CALM, CALM + 1, 3 * CALM]), max_size=20)


@settings(max_examples=40, deadline=None)
@given(RUNS, st.booleans())
@example([0, CALM - 1, CALM, 0, 0, 8 * CALM, 1], True)
@example([0] * 9 + [CALM] * 4, False)
def test_both_climb_alike(runs: list[int], seeking: bool) -> None:
    ladder = Ladder(QuotaLimits(seek_raised_limit=seeking))
    step = script(-9 if seeking else 0)
    now = 10.0
    for run in runs:
        for _ in range(run):
            ladder.accepted(now)
            found = step("accepted", now * 1e6, now * 1e6)
        now += 10
        ladder.refused(now - 1, now)
        found = step("refused", (now - 1) * 1e6, now * 1e6)
        assert found == (ladder.rung, ladder.run, ladder.patience, ladder.trying)
        now += 10
