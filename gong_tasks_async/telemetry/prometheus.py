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

    Make one for each process; several clients may share it, those of another company by ``on_event=metrics.for_company("acme")``, since each company
    has a quota of its own. For bulk rows by outcome, pass ``on_outcome=metrics.count_row`` to a bulk method.

    Args:
        registry: where the metrics are registered; by default the process's own.

    Raises:
        ValueError: the registry has these metrics already.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._add_calls(registry)
        self._quotas = _QuotaMetrics(registry)
        self._call_handlers: dict[type[Event], Callable[..., None]] = {
            CallAttempted: self._attempted,
            CallEnded: self._ended,
            RetryPlanned: self._retry_planned,
            RowEnded: self._row_ended,
        }
        self._handlers = self._call_handlers | self._quotas.handlers("")

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

        self._waits = Histogram(
            "gong_tasks_quota_wait_seconds",
            "Seconds that a call waited for its permits.",
            ["operation", "lane"],
            buckets=WAIT_SECONDS,
            registry=registry,
        )

    def for_company(self, company: str) -> Callable[[Event], None]:
        """What counts the events of one company of several: its quota's metrics get a label ``company``.

        Args:
            company: the label's value, such as the name that a pool knows the company by.
        """
        handlers = self._call_handlers | self._quotas.handlers(company)

        def count(event: Event) -> None:
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)

        return count

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


class _QuotaMetrics:
    """The metrics of quotas, by company; the label is empty, which to Prometheus is none, where there is but one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, meaning: str) -> Gauge:
            return Gauge(f"gong_tasks_{name}", meaning, ["company"], registry=registry)

        self._pauses = Counter(
            "gong_tasks_pauses", "Pauses that Gong asked for.", ["company"], registry=registry
        )
        self._paused = gauge("paused", "1 while all calls are paused.")
        self._left = gauge("budget_left", "Calls left of the day.")
        self._budget = gauge("budget_calls", "Calls a day.")
        self._shared = gauge("shared_quota_up", "0 while the shared quota is away.")
        self._made: dict[str, dict[type[Event], Callable[..., None]]] = {}

    def handlers(self, company: str) -> dict[type[Event], Callable[..., None]]:
        """What a company's events do to its metrics, which keep their values where a pool makes its client again."""
        if company not in self._made:
            self._made[company] = self._new_handlers(company)
        return self._made[company]

    def _new_handlers(self, company: str) -> dict[type[Event], Callable[..., None]]:
        pauses, paused, shared = (
            self._pauses.labels(company),
            self._paused.labels(company),
            self._shared.labels(company),
        )
        left, budget = self._left.labels(company), self._budget.labels(company)
        for unknown in (left, budget):  # before the first call; 0 would mean that the day is spent
            unknown.set(math.nan)
        shared.set(1)

        def pause(_: Paused) -> None:
            pauses.inc()
            paused.set(1)

        def change_budget(event: BudgetChanged) -> None:
            left.set(event.left)
            budget.set(event.per_day)

        def resume(_: Resumed) -> None:
            paused.set(0)

        def lose(_: QuotaLost) -> None:
            shared.set(0)

        def regain(_: QuotaRegained) -> None:
            shared.set(1)

        return {
            Paused: pause,
            Resumed: resume,
            BudgetChanged: change_budget,
            QuotaLost: lose,
            QuotaRegained: regain,
        }
