"""OpenTelemetry traces and metrics of a client's calls, by the stable HTTP conventions.

See https://opentelemetry.io/docs/specs/semconv/http/http-spans/ . Only the API is needed here; without an SDK nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from attrs import define, field

try:
    from opentelemetry import metrics, propagate, trace
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        "gong_tasks_async.telemetry.open_telemetry needs opentelemetry-api: install 'gong_tasks_async[otel]'"
    ) from _error

from gong_tasks_async.events import (
    BudgetChanged,
    CallAttempted,
    CallEnded,
    CallQueued,
    CallSent,
    Event,
    Paused,
    RetryPlanned,
    RowClaimed,
    RowEnded,
)

__all__ = ["OpenTelemetry"]

NAME = "gong_tasks_async"
ERROR_STATUS = 400

_sending: ContextVar[Span | None] = ContextVar("gong_tasks_sending", default=None)
"""The span of the attempt that this task is about to send."""

_row: ContextVar[Span | None] = ContextVar("gong_tasks_row", default=None)
"""The span of the row of a distributed job that this task is working on."""


@define
class _Call:
    """The spans of one call that has not ended."""

    span: Span
    waits_since: datetime
    attempt: Span | None = field(default=None)


class OpenTelemetry:
    """Spans and metrics of the clients that it is given to.

    ``telemetry = OpenTelemetry()`` and ``GongTasksClient(..., on_event=telemetry, headers=telemetry.headers)``: a span for each call, in it one for each
    wait for a permit and one for each attempt, whose ``traceparent`` is sent along. For bulk rows by outcome, pass
    ``on_outcome=telemetry.count_row`` to a bulk method. A worker of distributed jobs, ``Worker(..., on_event=telemetry)``, has a span for each row
    as well, and counts its rows.

    Args:
        tracer_provider, meter_provider: by default the global ones.
        tracer_provider: makes the spans; None for the global one.
        meter_provider: makes the metrics; None for the global one.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(NAME, meter_provider=meter_provider)
        self._durations = meter.create_histogram(
            "http.client.request.duration", "s", "Duration of HTTP client requests."
        )
        self._waits = meter.create_histogram("gong_tasks.quota.wait", "s", "Wait for the permits of a call.")
        self._left = meter.create_gauge("gong_tasks.quota.left", "{call}", "Calls left of the day.")
        self._pauses = meter.create_counter(
            "gong_tasks.quota.pauses", "{pause}", "Pauses that Gong asked for."
        )
        self._rows = meter.create_counter("gong_tasks.bulk.rows", "{row}", "Bulk rows that have an outcome.")
        self._calls: dict[int, _Call] = {}
        self._handlers: dict[type[Event], Callable[..., None]] = {
            CallQueued: self._queued,
            CallSent: self._sent,
            CallAttempted: self._attempted,
            RetryPlanned: self._retry_planned,
            CallEnded: self._ended,
            RowClaimed: self._row_claimed,
            RowEnded: self._row_ended,
            Paused: self._paused,
            BudgetChanged: self._budget_changed,
        }

    def __call__(self, event: Event) -> None:
        """Record an event."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def for_company(self, company: str) -> Callable[[Event], None]:
        """What records the events of one company of several: its quota's metrics get ``gong_tasks.company``.

        Args:
            company: the attribute's value, such as the name that a pool knows the company by.
        """
        attributes = {"gong_tasks.company": company}

        def record(event: Event) -> None:
            if isinstance(event, BudgetChanged):
                self._left.set(event.left, attributes)
            elif isinstance(event, Paused):
                self._pauses.add(1, attributes)
            else:
                self(event)

        return record

    def headers(self) -> Mapping[str, str]:
        """The headers that carry the trace of the attempt that is about to be sent."""
        span = _sending.get()
        carrier: dict[str, str] = {}
        if span is not None:
            propagate.inject(carrier, trace.set_span_in_context(span))
        return carrier

    def trace_context(self) -> Mapping[str, str]:
        """The headers that carry the current trace: ``Jobs(..., trace_context=telemetry.trace_context)``.

        They are stored with each job that is submitted, and the spans of its rows, on whatever worker, link to it.
        """
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return carrier

    def count_row(self, outcome: object) -> None:
        """Count a bulk row by its outcome: updated, unchanged, skipped or failed.

        Args:
            outcome: the row's outcome.
        """
        self._rows.add(1, {"gong_tasks.outcome": type(outcome).__name__.lower()})

    def _queued(self, event: CallQueued) -> None:
        attributes = {"gong_tasks.operation": event.operation, "gong_tasks.lane": event.lane}
        row = _row.get()
        inside = None if row is None else trace.set_span_in_context(row)
        span = self._tracer.start_span(
            f"gong {event.operation}", inside, attributes=attributes, start_time=_nanoseconds(event.at)
        )
        self._calls[event.call_id] = _Call(span, event.at)

    def _sent(self, event: CallSent) -> None:
        call = self._calls.get(event.call_id)
        if call is None:
            return
        inside = trace.set_span_in_context(call.span)
        self._record_wait(call, inside, event.at)
        url = urlsplit(event.url)
        attributes: dict[str, str | int] = {
            "http.request.method": event.method,
            "url.template": event.template,
            "url.full": event.url,
            "server.address": url.hostname or "",
            "server.port": url.port or (443 if url.scheme == "https" else 80),
        }
        if event.attempt > 1:
            attributes["http.request.resend_count"] = event.attempt - 1
        call.attempt = self._tracer.start_span(
            f"{event.method} {event.template}",
            context=inside,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=_nanoseconds(event.at),
        )
        _sending.set(call.attempt)

    def _record_wait(self, call: _Call, inside: Context, until: datetime) -> None:
        wait = self._tracer.start_span(
            "gong wait for permit", context=inside, start_time=_nanoseconds(call.waits_since)
        )
        wait.end(_nanoseconds(until))

    def _attempted(self, event: CallAttempted) -> None:
        attributes: dict[str, str | int] = {
            "http.request.method": event.method,
            "server.address": urlsplit(event.url).hostname or "",
            "url.template": event.template,
        }
        if event.status is not None:
            attributes["http.response.status_code"] = event.status
        if event.status is None or event.status >= ERROR_STATUS:
            attributes["error.type"] = "no_response" if event.status is None else str(event.status)
        self._durations.record(event.seconds, attributes)
        call = self._calls.get(event.call_id)
        if call is not None:
            call.waits_since = event.at
            _close(call, attributes, event.at)

    def _retry_planned(self, event: RetryPlanned) -> None:
        call = self._calls.get(event.call_id)
        if call is not None:
            call.waits_since = event.at + timedelta(seconds=event.wait)
            call.span.add_event(
                "retry planned", {"gong_tasks.wait": event.wait, "gong_tasks.reason": event.reason}
            )

    def _paused(self, _event: Paused) -> None:
        self._pauses.add(1)

    def _budget_changed(self, event: BudgetChanged) -> None:
        self._left.set(event.left)

    def _ended(self, event: CallEnded) -> None:
        self._waits.record(
            event.waited, {"gong_tasks.operation": event.operation, "gong_tasks.lane": event.lane}
        )
        call = self._calls.pop(event.call_id, None)
        if call is None:
            return
        _close(call, {}, event.at)
        if event.request_id is not None:
            call.span.set_attribute("gong_tasks.request_id", event.request_id)
        if event.error is not None:
            call.span.set_attribute("error.type", event.error)
            call.span.set_status(Status(StatusCode.ERROR))
        call.span.end(_nanoseconds(event.at))

    def _row_claimed(self, event: RowClaimed) -> None:
        submit = trace.get_current_span(propagate.extract(event.trace, Context())).get_span_context()
        _row.set(
            self._tracer.start_span(
                "gong row",
                Context(),  # a trace of its own: a job has thousands of rows, for days
                kind=SpanKind.CONSUMER,
                attributes={"gong_tasks.job": event.job, "gong_tasks.row": event.number},
                links=[Link(submit)] if submit.is_valid else [],
                start_time=_nanoseconds(event.at),
            )
        )

    def _row_ended(self, event: RowEnded) -> None:
        for outcome, rows in event.settled.items():
            self._rows.add(rows, {"gong_tasks.outcome": outcome})
        span = _row.get()
        _row.set(None)
        if span is None:
            return
        span.set_attribute("gong_tasks.outcome", event.outcome)
        if event.error is not None:
            span.set_attribute("error.type", event.error)
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanoseconds(event.at))


def _close(call: _Call, attributes: Mapping[str, str | int], at: datetime) -> None:
    """End the span of an attempt, if one is open."""
    span, call.attempt = call.attempt, None
    _sending.set(None)
    if span is not None:
        span.set_attributes(attributes)
        if "error.type" in attributes or not attributes:
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanoseconds(at))


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1e9)
