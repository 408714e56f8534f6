"""Prometheus metrics of a client's calls, its quota and its bulk rows."""

from __future__ import annotations

import math
from collections.abc import Callable

try:
    from prometheus_client import (
        REGISTRY,
        CollectorRegistry,
        Counter,
        Gauge,
        Histogram,
        start_http_server,
    )
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        "gong_tasks_async.telemetry.prometheus needs prometheus_client: install 'gong_tasks_async[prometheus]'"
    ) from _error

from gong_tasks_async.events import (
    BudgetChanged,
    CallAttempted,
    CallEnded,
    Event,
    Paused,
    QuotaLost,
    QuotaRegained,
    Resumed,
    RetryPlanned,
    RowEnded,
)

__all__ = ["PrometheusMetrics", "serve_metrics"]

REQUEST_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
WAIT_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0)
"""Upper bounds of the buckets: at 3 calls a second, a hundred waiting calls are half a minute."""


def serve_metrics(port: int, listen: str, registry: CollectorRegistry = REGISTRY) -> Callable[[], None]:
    """Serve the metrics of a process on a port, in a thread of its own; return what ends that.

    Args:
        port: the port; 0 for any that is free.
        listen: the address to listen on; this machine alone by default.
        registry: the registry; None for the global one.

    Raises:
        OSError: the port cannot be opened.
    """
    server, thread = start_http_server(port, addr=listen, registry=registry)

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return close


class PrometheusMetrics:
    """Metrics of the clients that it is given to: ``GongTasksClient(..., on_event=PrometheusMetrics())``.

    Make one for each process; several clients may share it. For bulk rows by outcome, pass ``on_outcome=metrics.count_row`` to a bulk method.

    Args:
        registry: where the metrics are registered; by default the process's own.

    Raises:
        ValueError: the registry has these metrics already.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._add_calls(registry)
        self._add_quota(registry)
        self._handlers: dict[type[Event], Callable[..., None]] = {
            CallAttempted: self._attempted,
            CallEnded: self._ended,
            RetryPlanned: self._retry_planned,
            RowEnded: self._row_ended,
            Paused: self._pause,
            Resumed: self._resumed,
            BudgetChanged: self._budget_changed,
            QuotaLost: self._quota_lost,
            QuotaRegained: self._quota_regained,
        }

    def _add_calls(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "gong_tasks_calls", "Calls that ended.", ["operation", "lane", "outcome"], registry=registry
        )
        self._requests = Histogram(
            "gong_tasks_request_duration_seconds",
            "Seconds from sending a request until its response was read.",
            ["operation", "status"],
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        self._retries = Counter(
            "gong_tasks_retries", "Attempts that are repeated.", ["operation"], registry=registry
        )
        self._rows = Counter(
            "gong_tasks_rows", "Bulk rows that have an outcome.", ["outcome"], registry=registry
        )

    def _add_quota(self, registry: CollectorRegistry) -> None:
        self._waits = Histogram(
            "gong_tasks_quota_wait_seconds",
            "Seconds that a call waited for its permits.",
            ["operation", "lane"],
            buckets=WAIT_SECONDS,
            registry=registry,
        )
        self._pauses = Counter("gong_tasks_pauses", "Pauses that Gong asked for.", registry=registry)
        self._paused = Gauge("gong_tasks_paused", "1 while all calls are paused.", registry=registry)
        self._left = Gauge("gong_tasks_budget_left", "Calls left of the day.", registry=registry)
        self._budget = Gauge("gong_tasks_budget_calls", "Calls a day.", registry=registry)
        for unknown in (
            self._left,
            self._budget,
        ):  # before the first call; 0 would mean that the day is spent
            unknown.set(math.nan)
        self._shared = Gauge(
            "gong_tasks_shared_quota_up", "0 while the shared quota is away.", registry=registry
        )
        self._shared.set(1)

    def __call__(self, event: Event) -> None:
        """Count an event."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def count_row(self, outcome: object) -> None:
        """Count a bulk row by its outcome: updated, unchanged, skipped or failed.

        Args:
            outcome: the row's outcome.
        """
        self._rows.labels(type(outcome).__name__.lower()).inc()

    def _attempted(self, event: CallAttempted) -> None:
        status = "none" if event.status is None else str(event.status)
        self._requests.labels(event.operation, status).observe(event.seconds)

    def _ended(self, event: CallEnded) -> None:
        self._calls.labels(event.operation, event.lane, event.error or "ok").inc()
        self._waits.labels(event.operation, event.lane).observe(event.waited)

    def _retry_planned(self, event: RetryPlanned) -> None:
        self._retries.labels(event.operation).inc()

    def _row_ended(self, event: RowEnded) -> None:
        for outcome, rows in event.settled.items():
            self._rows.labels(outcome).inc(rows)

    def _pause(self, _: Paused) -> None:
        self._pauses.inc()
        self._paused.set(1)

    def _budget_changed(self, event: BudgetChanged) -> None:
        self._left.set(event.left)
        self._budget.set(event.per_day)

    def _resumed(self, _event: Resumed) -> None:
        self._paused.set(0)

    def _quota_lost(self, _event: QuotaLost) -> None:
        self._shared.set(0)

    def _quota_regained(self, _event: QuotaRegained) -> None:
        self._shared.set(1)
