"""Several real processes, a real Redis, and the simulator's strictest rule, over sockets.

``GONG_SHARED_QUOTA_SECONDS=30`` measures for so long, and holds the figures to the aims; that wants a machine with
nothing else to do. Without it, a busy machine shall be no failure: what it spoils is tried again.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from gong_tasks_async.simulator import Entry, Fault
from tests.redis_server import RedisServer
from tests.shared_quota_crew import LATENCY, Crew, Measured, crew

STRICT = "GONG_SHARED_QUOTA_SECONDS" in os.environ
SECONDS = float(os.environ.get("GONG_SHARED_QUOTA_SECONDS", "6"))
ATTEMPTS = 1 if STRICT else 10
MOST_REFUSED = 0.05 if STRICT else 0.5
"""The share of calls that a Redis which was away may cost; a machine that stands still lets calls arrive in bunches."""


def measured(team: Crew, is_well: Callable[[Measured], bool]) -> Measured:
    """The first stretch of time in which all went well."""
    for _ in range(ATTEMPTS):
        seen = team.measure(SECONDS)
        if is_well(seen):
            return seen
    raise AssertionError(seen)


def is_fair(calls: tuple[int, ...]) -> bool:
    fair = sum(calls) / len(calls)
    return all(fair / 2 <= each <= 2 * fair for each in calls)


def is_used_well(seen: Measured) -> bool:
    """Whether they call as often as they may; a busy machine does not get round to it."""
    return seen.used >= (0.93 if STRICT else 0.2)


@pytest.mark.parametrize("per_second", [3.0, 300.0] if STRICT else [3.0, 60.0])
def test_four_processes_use_the_limit_together_and_share_it_evenly(
    redis_server: RedisServer, per_second: float
) -> None:
    with crew(redis_server, per_second=per_second) as team:
        team.start(4)
        measured(
            team,
            lambda seen: (
                is_fair(seen.by_process)
                and is_used_well(seen)
                and seen.steps <= (1.2 if STRICT else 1.5) * seen.turns + 4
                and seen.refused <= (SECONDS / 30 if STRICT else max(2, seen.turns * 0.05))
            ),
        )
        team.end()


@pytest.mark.parametrize("kept", ["nothing", "everything"])
def test_a_redis_that_is_killed_and_started_again_stops_nobody_for_good(
    redis_server: RedisServer, kept: str
) -> None:
    if kept == "everything":
        redis_server.kill()
        redis_server.settings = ("--appendonly", "yes", "--appendfsync", "always")
        redis_server.start()
    with crew(redis_server, per_second=60.0) as team:
        team.start(4)
        redis_server.kill()
        before = team.still_after(1.5)
        redis_server.start()
        restarted_at = len(team.engine.ledger.entries)
        team.wait_for(lambda: all(team.calls_of(place) > before[place] + 20 for place in range(4)))
        counts = team.end()
    assert all(count["unavailable"] > 0 for count in counts)
    after = team.engine.ledger.entries[restarted_at:]
    assert sum(entry.refused for entry in after) <= max(2, MOST_REFUSED * len(after))


def test_alone_the_processes_go_on_with_their_shares_while_redis_is_away(redis_server: RedisServer) -> None:
    with crew(redis_server, per_second=60.0, fail="local", local_share=0.25) as team:
        team.start(4)
        redis_server.kill()
        before = [team.calls_of(place) for place in range(4)]
        team.wait_for(lambda: all(team.calls_of(place) > before[place] + 10 for place in range(4)))
        redis_server.start()
        steps = team.steps()
        team.wait_for(lambda: team.steps() > steps + 100)
        counts = team.end()
    assert all("unavailable" not in count for count in counts)
    assert team.engine.ledger.refused <= max(2, MOST_REFUSED * team.engine.ledger.calls)


def test_a_process_that_is_killed_leaves_its_part_to_the_others(redis_server: RedisServer) -> None:
    with crew(redis_server, per_second=60.0) as team:
        team.start(4)
        team.kill(0)
        seen = measured(team, lambda seen: is_fair(seen.by_process[1:]) and is_used_well(seen))
        team.end()
    assert seen.by_process[0] <= 1


def test_a_refusal_that_one_process_sees_silences_all(redis_server: RedisServer) -> None:
    with crew(redis_server, per_second=60.0) as team:
        team.start(4)
        assert any(calls_in_a_pause(team) == [] for _ in range(ATTEMPTS))
        team.end()


def calls_in_a_pause(team: Crew) -> list[Entry]:
    """Which calls came in the five seconds after a refusal, but for those that had left before anybody could know."""
    entries = team.engine.ledger.entries
    before = len(entries)

    def refused() -> Entry | None:
        return next((entry for entry in entries[before:] if entry.fault is Fault.TOO_MANY), None)

    team.engine.inject_fault(Fault.TOO_MANY, retry_after="5")
    team.wait_for(lambda: refused() is not None)
    refusal = refused()
    assert refusal is not None
    team.wait_for(lambda: entries[-1].arrived > refusal.arrived + 5.0)
    on_their_way = 0.5 if not STRICT else 2 * LATENCY[1]
    return [
        entry for entry in entries if refusal.arrived + on_their_way < entry.arrived < refusal.arrived + 5.0
    ]
