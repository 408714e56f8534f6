"""The ratios as bars with their intervals, the target as a line."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.measure import Comparison
from benchmarks.results import Results
from benchmarks.targets import OUR_LABEL, TARGETS

OURS_COLOUR, OTHERS, CONTROL, LIMIT = "#3b78b5", "#b8c4cf", "#e3e7eb", "#c62828"
OUR_LABELS = (OUR_LABEL, "iter_tasks", "list_tasks", "gong_tasks_async", "GongTasksClient")
COLUMNS = 2
WIDE = 30.0
"""Where the dearest costs so many times the cheapest, bars are drawn to a logarithmic scale."""


def draw(results: Results) -> Path:
    """One picture of all comparisons, as SVG, which stays small and sharp."""
    mpl.use("Agg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "gong", "font.size": 9})
    drawn = [comparison for comparison in results.comparisons if len(comparison.costs) > 1]
    rows = -(-len(drawn) // COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(13, 2.6 * rows), layout="constrained", squeeze=False)
    for axes in grid.flat[len(drawn) :]:
        axes.set_visible(False)
    for axes, comparison in zip(grid.flat, drawn, strict=False):
        _draw(axes, comparison)
    results.folder.mkdir(parents=True, exist_ok=True)
    path = results.folder / "ratios.svg"
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path


def _draw(axes: Axes, comparison: Comparison) -> None:
    figures = sorted(
        ((name, comparison.figure(name)) for name in comparison.costs), key=lambda item: -item[1].value
    )
    values = [figure.value for _, figure in figures]
    errors = [[f.value - f.low for _, f in figures], [f.high - f.value for _, f in figures]]
    names = [name for name, _ in figures]
    axes.barh(
        names, values, color=[_colour(name) for name in names], xerr=errors, ecolor="#444444", height=0.7
    )
    if max(values) > WIDE * min(values):
        axes.set_xscale("log")
    for target in TARGETS:
        if target.comparison == comparison.name and target.bound and target.over in {None, comparison.base}:
            axes.axvline(target.bound, color=LIMIT, linestyle="--", linewidth=1)
    measure = f"over {comparison.base}" if comparison.base else comparison.unit
    axes.set_title(f"{comparison.name} ({measure})", fontsize=10)
    axes.grid(axis="x", alpha=0.25)


def _colour(name: str) -> str:
    if name.endswith(" again"):
        return CONTROL
    return OURS_COLOUR if name.startswith(OUR_LABELS) else OTHERS
