"""The Grafana dashboard asks for metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("prometheus_client", reason="needs the extra prometheus")

from prometheus_client import CollectorRegistry

from gong_tasks_async.telemetry.prometheus import PrometheusMetrics

DASHBOARD = Path(__file__).parent.parent.parent / "examples" / "deploy" / "grafana-dashboard.json"


def test_each_panel_asks_for_a_metric_that_is_exported() -> None:
    registry = CollectorRegistry()
    PrometheusMetrics(registry)
    exported = {
        name + ending
        for metric in registry.collect()
        for name in [metric.name]
        for ending in ("", "_total", "_bucket", "_count", "_sum")
    }
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    asked = {
        name
        for panel in panels
        for target in panel["targets"]
        for name in re.findall(r"gong_tasks_\w+", target["expr"])
    }
    assert asked
    assert asked <= exported
