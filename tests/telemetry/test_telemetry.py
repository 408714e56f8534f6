"""Traces and metrics with the real SDKs: what a call's life looks like from outside."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="needs the OpenTelemetry SDK")
pytest.importorskip("prometheus_client", reason="needs the extra prometheus")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry

from gong_tasks_async import Paused, QuotaLimits, TaskNotFoundError, TaskUpdate
from gong_tasks_async.simulator import Engine, Fault
from gong_tasks_async.telemetry.open_telemetry import OpenTelemetry
from gong_tasks_async.telemetry.prometheus import PrometheusMetrics
from tests.conftest import Connect

Figures = Callable[[str], Iterable[tuple[Mapping[str, Any], float]]]


class Recording:
    """An OpenTelemetry SDK that keeps what it is given."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.telemetry = OpenTelemetry(tracers, MeterProvider([self._reader]))

    def spans(self, start: str) -> list[ReadableSpan]:
        """Those whose name begins so, in the order of their end."""
        return [span for span in self._exporter.get_finished_spans() if span.name.startswith(start)]

    def metrics(self) -> dict[str, list[Any]]:
        """The points of each metric."""
        data = self._reader.get_metrics_data()
        assert data is not None
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


@pytest.mark.virtual
class TestOpenTelemetry:
    async def test_a_call_has_a_span_with_a_child_for_the_wait_and_each_attempt(
        self, connect: Connect, recording: Recording
    ) -> None:
        engine = Engine(users=1, tasks_per_user=1)
        gong = await connect(engine, on_event=recording.telemetry, headers=recording.telemetry.headers)
        engine.inject_fault(Fault.UNAVAILABLE)
        await gong.list_tasks(engine.user_ids[0])
        (call,) = recording.spans("gong list_tasks")
        first, second = recording.spans("POST /v2/tasks")
        assert call.context is not None
        children = [*recording.spans("gong wait"), first, second]
        assert len(children) == 4
        assert {child.parent and child.parent.span_id for child in children} == {call.context.span_id}
        assert (first.kind, first.status.status_code) == (SpanKind.CLIENT, StatusCode.ERROR)
        assert attributes(first)["error.type"] == "503"
        expected = {
            "http.request.method": "POST",
            "http.response.status_code": 200,
            "http.request.resend_count": 1,
            "server.address": "localhost",
            "url.template": "/v2/tasks",
        }
        assert expected.items() <= attributes(second).items()
        assert call.status.status_code is StatusCode.UNSET

    async def test_the_wait_in_the_queue_is_visible(self, connect: Connect, recording: Recording) -> None:
        engine = Engine(users=1, tasks_per_user=1)
        gong = await connect(engine, on_event=recording.telemetry)
        for _ in range(3):
            await gong.list_tasks(engine.user_ids[0])
        (waits,) = recording.metrics()["gong_tasks.quota.wait"]
        assert waits.count == 3
        assert waits.max == pytest.approx(0.34, abs=0.1)

    async def test_each_attempt_carries_its_own_trace(
        self, connect: Connect, recording: Recording, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = Engine(users=1, tasks_per_user=1)
        seen: list[str] = []
        answer = Engine.answer

        def answered(self: Engine, request: Any, now: float) -> Any:
            seen.append(request.headers["traceparent"])
            return answer(self, request, now)

        monkeypatch.setattr(Engine, "answer", answered)
        gong = await connect(engine, on_event=recording.telemetry, headers=recording.telemetry.headers)
        engine.inject_fault(Fault.UNAVAILABLE)
        await gong.list_tasks(engine.user_ids[0])
        attempts = recording.spans("POST /v2/tasks")
        spans = [span.context for span in attempts]
        assert [text.split("-")[2] for text in seen] == [f"{span.span_id:016x}" for span in spans if span]

    async def test_an_error_is_named(self, connect: Connect, recording: Recording) -> None:
        engine = Engine(users=1, tasks_per_user=1)
        gong = await connect(engine, on_event=recording.telemetry)
        with pytest.raises(TaskNotFoundError):
            await gong.update_task(TaskUpdate(1, engine.user_ids[0], status="DONE"))
        (call,) = recording.spans("gong update_task")
        assert attributes(call)["error.type"] == "TaskNotFoundError"
        assert attributes(call)["gong_tasks.request_id"]
        (attempt,) = recording.spans("PATCH /v2/tasks/{taskId}")
        assert attributes(attempt)["http.response.status_code"] == 404
        (duration,) = recording.metrics()["http.client.request.duration"]
        assert dict(duration.attributes)["error.type"] == "404"

    async def test_bulk_rows_are_counted_by_outcome(self, connect: Connect, recording: Recording) -> None:
        engine = Engine(users=1, tasks_per_user=3)
        gong = await connect(engine, on_event=recording.telemetry)
        rows = [TaskUpdate(number, engine.user_ids[0], status="DONE") for number in (*engine.tasks, 1)]
        await gong.update_many(rows, on_outcome=recording.telemetry.count_row)
        points = recording.metrics()["gong_tasks.bulk.rows"]
        assert {point.attributes["gong_tasks.outcome"]: point.value for point in points} == {
            "updated": 3,
            "failed": 1,
        }

    def test_nothing_is_left_of_a_call_that_ended(self, recording: Recording) -> None:
        assert recording.telemetry._calls == {}

    async def test_each_company_s_quota_has_its_name_as_an_attribute(
        self, connect: Connect, recording: Recording
    ) -> None:
        for company, per_day in (("acme", 2_000), ("umbrella", 7_000)):
            count = recording.telemetry.for_company(company)
            engine = Engine(users=1, tasks_per_user=1)
            gong = await connect(engine, on_event=count, limits=QuotaLimits(per_day=per_day))
            for _ in range(3):
                await gong.list_tasks(engine.user_ids[0])
            count(Paused(seconds=1.0))
        metrics = recording.metrics()
        left = {
            point.attributes["gong_tasks.company"]: point.value for point in metrics["gong_tasks.quota.left"]
        }
        assert left.keys() == {"acme", "umbrella"}
        assert 1_990 < left["acme"] < 2_000
        assert 6_990 < left["umbrella"] < 7_000
        assert [point.value for point in metrics["gong_tasks.quota.pauses"]] == [1, 1]
        assert len(recording.spans("gong list_tasks")) == 6


NO_COMPANY = {"company": ""}
QUOTA_METRICS = ("budget_calls", "pauses_total", "paused", "shared_quota_up")


@pytest.mark.virtual
class TestPrometheus:
    async def test_calls_waits_and_retries_are_counted(
        self, connect: Connect, registry: CollectorRegistry
    ) -> None:
        engine = Engine(users=1, tasks_per_user=2)
        metrics = PrometheusMetrics(registry)
        gong = await connect(engine, on_event=metrics)
        engine.inject_fault(Fault.UNAVAILABLE)
        await gong.list_tasks(engine.user_ids[0])
        with pytest.raises(TaskNotFoundError):
            await gong.update_task(TaskUpdate(1, engine.user_ids[0], status="DONE"))
        labels = {"operation": "list_tasks", "lane": "interactive"}
        value = registry.get_sample_value
        assert value("gong_tasks_calls_total", {**labels, "outcome": "ok"}) == 1
        failed = {"operation": "update_task", "lane": "interactive", "outcome": "TaskNotFoundError"}
        assert value("gong_tasks_calls_total", failed) == 1
        assert value("gong_tasks_quota_wait_seconds_count", labels) == 1
        assert value("gong_tasks_retries_total", {"operation": "list_tasks"}) == 1
        request = {"operation": "list_tasks", "status": "503"}
        assert value("gong_tasks_request_duration_seconds_count", request) == 1

    async def test_a_pause_shows_while_it_lasts(self, connect: Connect, registry: CollectorRegistry) -> None:
        engine = Engine(users=1, tasks_per_user=1)
        gong = await connect(engine, on_event=PrometheusMetrics(registry))
        engine.inject_fault(Fault.TOO_MANY, retry_after="5")
        await gong.list_tasks(engine.user_ids[0])
        assert registry.get_sample_value("gong_tasks_pauses_total", NO_COMPANY) == 1
        assert registry.get_sample_value("gong_tasks_paused", NO_COMPANY) == 0

    async def test_what_is_left_of_the_day_is_a_gauge(
        self, connect: Connect, registry: CollectorRegistry
    ) -> None:
        engine = Engine(users=1, tasks_per_user=1)
        gong = await connect(engine, on_event=PrometheusMetrics(registry))
        for _ in range(6):
            await gong.list_tasks(engine.user_ids[0])
        left = registry.get_sample_value("gong_tasks_budget_left", NO_COMPANY)
        assert left is not None
        assert 9_994 <= left <= 9_998
        assert registry.get_sample_value("gong_tasks_budget_calls", NO_COMPANY) == 10_000

    async def test_the_quotas_of_companies_have_metrics_of_their_own(
        self, connect: Connect, registry: CollectorRegistry
    ) -> None:
        metrics = PrometheusMetrics(registry)
        for company, calls in (("acme", 2), ("umbrella", 7)):
            engine = Engine(users=1, tasks_per_user=1)
            limits = QuotaLimits(per_day=1_000 * calls)
            gong = await connect(engine, on_event=metrics.for_company(company), limits=limits)
            if company == "acme":
                engine.inject_fault(Fault.TOO_MANY, retry_after="5")
            for _ in range(calls):
                await gong.list_tasks(engine.user_ids[0])
        metrics.for_company("acme")(Paused(seconds=1.0))
        values = {
            company: [
                registry.get_sample_value(f"gong_tasks_{name}", {"company": company})
                for name in QUOTA_METRICS
            ]
            for company in ("acme", "umbrella", "")
        }
        assert values["acme"][:3] == [2_000, 2, 1]
        assert values["umbrella"][:4] == [7_000, 0, 0, 1]
        assert math.isnan(values[""][0] or 0.0)
        listed = {"operation": "list_tasks", "lane": "interactive", "outcome": "ok"}
        assert registry.get_sample_value("gong_tasks_calls_total", listed) == 9

    def test_one_registry_has_them_once(self, registry: CollectorRegistry) -> None:
        PrometheusMetrics(registry)
        with pytest.raises(ValueError, match="gong_tasks"):
            PrometheusMetrics(registry)


def test_before_the_first_call_no_day_is_spent() -> None:
    registry = CollectorRegistry()
    PrometheusMetrics(registry)
    for name in ("gong_tasks_budget_left", "gong_tasks_budget_calls"):
        value = registry.get_sample_value(name, NO_COMPANY)
        assert value is not None
        assert math.isnan(value)
