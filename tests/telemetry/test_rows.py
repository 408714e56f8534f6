"""Rows of distributed jobs with the real SDKs: their links to the submission, their outcomes as metrics."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="needs the OpenTelemetry SDK")
pytest.importorskip("prometheus_client", reason="needs the extra prometheus")
pytest.importorskip("docket", reason="needs the extra docket")

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry

from gong_tasks_async import TaskUpdate
from gong_tasks_async.distributed import Job, Jobs, Progress
from gong_tasks_async.events import Event, RowClaimed, RowEnded
from gong_tasks_async.simulator import Engine, Simulator
from gong_tasks_async.telemetry.prometheus import PrometheusMetrics
from tests.distributed_floor import COMPANY, at_work, engine, memory, over, updates_of
from tests.telemetry.test_telemetry import Recording, attributes


async def done(
    gong_engine: Engine, updates: list[TaskUpdate], recording: Recording, on_event: Any, **settings: Any
) -> tuple[Job, Progress]:
    """A job that was submitted within a span, and is over."""
    url, telemetry = memory(), recording.telemetry
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY, trace_context=telemetry.trace_context) as jobs,
    ):
        with telemetry._tracer.start_as_current_span("nightly"):
            job = await jobs.submit(updates, name="nightly", **settings)
        async with at_work(url, gong, on_event=on_event):
            return job, await over(job)


async def test_each_row_links_to_the_span_of_the_submission_and_holds_its_calls() -> None:
    recording, gong_engine = Recording(), engine(4)
    await done(gong_engine, updates_of(gong_engine), recording, recording.telemetry)
    (submission,) = recording.spans("nightly")
    rows = recording.spans("gong row")
    assert submission.context is not None
    assert sorted(attributes(row)["gong_tasks.row"] for row in rows) == [1, 2, 3, 4]
    for row in rows:
        (link,) = row.links
        assert (link.context.trace_id, link.context.span_id) == (
            submission.context.trace_id,
            submission.context.span_id,
        )
        assert (row.kind, attributes(row)["gong_tasks.job"]) == (SpanKind.CONSUMER, "nightly")
        assert attributes(row)["gong_tasks.outcome"] == "updated"
        assert (row.parent, row.status.status_code) == (None, StatusCode.UNSET)
    ids = {row.context.span_id for row in rows if row.context}
    calls = recording.spans("gong update_task")
    assert {call.parent.span_id for call in calls if call.parent} == ids


async def test_a_call_outside_of_a_row_is_in_the_trace_of_its_caller() -> None:
    recording, gong_engine = Recording(), engine(2)
    await done(gong_engine, updates_of(gong_engine), recording, recording.telemetry)
    assert trace.get_current_span().get_span_context().is_valid is False
    recording.telemetry(RowEnded(job="other", number=1, outcome="updated"))  # without its beginning
    assert len(recording.spans("gong row")) == 2


async def test_a_submission_without_a_trace_has_no_links() -> None:
    recording = Recording()
    for odd in ({}, {"traceparent": "00-nonsense"}, {"traceparent": "\x1b"}):
        recording.telemetry(RowClaimed(job="nightly", number=1, trace=odd))
        recording.telemetry(RowEnded(job="nightly", number=1, outcome="pending", error="ServerError"))
    spans = recording.spans("gong row")
    assert [list(span.links) for span in spans] == [[], [], []]
    assert {span.status.status_code for span in spans} == {StatusCode.ERROR}


async def test_rows_are_counted_by_their_outcome_as_the_job_has_them() -> None:
    recording, registry = Recording(), CollectorRegistry()
    metrics, gong_engine = PrometheusMetrics(registry), engine(6)
    events: list[Event] = []

    def on_event(event: Event) -> None:
        for observer in (metrics, recording.telemetry, events.append):
            observer(event)

    gone = [TaskUpdate(number, gong_engine.user_ids[0], status="DONE") for number in (97, 98, 99)]
    wanted = [*gone[:2], *updates_of(gong_engine), gone[2]]
    _, progress = await done(gong_engine, wanted, recording, on_event)
    assert (progress.updated, progress.failed) == (6, 3)
    counted = {
        outcome: registry.get_sample_value("gong_tasks_rows_total", {"outcome": outcome})
        for outcome in ("updated", "failed", "skipped", "pending")
    }
    assert counted == {"updated": 6.0, "failed": 3.0, "skipped": None, "pending": None}
    points = recording.metrics()["gong_tasks.bulk.rows"]
    assert {point.attributes["gong_tasks.outcome"]: point.value for point in points} == {
        "updated": 6,
        "failed": 3,
    }
    assert any(isinstance(event, RowEnded) and event.error == "TaskNotFoundError" for event in events)
