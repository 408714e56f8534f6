"""A forecast in words, in bars of text and in numbers."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from gong_tasks_async.bulk.render.format import counted, duration
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.simulation import Forecast, Scenario, Slice

if TYPE_CHECKING:
    from gong_tasks_async.models import JsonValue

BLOCKS, SIGNS = " ▁▂▃▄▅▆▇█", " .:-=+*#@"
"""From none to the most; the second for terminals that have no block elements."""


def facts(forecast: Forecast, scenario: Scenario) -> dict[str, str]:
    """What would happen, for people."""
    found = {"Bulk job": _job(forecast)} if scenario.rows else {}
    if scenario.calls_a_minute:
        found["Interactive"] = _people(forecast)
    found["429s"] = _share(forecast.rate_limited, forecast.calls)
    if scenario.neighbours:
        found["Neighbours"] = f"{_share(forecast.neighbour_rate_limited, forecast.neighbour_calls)} were 429s"
    pace = f"{forecast.used:.0%} of {scenario.limits.per_second:g} calls a second"
    found["Limit"] = f"{pace}; at most {forecast.most_in_a_second} of ours in any second"
    per_day = scenario.limits.per_day
    allowed = "" if per_day is None else f" of {per_day:,}"
    found["Day"] = f"{forecast.day_used:,}{allowed} calls count at the end"
    return found


def _job(forecast: Forecast) -> str:
    took = duration(forecast.seconds)
    again = f", in {counted(forecast.runs, 'run')}" if forecast.runs > 1 else ""
    if forecast.finished:
        return f"{counted(forecast.rows, 'row')} done in {took}{again}"
    return f"{forecast.settled:,} of {counted(forecast.rows, 'row')} done after {took}{again}"


def _people(forecast: Forecast) -> str:
    calls = counted(len(forecast.waits) + forecast.unanswered, "call")
    failed = f"; {forecast.unanswered:,} failed" if forecast.unanswered else ""
    if not forecast.waits:
        return f"{calls}{failed}"
    waits = f"{duration(forecast.wait(0.5))} median, {duration(forecast.wait(0.99))} for 99 %"
    return f"{calls}; wait {waits}, {duration(forecast.waits[-1])} longest{failed}"


def _share(part: int, whole: int) -> str:
    share = f" ({1000 * part / whole:.1f} of 1,000)" if part else ""
    return f"{part:,} of {counted(whole, 'call')}{share}"


def bars(forecast: Forecast) -> dict[str, str]:
    """The course of the time, a sign for each part of it."""
    rows = {
        "Bulk calls": [each.bulk for each in forecast.slices],
        "Interactive calls": [each.interactive for each in forecast.slices],
        "Neighbours' calls": [each.neighbours for each in forecast.slices],
        "429s over time": [each.rate_limited for each in forecast.slices],
    }
    width = forecast.seconds / max(1, len(forecast.slices))
    return {
        name: f"{_bar(counts)} up to {max(counts):,} in {duration(width)}"
        for name, counts in rows.items()
        if any(counts)
    }


def _bar(counts: Sequence[int]) -> str:
    signs = BLOCKS if _has_blocks() else SIGNS
    top = max(counts)
    # Rounded up, so that a single call shows.
    return "".join(signs[-(-count * (len(signs) - 1) // top)] for count in counts)


def _has_blocks() -> bool:
    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def numbers(forecast: Forecast) -> Mapping[str, JsonValue]:
    """What would happen, for programs; times in seconds."""
    return {
        "finished": forecast.finished,
        "seconds": round(forecast.seconds, 3),
        "rows": forecast.rows,
        "settled": forecast.settled,
        "runs": forecast.runs,
        "calls": forecast.calls,
        "rate_limited": forecast.rate_limited,
        "interactive_calls": len(forecast.waits) + forecast.unanswered,
        "interactive_failed": forecast.unanswered,
        "wait_p50": round(forecast.wait(0.5), 3),
        "wait_p99": round(forecast.wait(0.99), 3),
        "wait_longest": round(forecast.wait(1.0), 3),
        "neighbour_calls": forecast.neighbour_calls,
        "neighbour_rate_limited": forecast.neighbour_rate_limited,
        "most_in_a_second": forecast.most_in_a_second,
        "used": round(forecast.used, 4),
        "day_used": forecast.day_used,
        "timeline": [_slice(each) for each in forecast.slices],
    }


def _slice(part: Slice) -> JsonValue:
    return {
        "starts": round(part.starts, 3),
        "bulk": part.bulk,
        "interactive": part.interactive,
        "neighbours": part.neighbours,
        "rate_limited": part.rate_limited,
        "longest_wait": round(part.longest_wait, 3),
    }


def _column(name: str) -> Column[Mapping[str, JsonValue]]:
    return Column(name, lambda found: str(found[name]))


NUMBERS: Final = Layout[Mapping[str, "JsonValue"]](
    what="forecasts",
    to_json=lambda found: found,
    csv=[
        _column(name)
        for name in (
            *("finished", "seconds", "rows", "settled", "runs", "calls", "rate_limited"),
            *("interactive_calls", "interactive_failed", "wait_p50", "wait_p99", "wait_longest"),
            *("neighbour_calls", "neighbour_rate_limited", "most_in_a_second", "used", "day_used"),
        )
    ],
    table=(),
)
