"""The grid as a heat map: plain SVG, one square for each cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape

from attrs import frozen

CELL = 30
LABELS, TITLE, GAP = 150, 20, 14
STYLE = "text{font:9px sans-serif;fill:#111}.t{font-size:11px;font-weight:bold}.v{font-size:8px;text-anchor:middle}"


@frozen
class Panel:
    """One picture of rows and columns."""

    title: str
    value: Callable[[str, str], float]
    """Of a row and a column."""
    signed: bool = False
    """Whether it is a difference, from -0.5 to 0.5, and not a share from 0 to 1."""


def heat_map(panels: Sequence[Sequence[Panel]], rows: Sequence[str], columns: Sequence[str]) -> str:
    """Draw panels beside and below each other; the names of the columns stand at the bottom."""
    wide, tall = CELL * len(columns) + GAP, CELL * len(rows) + TITLE
    width, height = LABELS + wide * len(panels[0]), tall * len(panels) + 110
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><style>{STYLE}</style>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for y, line in enumerate(panels):
        top = y * tall + TITLE
        drawn += (
            f'<text x="{LABELS - 6}" y="{top + CELL * row + 18}" text-anchor="end">{escape(name)}</text>'
            for row, name in enumerate(rows)
        )
        for x, panel in enumerate(line):
            drawn += _panel(panel, rows, columns, LABELS + x * wide, top)
    bottom = tall * len(panels) + 8
    for x in range(len(panels[0])):
        drawn += (
            _name(name, LABELS + x * wide + CELL * place + 10, bottom) for place, name in enumerate(columns)
        )
    return "".join((*drawn, "</svg>\n"))


def _name(name: str, x: int, y: int) -> str:
    return f'<text x="{x}" y="{y}" transform="rotate(60 {x} {y})">{escape(name)}</text>'


def _panel(panel: Panel, rows: Sequence[str], columns: Sequence[str], left: int, top: int) -> Iterator[str]:
    yield f'<text class="t" x="{left}" y="{top - 5}">{escape(panel.title)}</text>'
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            value = panel.value(row, column)
            at_x, at_y = left + CELL * x, top + CELL * y
            text = f"{100 * value:+.0f}" if panel.signed else f"{value:.2f}"
            yield (
                f'<rect x="{at_x}" y="{at_y}" width="{CELL}" height="{CELL}" fill="{_colour(panel, value)}"/>'
                f'<text class="v" x="{at_x + CELL // 2}" y="{at_y + 18}">{text}</text>'
            )


def _colour(panel: Panel, value: float) -> str:
    """White for none; green for more, of a difference red for less."""
    strength = min(1.0, 2 * abs(value) if panel.signed else value)
    other, own = round(255 - 150 * strength), round(255 - 30 * strength)
    return f"#{own:02x}{other:02x}{other:02x}" if value < 0 else f"#{other:02x}{own:02x}{other:02x}"
