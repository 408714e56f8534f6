"""Drawings as SVG, readable on light and on dark pages."""

from __future__ import annotations

from html import escape

from attrs import define, field

STYLE = """
svg{--ink:#1f2933;--soft:#5f6b7a;--line:#cfd6de;--paper:#fff;--shade:#eef1f5;--blue:#1d5fd1;--orange:#b4520a;--green:#1b7a3d;--red:#c02626}
@media (prefers-color-scheme:dark){svg{--ink:#e6e9ee;--soft:#a3adba;--line:#3a424d;--paper:#14171c;--shade:#20252d;
--blue:#7fa8ff;--orange:#f6a04d;--green:#5fd08a;--red:#ff7b7b}}
text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:var(--ink)}
.small{font-size:11px;fill:var(--soft)}.bold{font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}
"""
WIDTH = 760


@define
class Canvas:
    """One drawing of a fixed width.

    Attributes:
        title: what it shows, for readers who do not see it.
        height: in pixels.
    """

    title: str
    height: int
    _parts: list[str] = field(factory=list)

    def text(self, x: float, y: float, text: str, kind: str = "") -> None:
        """Write text; ``kind`` is small, bold, end or middle, or several of them."""
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>')

    def box(self, x: float, y: float, width: float, height: float, colour: str, opacity: float = 1.0) -> None:
        """Fill a rectangle."""
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" rx="2" '
            f'style="fill:var(--{colour})" opacity="{opacity:g}"/>'
        )

    def line(self, x: float, y: float, to_x: float, to_y: float, colour: str, width: float = 1.0) -> None:
        """Draw a straight line."""
        self._parts.append(
            f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" '
            f'style="stroke:var(--{colour})" stroke-width="{width:g}"/>'
        )

    def dot(self, x: float, y: float, colour: str) -> None:
        """A call that was answered."""
        self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" style="fill:var(--{colour})"/>')

    def cross(self, x: float, y: float) -> None:
        """A call that was rate-limited."""
        self.line(x - 4, y - 4, x + 4, y + 4, "red", 2)
        self.line(x - 4, y + 4, x + 4, y - 4, "red", 2)

    def curve(self, points: list[tuple[float, float]], colour: str) -> None:
        """Draw a line through points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" style="stroke:var(--{colour})" stroke-width="2"/>'
        )

    def svg(self) -> str:
        """The whole drawing."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" role="img">'
            f"<title>{escape(self.title)}</title><style>{STYLE}</style>"
            f'<rect width="100%" height="100%" rx="8" style="fill:var(--paper)"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )


@define
class TimeAxis:
    """Seconds from left to right.

    Attributes:
        canvas: where it is drawn.
        seconds: its length.
        left: where it begins, in pixels.
        right: where it ends, in pixels.
    """

    canvas: Canvas
    seconds: float
    left: float = 200
    right: float = WIDTH - 24

    def x(self, at: float) -> float:
        """Where a moment is."""
        return self.left + (self.right - self.left) * at / self.seconds

    def ticks(self, top: float, bottom: float, every: float, unit: str = "s", scale: float = 1.0) -> None:
        """Draw a line for each ``every`` seconds, named in ``unit``, which is ``scale`` seconds long."""
        for number in range(int(self.seconds / every + 1e-6) + 1):
            x = self.x(number * every)
            self.canvas.line(x, top, x, bottom, "line")
            self.canvas.text(x, bottom + 15, f"{number * every / scale:g} {unit}", "small middle")
