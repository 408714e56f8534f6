"""A forecast as a picture: SVG, without script or fonts of its own."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from gong_tasks_async.bulk.render.format import counted, duration
from gong_tasks_async.simulation import Forecast, Scenario, Slice

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT = 60, 750
CALLS, WAITS = (60, 240), (280, 340)
"""The upper and the lower edge of the two plots."""
GAP = 0.86
"""The part of its place that a bar fills."""
KINDS = ("bulk", "interactive", "neighbours", "rate_limited")
LABELS = ("bulk", "interactive", "neighbours", "429")
STYLE = """
svg { background: #fff; font: 12px system-ui, sans-serif; }
text { fill: #222; } .axis { stroke: #bbb; }
.bulk { fill: #4878a8; } .interactive { fill: #59a14f; } .neighbours { fill: #bab0ab; } .rate_limited { fill: #d1495b; }
.wait { fill: #b07aa1; }
"""


def forecast_svg(forecast: Forecast, scenario: Scenario) -> str:
    """Draw calls and waits over time."""
    width = forecast.seconds / max(1, len(forecast.slices))
    per_second = [sum(_calls(each)) / width if width else 0.0 for each in forecast.slices]
    top = max(scenario.limits.per_second, *per_second)
    longest = max((each.longest_wait for each in forecast.slices), default=0.0)
    parts = (
        f'<text x="{LEFT}" y="20" font-size="14">{escape(_title(forecast, scenario))}</text>',
        *_key(),
        *_axis(CALLS, f"{top:.1f}/s", "0"),
        _limit_line(scenario.limits.per_second / top),
        *(
            bar
            for place, each in enumerate(forecast.slices)
            for bar in _calls_bar(place, each, width, top, forecast)
        ),
        *(_waits(forecast, longest) if scenario.calls_a_minute else ()),
        *_times(forecast.seconds),
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>Calls to Gong over time, simulated</title><style>{STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _title(forecast: Forecast, scenario: Scenario) -> str:
    job = f"{counted(forecast.settled, 'row')} in {duration(forecast.seconds)}" if scenario.rows else ""
    calls = f"{counted(forecast.calls, 'call')}, {forecast.rate_limited:,} answered 429"
    return "; ".join(filter(None, (job, calls)))


def _calls(part: Slice) -> tuple[int, ...]:
    return tuple(getattr(part, kind) for kind in KINDS)


def _place(place: int, count: int) -> tuple[float, float]:
    """From the left, and how wide."""
    step = (RIGHT - LEFT) / count
    return LEFT + place * step, step * GAP


def _calls_bar(place: int, part: Slice, seconds: float, top: float, forecast: Forecast) -> Iterator[str]:
    left, wide = _place(place, len(forecast.slices))
    upper, lower = CALLS
    y = float(lower)
    for kind, label, count in zip(KINDS, LABELS, _calls(part), strict=True):
        if count:
            tall = (lower - upper) * count / (top * seconds)
            y -= tall
            yield (
                f'<rect class="{kind}" x="{left:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}">'
                f"<title>{label}: {count:,} in {duration(seconds)}</title></rect>"
            )


def _waits(forecast: Forecast, longest: float) -> Iterator[str]:
    upper, lower = WAITS
    yield from _axis(WAITS, duration(longest), "0")
    yield f'<text x="{LEFT}" y="{upper - 8}">longest wait of an interactive call</text>'
    for place, part in enumerate(forecast.slices):
        left, wide = _place(place, len(forecast.slices))
        tall = (lower - upper) * part.longest_wait / longest if longest else 0.0
        yield (
            f'<rect class="wait" x="{left:.1f}" y="{lower - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}">'
            f"<title>{duration(part.longest_wait)}</title></rect>"
        )


def _limit_line(share: float) -> str:
    y = CALLS[1] - (CALLS[1] - CALLS[0]) * share
    return (
        f'<line class="axis" stroke-dasharray="4 3" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{RIGHT}" y="{y - 3:.1f}" text-anchor="end">the limit</text>'
    )


def _axis(edges: tuple[int, int], above: str, below: str) -> Iterator[str]:
    for y, label in zip(edges, (above, below), strict=True):
        yield f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{label}</text>'


def _key() -> Iterator[str]:
    for place, (kind, label) in enumerate(zip(KINDS, LABELS, strict=True)):
        x = LEFT + 110 * place
        yield f'<rect class="{kind}" x="{x}" y="32" width="10" height="10"/><text x="{x + 15}" y="41">{label}</text>'


def _times(seconds: float) -> Iterator[str]:
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        x = LEFT + (RIGHT - LEFT) * share
        yield f'<text x="{x:.1f}" y="{WAITS[1] + 22}" text-anchor="{anchor}">{duration(share * seconds)}</text>'
