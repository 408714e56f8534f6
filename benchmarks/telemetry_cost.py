"""What watching a call costs: Python functions entered and CPU time for one PATCH, without and with each observer.

The network is the stub of `call_count`. OpenTelemetry is the real SDK, whose spans are made and dropped, since what an
exporter costs is the exporter's.

    python -m benchmarks.telemetry_cost         # some 10 s
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry

from benchmarks.call_count import (
    BASE_URL,
    BETWEEN_CALLS,
    HandSetClockLoop,
    Opened,
    Patch,
    calls_of,
    stub_session,
    task_ids,
)
from benchmarks.our_client import CREDENTIALS, USER
from gong_tasks_async import Event, GongTasksClient, LocalQuota, TaskUpdate
from gong_tasks_async.telemetry.open_telemetry import OpenTelemetry
from gong_tasks_async.telemetry.prometheus import PrometheusMetrics

PATCHES, ROUNDS = 300, 7


def ignore(event: Event) -> None:
    """Observe nothing: what is left is the cost of making the events."""
    del event


def nothing() -> Mapping[str, Any]:
    return {}


def an_observer() -> Mapping[str, Any]:
    return {"on_event": ignore}


def prometheus() -> Mapping[str, Any]:
    return {"on_event": PrometheusMetrics(CollectorRegistry())}


def open_telemetry() -> Mapping[str, Any]:
    telemetry = OpenTelemetry(TracerProvider(), MeterProvider([InMemoryMetricReader()]))
    return {"on_event": telemetry, "headers": telemetry.headers}


OBSERVERS: dict[str, Callable[[], Mapping[str, Any]]] = {
    "nothing": nothing,
    "events that are ignored": an_observer,
    "Prometheus": prometheus,
    "OpenTelemetry, with its SDK": open_telemetry,
}


@asynccontextmanager
async def watched(observer: Callable[[], Mapping[str, Any]]) -> AsyncGenerator[Patch]:
    """A client with an observer."""
    session = stub_session("typical")
    client = GongTasksClient(
        CREDENTIALS, base_url=BASE_URL, session=session, quota=LocalQuota(), **observer()
    )
    async with session, client as gong:
        yield gong.update_task


def microseconds(opened: Opened) -> float:
    """CPU time of one PATCH, as the median of some rounds."""
    with asyncio.Runner(loop_factory=HandSetClockLoop) as runner:
        return runner.run(_microseconds(opened))


async def _microseconds(opened: Opened) -> float:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, HandSetClockLoop)  # noqa: S101 - microseconds() made it
    rounds: list[float] = []
    async with opened() as patch:
        for _ in range(ROUNDS):
            started = time.process_time()
            for _ in range(PATCHES):
                await patch(TaskUpdate(next(task_ids), USER, status="DONE"))
                loop.now += BETWEEN_CALLS
            rounds.append((time.process_time() - started) / PATCHES * 1e6)
    return statistics.median(rounds)


def records() -> list[dict[str, object]]:
    """Each observer, and what it costs more than none."""
    found: list[tuple[str, float, float]] = []
    for name, observer in OBSERVERS.items():
        opened = partial(watched, observer)
        found.append((name, calls_of(opened, PATCHES) / PATCHES, microseconds(opened)))
    _, least_calls, least_cpu = found[0]
    return [
        {
            "observer": name,
            "Python calls": round(calls),
            "more calls": round(calls - least_calls),
            "us of CPU": round(cpu),
            "more us": round(cpu - least_cpu),
        }
        for name, calls, cpu in found
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = records()
    print(json.dumps(found) if options.json else "\n".join(map(str, found)))


if __name__ == "__main__":
    main()
