"""The course of a run as a bar chart: SVG, without script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil, log10

from attrs import frozen

from gong_tasks_async.bulk.render.format import duration, format_utc
from gong_tasks_async.bulk.report import TimelineBucket

WIDTH, HEIGHT = 720, 200
LEFT, TOP, BOTTOM = 44, 10, 172
MOST_COLUMNS = 120
MOST_TICKS = 8
HOUR, DAY = 3_600, 86_400
TICKS = (
    *(1, 5, 15, 60, 300, 900, 1_800),
    *(HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR),
    *(DAY, 2 * DAY, 7 * DAY, 30 * DAY, 365 * DAY),
)
"""Seconds between two labels, from a second to a year."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class Scale:
    """Where times and counts lie in the picture."""

    begin: datetime
    seconds: float
    """From the left edge to the right one."""
    top: int
    """The count at the upper edge."""

    def x(self, at: datetime) -> float:
        """The distance from the left."""
        return LEFT + (WIDTH - LEFT) * (at - self.begin).total_seconds() / self.seconds

    def y(self, count: int) -> float:
        """The distance from above."""
        return BOTTOM - (BOTTOM - TOP) * count / self.top


def timeline_plot(timeline: Sequence[TimelineBucket]) -> str:
    """Draw a bar for each stretch of the run; long runs are drawn in fewer, longer stretches."""
    ordered = sorted(timeline, key=lambda moment: moment.at)
    columns, width = _columns(ordered)
    begin, end = columns[0].at, columns[-1].at + width
    highest = max(column.updated + column.failed for column in columns)
    scale = Scale(begin, (end - begin).total_seconds(), _round_up(highest))
    drawn = (*_counts(scale), *_times(scale, end), *(_bar(scale, column, width) for column in columns))
    key = f"rows in each {duration(width.total_seconds())}, times in UTC"
    return (
        f'<p class="key"><span class="updated">updated</span><span class="failed">failed</span>{key}</p>'
        f'<div class="wide"><svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Rows settled over time">{"".join(drawn)}</svg></div>'
    )


def _columns(ordered: Sequence[TimelineBucket]) -> tuple[list[TimelineBucket], timedelta]:
    """The stretches to draw and their length: that of the moments, or a multiple of it where they are many."""
    gaps = [later.at - earlier.at for earlier, later in pairwise(ordered) if later.at > earlier.at]
    step = min(gaps, default=timedelta(seconds=1))
    begin = ordered[0].at
    width = step * ceil(((ordered[-1].at - begin) / step + 1) / MOST_COLUMNS)
    columns: dict[int, TimelineBucket] = {}
    for one in ordered:
        place = (one.at - begin) // width
        before = columns.get(place, TimelineBucket(begin + place * width, 0, 0))
        columns[place] = TimelineBucket(before.at, before.updated + one.updated, before.failed + one.failed)
    return list(columns.values()), width


def _round_up(count: int) -> int:
    """The next 1, 2 or 5 with zeros behind it."""
    unit = 10 ** int(log10(count)) if count > 0 else 1
    return next(unit * step for step in (1, 2, 5, 10) if unit * step >= count)


def _bar(scale: Scale, column: TimelineBucket, width: timedelta) -> str:
    left = scale.x(column.at)
    wide = max((scale.x(column.at + width) - left) * 0.86, 1.0)
    middle, top = scale.y(column.updated), scale.y(column.updated + column.failed)
    title = f"{format_utc(column.at)}: {column.updated:,} updated, {column.failed:,} failed"
    return (
        f"<g><title>{title}</title>"
        f'<rect class="updated" x="{left:.1f}" y="{middle:.1f}" width="{wide:.1f}" height="{BOTTOM - middle:.1f}"/>'
        f'<rect class="failed" x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{middle - top:.1f}"/></g>'
    )


def _counts(scale: Scale) -> Iterator[str]:
    for count in sorted({0, scale.top // 2, scale.top}):
        y = scale.y(count)
        yield f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{count:,}</text>'


def _times(scale: Scale, end: datetime) -> Iterator[str]:
    step = timedelta(seconds=next((tick for tick in TICKS if scale.seconds / tick <= MOST_TICKS), TICKS[-1]))
    at = EPOCH - (EPOCH - scale.begin) // step * step
    while at <= end:
        # A label at the very edge would be cut in half.
        x = min(scale.x(at), WIDTH - 20.0)
        yield f'<text x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="middle">{_label(at, step)}</text>'
        at += step


def _label(at: datetime, step: timedelta) -> str:
    local = at.astimezone(UTC)
    if step >= timedelta(days=1) or (local.hour, local.minute, local.second) == (0, 0, 0):
        return f"{local.day} {local:%b}"
    return f"{local:%H:%M}" if step >= timedelta(minutes=1) else f"{local:%H:%M:%S}"
