"""The Grafana dashboard of `examples/deploy`, its panels computed from what the client exported during ten minutes."""

from __future__ import annotations

import asyncio
import json
import math
import random
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from attrs import frozen
from canvas import WIDTH, Canvas
from company import client_of, run
from prometheus_client import CollectorRegistry

from gong_tasks_async import Event, TaskUpdate
from gong_tasks_async.simulator import DayLimit, Engine, Fault, SecondLimit
from gong_tasks_async.telemetry.prometheus import PrometheusMetrics

FILE = Path(__file__).parent.parent.parent / "examples" / "deploy" / "grafana-dashboard.json"
EVERY, WINDOW = 10.0, 60.0
"""Seconds between two scrapes; over which a rate is taken, where the dashboard takes five minutes."""
PANEL = 132
FAULTS = (*[Fault.BAD_GATEWAY] * 5, Fault.TOO_MANY)
COLOURS = ("blue", "orange", "green", "red")
Labels = tuple[tuple[str, str], ...]


@frozen
class Scrape:
    """What a server that collects metrics would read at one moment.

    Attributes:
        at: seconds since the beginning.
        values: by metric and labels.
    """

    at: float
    values: dict[str, dict[Labels, float]]


def draw(*, quick: bool) -> str:
    """Draw each panel from the same expressions that Grafana evaluates."""
    scrapes = run(_scrapes(120.0 if quick else 600.0))
    panels: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["panels"]
    canvas = Canvas("The panels of the dashboard after ten minutes", 44 + PANEL * ((len(panels) + 1) // 2))
    canvas.text(
        24,
        28,
        "The dashboard's panels: ten minutes of a bulk run beside people, with some 502 and 429",
        "bold",
    )
    for number, panel in enumerate(panels):
        left, top = 24 + (WIDTH - 24) / 2 * (number % 2), 44 + PANEL * (number // 2)
        _draw_panel(canvas, left, top, panel["title"], _series(panel["targets"][0]["expr"], scrapes))
    return canvas.svg()


async def _scrapes(seconds: float) -> list[Scrape]:
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(registry)
    engine = Engine(users=2, tasks_per_user=1_000, second_limit=SecondLimit.NONE, day_limit=DayLimit.NONE)
    loop = asyncio.get_running_loop()

    def observe(_at: float, event: Event) -> None:
        metrics(event)

    scrapes = [_scrape(registry, 0.0)]
    async with client_of(engine, observe) as gong:

        async def people() -> None:
            while True:
                await asyncio.sleep(random.uniform(1, 12))  # noqa: S311 - no cryptography
                await gong.list_tasks(random.choice(engine.user_ids))  # noqa: S311 - no cryptography

        async def bulk() -> None:
            updates = [
                TaskUpdate(number, str(task["userId"]), "DONE") for number, task in engine.tasks.items()
            ]
            await gong.update_many(updates, on_outcome=metrics.count_row)

        busy = [asyncio.create_task(people()), asyncio.create_task(bulk())]
        while loop.time() < seconds:
            engine.inject_fault(random.choice(FAULTS), retry_after="25")  # noqa: S311 - no cryptography
            await asyncio.sleep(EVERY)
            scrapes.append(_scrape(registry, loop.time()))
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
    return scrapes


def _scrape(registry: CollectorRegistry, at: float) -> Scrape:
    values: dict[str, dict[Labels, float]] = defaultdict(dict)
    for metric in registry.collect():
        for sample in metric.samples:
            values[sample.name][tuple(sorted(sample.labels.items()))] = sample.value
    return Scrape(at, values)


def _series(expression: str, scrapes: list[Scrape]) -> dict[str, list[tuple[float, float]]]:
    """The lines of one panel; the few forms that the dashboard uses, computed as Prometheus does."""
    (metric,) = re.findall(r"gong_tasks_\w+", expression)
    if "[5m]" not in expression:
        values = [(scrape.at, next(iter(scrape.values[metric].values()))) for scrape in scrapes]
        return {"": [(at, value) for at, value in values if not math.isnan(value)]}
    kept = [name.strip() for name in re.findall(r"by \(([^)]*)\)", expression)[0].split(",")]
    series: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for now in scrapes:
        before = next(scrape for scrape in scrapes if scrape.at >= now.at - WINDOW)
        grown: dict[Labels, float] = defaultdict(float)
        for labels, value in now.values[metric].items():
            key = tuple((name, dict(labels).get(name, "")) for name in kept)
            grown[key] += value - before.values[metric].get(labels, 0.0)
        for name, value in _evaluated(expression, grown, max(now.at - before.at, EVERY)).items():
            series[name].append((now.at, value))
    return series


def _evaluated(expression: str, grown: dict[Labels, float], seconds: float) -> dict[str, float]:
    if "histogram_quantile" not in expression:
        scale = 1.0 if "increase" in expression else seconds
        return {" ".join(value for _, value in labels): value / scale for labels, value in grown.items()}
    buckets: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for labels, value in grown.items():
        named = dict(labels)
        edge = float(named.pop("le"))
        buckets[" ".join(named.values())].append((edge, value))
    return {name: _quantile(0.95, sorted(edges)) for name, edges in buckets.items()}


def _quantile(share: float, buckets: list[tuple[float, float]]) -> float:
    """As Prometheus does it: https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile."""
    wanted, lower, below = share * buckets[-1][1], 0.0, 0.0
    for edge, count in buckets:
        if count >= wanted and count > below:
            return (
                lower if edge == float("inf") else lower + (edge - lower) * (wanted - below) / (count - below)
            )
        lower, below = edge, count
    return 0.0


def _draw_panel(
    canvas: Canvas, left: float, top: float, title: str, series: dict[str, list[tuple[float, float]]]
) -> None:
    width, height = WIDTH / 2 - 60, PANEL - 64
    canvas.text(left, top + 16, title, "bold")
    highest = max((value for line in series.values() for _, value in line), default=0.0) or 1.0
    end = max((at for line in series.values() for at, _ in line), default=1.0)
    canvas.line(left, top + 26 + height, left + width, top + 26 + height, "line")
    highest_shown = f"{highest:,.0f}" if highest >= 100 else f"{highest:.2g}"
    canvas.text(left + width, top + height + 42, f"up to {highest_shown}", "small end")
    for number, (name, line) in enumerate(sorted(series.items())):
        colour = COLOURS[number % len(COLOURS)]
        places = [(left + width * at / end, top + 26 + height * (1 - value / highest)) for at, value in line]
        canvas.curve(places, colour)
        if name:
            canvas.box(left + 110 * number, top + height + 34, 8, 8, colour)
            canvas.text(left + 110 * number + 12, top + height + 42, name, "small")
