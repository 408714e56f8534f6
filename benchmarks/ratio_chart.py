"""The ratios as bars with their intervals, the target as a line: plain SVG, readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

from benchmarks.measure import Comparison, Figure
from benchmarks.targets import OUR_LABEL, TARGETS

OUR_LABELS = (OUR_LABEL, "iter_tasks", "list_tasks", "gong_tasks_async", "GongTasksClient")
STYLE = """
svg{--ink:#1f2933;--soft:#5f6b7a;--line:#cfd6de;--paper:#fff;--ours:#3b78b5;--others:#b8c4cf;--control:#e3e7eb;--limit:#c62828}
@media (prefers-color-scheme:dark){svg{--ink:#e6e9ee;--soft:#a3adba;--line:#3a424d;--paper:#14171c;--ours:#6ea8e0;--others:#56616d;
--control:#39414b;--limit:#ff7b7b}}
text{font:11px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:var(--ink)}
.soft{fill:var(--soft);font-size:10px}.bold{font-weight:600;font-size:12px}.end{text-anchor:end}
"""
WIDTH, LABELS, BAR, LINE, HEAD = 860, 230, 13, 18, 46
"""Pixels: the picture, the names, a bar, a bar with what parts it from the next, and what is above the first."""
LONGEST = WIDTH - LABELS - 110
WIDE = 30.0
"""Where the dearest costs so many times the cheapest, bars are drawn to a logarithmic scale."""


def ratio_chart(comparisons: Sequence[Comparison]) -> str:
    """Draw all comparisons below each other, the cheapest contender first."""
    drawn: list[str] = []
    top = 0
    for comparison in comparisons:
        if len(comparison.costs) > 1:
            drawn += _comparison(comparison, top)
            top += HEAD + LINE * len(comparison.costs)
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 12}" width="{WIDTH}" role="img">',
        f"<title>What the contenders cost</title><style>{STYLE}</style>",
        '<rect width="100%" height="100%" rx="8" style="fill:var(--paper)"/>',
    ]
    return "\n".join((*head, *drawn, "</svg>\n"))


def _comparison(comparison: Comparison, top: int) -> Iterator[str]:
    figures = sorted(
        ((name, comparison.figure(name)) for name in comparison.costs), key=lambda item: item[1].value
    )
    values = [figure.value for _, figure in figures]
    is_wide = max(values) > WIDE * min(values)
    length = _logarithmic(values) if is_wide else _linear(values)
    measure = f"over {comparison.base}" if comparison.base else comparison.unit
    scale = "; lengths are logarithms" if is_wide else ""
    yield _text(14, top + 28, f"{comparison.name} ({measure}{scale})", "bold")
    bottom = top + HEAD - 10 + LINE * len(figures)
    for place, (name, figure) in enumerate(figures):
        yield from _bar(name, figure, top + HEAD - 10 + LINE * place, length)
    for target in TARGETS:
        if target.comparison == comparison.name and target.bound and target.over in {None, comparison.base}:
            x = LABELS + length(target.bound)
            yield _line(x, top + HEAD - 12, x, bottom, "limit", ' stroke-dasharray="4 3"')


def _bar(name: str, figure: Figure, y: int, length: Callable[[float], float]) -> Iterator[str]:
    low, high, end = (LABELS + length(value) for value in (figure.low, figure.high, figure.value))
    yield _text(LABELS - 8, y + BAR - 2, name, "end")
    yield f'<rect x="{LABELS}" y="{y}" width="{end - LABELS:.1f}" height="{BAR}" style="fill:var(--{_colour(name)})"/>'
    yield _line(low, y + BAR / 2, high, y + BAR / 2, "ink")
    yield _text(max(high, end) + 6, y + BAR - 2, f"{figure.value:,.4g}", "soft")


def _linear(values: Sequence[float]) -> Callable[[float], float]:
    most = max(values)
    return lambda value: min(value / most, 1.05) * LONGEST


def _logarithmic(values: Sequence[float]) -> Callable[[float], float]:
    low, high = math.log(min(values) / 2), math.log(max(values))
    return lambda value: max(0.0, min((math.log(value) - low) / (high - low), 1.05)) * LONGEST


def _colour(name: str) -> str:
    if name.endswith(" again"):
        return "control"
    return "ours" if name.startswith(OUR_LABELS) else "others"


def _line(x: float, y: float, to_x: float, to_y: float, colour: str, more: str = "") -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" style="stroke:var(--{colour})"{more}/>'


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>'
