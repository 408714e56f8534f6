"""The shared quota's script climbs the same ladder as the local quota, step for step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from gong_tasks_async import QuotaLimits
from gong_tasks_async.quota.ladder import CALM, Ladder
from gong_tasks_async.quota.redis.commands import read_part, translate

lupa = pytest.importorskip("lupa.lua51", reason="needs fakeredis[lua]")

LIMITS = QuotaLimits()
WORLD = """
local call, max, min, floor = nil, math.max, math.min, math.floor
local now, state, ask = 0, {INITIAL}, {}
state.refused_at, ask.spacing, ask.lowest_rung, ask.dice = -1e9, 343333, LOWEST, 0
"""
STEPS = """
return function(step, departed, moment)
  now = moment
  if step == 'accepted' then accepted(departed) else refused(departed) end
  return state.rung, state.run, state.patience, state.trying
end
"""


def script(lowest: int) -> Any:
    source = "\n".join(
        (f"local LOWEST = {lowest}", translate(WORLD), read_part("pace.lua"), translate(STEPS))
    )
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
