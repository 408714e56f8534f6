"""How costs grow, as curves on logarithmic axes: plain SVG, readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

from attrs import frozen

Points = Sequence[tuple[int, float]]

STYLE = """
svg{--ink:#1f2933;--soft:#5f6b7a;--line:#cfd6de;--paper:#fff}
@media (prefers-color-scheme:dark){svg{--ink:#e6e9ee;--soft:#a3adba;--line:#3a424d;--paper:#14171c}}
text{font:11px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:var(--ink)}
.soft{fill:var(--soft);font-size:10px}.bold{font-weight:600;font-size:13px}.end{text-anchor:end}.middle{text-anchor:middle}
"""
COLOURS = (
    "#3b78b5",
    "#d9730d",
    "#2e8b57",
    "#c62828",
    "#8e5bb5",
    "#8c6d46",
    "#d1579b",
    "#6b7280",
    "#a3a31a",
    "#17a2b8",
)
PLOT, LEFT, TOP, GAP, LINE = 360, 50, 40, 70, 17
"""Pixels: a plot's side, what is left and above of it, between two of them, and from one name to the next."""


@frozen
class Growth:
    """One kind of work: its cost against its size."""

    name: str
    seconds: Points
    bytes: Points
    of_time: str
    """The exponent."""
    of_memory: str


def growth_chart(growths: Sequence[Growth]) -> str:
    """Draw two plots, of time and of memory, with a dashed line that is straight growth, and the names below."""
    width, height = LEFT + 2 * PLOT + GAP + 20, TOP + PLOT + 50 + LINE * (len(growths) + 1)
    right = LEFT + PLOT + GAP
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        f"<title>How time and memory grow with the size</title><style>{STYLE}</style>",
        '<rect width="100%" height="100%" rx="8" style="fill:var(--paper)"/>',
        *_plot("CPU seconds", [growth.seconds for growth in growths], LEFT, _amount),
        *_plot(
            "bytes of memory, beyond what was there", [growth.bytes for growth in growths], right, _amount
        ),
        *_names(growths, right),
    ]
    return "\n".join((*drawn, "</svg>\n"))


def _plot(title: str, curves: Sequence[Points], left: int, label: Callable[[int], str]) -> Iterator[str]:
    kept = [[(size, cost) for size, cost in curve if cost > 0] for curve in curves]
    every = [point for curve in kept for point in curve]
    if not every:
        return
    x = _scale([size for size, _ in every], left, left + PLOT)
    y = _scale([cost for _, cost in every], TOP + PLOT, TOP)
    yield _text(left, TOP - 14, title, "bold")
    yield from _grid(x, [size for size, _ in every], lambda at: (at, TOP, at, TOP + PLOT), label)
    yield from _grid(y, [cost for _, cost in every], lambda at: (left, at, left + PLOT, at), label)
    for place, curve in enumerate(kept):
        colour = COLOURS[place % len(COLOURS)]
        dash = ' stroke-dasharray="5 3"' if place >= len(COLOURS) else ""
        path = " ".join(f"{x(size):.1f},{y(cost):.1f}" for size, cost in curve)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>'
        yield from (f'<circle cx="{x(s):.1f}" cy="{y(c):.1f}" r="2.5" fill="{colour}"/>' for s, c in curve)


def _scale(values: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    """From a value to its pixel, by whole powers of ten."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return lambda value: start + (end - start) * (math.log10(value) - low) / max(1, high - low)


def _grid(
    scale: Callable[[float], float],
    values: Sequence[float],
    line: Callable[[float], tuple[float, float, float, float]],
    label: Callable[[int], str],
) -> Iterator[str]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    for power in range(low, high + 1):
        x, y, to_x, to_y = line(scale(10.0**power))
        yield f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" style="stroke:var(--line)"/>'
        yield (
            _text(x, to_y + 14, label(power), "soft middle")
            if x == to_x
            else _text(x - 6, y + 4, label(power), "soft end")
        )


def _names(growths: Sequence[Growth], right: int) -> Iterator[str]:
    top = TOP + PLOT + 50
    yield _text(right, top - 2, "exponent of time", "soft")
    yield _text(right + 120, top - 2, "of memory", "soft")
    for place, growth in enumerate(growths):
        y = top + LINE * (place + 1) - 2
        colour, dash = (
            COLOURS[place % len(COLOURS)],
            ' stroke-dasharray="5 3"' if place >= len(COLOURS) else "",
        )
        yield f'<line x1="{LEFT}" y1="{y - 4}" x2="{LEFT + 26}" y2="{y - 4}" stroke="{colour}" stroke-width="2.5"{dash}/>'
        yield _text(LEFT + 34, y, growth.name)
        yield _text(right, y, growth.of_time)
        yield _text(right + 120, y, growth.of_memory)


def _amount(power: int) -> str:
    """A power of ten in short."""
    names = {0: "", 3: "k", 6: "M", 9: "G"}
    if power < 0:
        return f"{10.0**power:g}"
    unit = power // 3 * 3
    return f"{10 ** (power - unit)}{names.get(unit, f'e{unit}')}"


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>'
