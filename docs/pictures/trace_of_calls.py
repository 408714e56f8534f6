"""A trace, as OpenTelemetry's SDK was given it: three calls at once, one of which met a 502."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from attrs import evolve
from canvas import Canvas, TimeAxis
from company import MORNING, client_of, run
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from gong_tasks_async import Event, TaskUpdate
from gong_tasks_async.simulator import DayLimit, Engine, Fault, SecondLimit
from gong_tasks_async.telemetry.open_telemetry import OpenTelemetry

TOP, ROW = 52, 24
STATUS = "http.response.status_code"


def draw(*, quick: bool) -> str:
    """Draw the spans, each below the one that holds it."""
    del quick  # it is quick
    spans = run(_spans())
    began = min(span.start_time or 0 for span in spans)
    seconds = (max(span.end_time or 0 for span in spans) - began) / 1e9
    canvas = Canvas(
        "A trace of three calls: waits for permits, attempts, a retry", TOP + ROW * len(spans) + 34
    )
    canvas.text(
        24, 28, "Three calls at once: each waits for its permit, one meets a 502 and is sent again", "bold"
    )
    axis = TimeAxis(canvas, seconds * 1.16, left=250)
    axis.ticks(TOP - 8, TOP + ROW * len(spans), 0.5)
    for row, span in enumerate(_in_order(spans)):
        _draw_span(canvas, axis, TOP + ROW * row, span, began)
    return canvas.svg()


async def _spans() -> Sequence[ReadableSpan]:
    exporter = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry = OpenTelemetry(tracers)

    def observe(at: float, event: Event) -> None:
        telemetry(evolve(event, at=datetime.fromtimestamp(MORNING + at, UTC)))

    engine = Engine(users=1, tasks_per_user=3, second_limit=SecondLimit.NONE, day_limit=DayLimit.NONE)
    user = engine.user_ids[0]
    async with client_of(engine, observe) as gong:
        await gong.list_tasks(user)  # what comes first is no part of the picture
        exporter.clear()
        engine.inject_fault(Fault.BAD_GATEWAY)
        updates = (TaskUpdate(number, user, "DONE") for number in list(engine.tasks)[:2])
        await asyncio.gather(gong.list_tasks(user), *map(gong.update_task, updates))
    return exporter.get_finished_spans()


def _in_order(spans: Sequence[ReadableSpan]) -> list[ReadableSpan]:
    """Each call, then what is inside it, by time."""
    roots = sorted((span for span in spans if span.parent is None), key=_start)
    inside = {
        root: [span for span in spans if span.parent and span.parent.span_id == root.context.span_id]
        for root in roots
    }
    return [span for root in roots for span in (root, *sorted(inside[root], key=_start))]


def _start(span: ReadableSpan) -> int:
    return span.start_time or 0


def _draw_span(canvas: Canvas, axis: TimeAxis, y: float, span: ReadableSpan, began: int) -> None:
    start, end = ((at - began) / 1e9 for at in (span.start_time or 0, span.end_time or 0))
    attributes = span.attributes or {}
    failed = span.status.status_code is StatusCode.ERROR
    is_attempt = span.kind is SpanKind.CLIENT
    colour = "red" if failed else "green" if is_attempt else "blue" if span.parent is None else "orange"
    canvas.text(24 if span.parent is None else 40, y + 13, span.name, "bold" if span.parent is None else "")
    canvas.box(axis.x(start), y + 3, axis.x(end) - axis.x(start), 12, colour, 1.0 if span.parent else 0.45)
    status = f", {attributes[STATUS]!s}" if is_attempt and STATUS in attributes else ""
    canvas.text(axis.x(end) + 6, y + 13, f"{(end - start) * 1000:.0f} ms{status}", "small")
