"""The scripts that are part of a run, each with its options in the quick and in the full form."""

from __future__ import annotations

from attrs import frozen

from benchmarks.measure import Scale


@frozen
class Script:
    """What a script is told in each form; None where it has no part in the quick one."""

    quick: str | None
    full: str = ""

    def options(self, scale: Scale) -> list[str] | None:
        """Its options on the command line."""
        chosen = self.full if scale.full else self.quick
        return None if chosen is None else chosen.split()


SCRIPTS = {
    "quota_use": Script("--virtual", "--virtual"),
    "quota_neighbour": Script("--runs 1", "--runs 5"),
    "quota_herd": Script("--quick"),
    "quota_lanes": Script("--arrivals 50 --departures 500"),
    "redis_quota": Script(None, "--seconds 12 --rates 3"),
    "redis_parts": Script(None, "--seconds 120"),
    "jobs_cost": Script(None),
    "companies": Script("--companies 100"),
    "telemetry_cost": Script(""),
    "turn_cost": Script("--blocks 5 --turns 500 --no-file"),
    "bulk_cost": Script(
        "--rows 10000 --journal-rows 3000 --moments 3", "--rows 200000 --journal-rows 30000 --moments 10"
    ),
    "instructions": Script(""),
    "scale": Script(""),
    "latency": Script("--runs 3 --people 5 --listings 1", "--runs 15"),
    "plots": Script(""),
}
AS_TEXT = {
    "quota_grid": "--seconds 3000 --seeds 1 --svg benchmarks/results/full/grid.svg",
    "quota_changes": "",
}
"""Simulations of many minutes, whose text is kept as they print it: only in full, and when they are named."""
APART = ("scale", "plots")
"""Left out of the full form unless they are named: the growth is kept by its own script, the pictures are not kept."""
