"""What the library has to reach, and what a run found of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from benchmarks.measure import Comparison, Figure

PATCH_16 = "PATCH, 16 at a time, a typical task"
PATCH_1 = "PATCH, 1 at a time, a typical task"
DECODE = "decode a full task"
LIST = "POST with 1,000 tasks"
STALL_MANY = "longest stall, 10,000 full tasks"
STALL_SOME = "longest stall, 1,000 full tasks"
TOTAL = "total time, 10,000 full tasks"
CALLS = "Python calls per PATCH"
OUR_LABEL = "ours"


@frozen
class Target:
    """One line of the must-reach table."""

    what: str
    bound: float | None
    """None where the figure is only shown."""
    comparison: str
    contender: str
    over: str | None = None
    at_least: bool = False

    def reached(self, figure: Figure) -> bool | None:
        """Whether the median is on the right side; None where no side is right."""
        if self.bound is None:
            return None
        return figure.value >= self.bound if self.at_least else figure.value <= self.bound


TARGETS = (
    Target("CPU per PATCH, limiter on, over bare aiohttp, 16 at a time", 1.20, PATCH_16, OUR_LABEL),
    Target("the same, 1 at a time", None, PATCH_1, OUR_LABEL),
    Target("Python calls per PATCH, limiter on", 290, CALLS, OUR_LABEL),
    Target(
        "httpx + pydantic over ours, PATCH, 1 at a time",
        3.3,
        PATCH_1,
        "httpx + pydantic",
        OUR_LABEL,
        at_least=True,
    ),
    Target(
        "httpx + pydantic over ours, PATCH, 16 at a time",
        8.0,
        PATCH_16,
        "httpx + pydantic",
        OUR_LABEL,
        at_least=True,
    ),
    Target("decode of a fully populated task over msgspec Struct", 4.0, DECODE, OUR_LABEL, "msgspec"),
    Target("decode over pydantic v2", 1.0, DECODE, OUR_LABEL, "pydantic"),
    Target("POST with 1,000 tasks over bare aiohttp to dicts", 2.6, LIST, OUR_LABEL),
    Target("longest loop stall, iter_tasks over 10,000 full tasks, ms", 15.0, STALL_MANY, "iter_tasks"),
    Target("its total time over decoding in one go", 0.5, TOTAL, "iter_tasks"),
    Target("longest loop stall, list_tasks of 1,000, ms", 25.0, STALL_SOME, "list_tasks"),
    Target(
        "from gong_tasks_async import GongTasksClient, over import aiohttp", 1.15, "import", "GongTasksClient"
    ),
    Target("import gong_tasks_async, over import aiohttp", 1.15, "import", "gong_tasks_async"),
)


@frozen
class Finding:
    """A target and what a run measured; None where the run left it out."""

    target: Target
    figure: Figure | None
    noisy: bool = False

    @property
    def verdict(self) -> str:
        """In words; none where nothing has to be reached."""
        reached = None if self.figure is None else self.target.reached(self.figure)
        words = {True: "reached", False: "**missed**", None: ""}[reached]
        return f"{words} (noisy)".strip() if self.noisy else words


def findings(comparisons: Iterable[Comparison]) -> Iterator[Finding]:
    """Each target with its figure."""
    by_name = {comparison.name: comparison for comparison in comparisons}
    for target in TARGETS:
        found = by_name.get(target.comparison)
        if found:
            yield Finding(target, found.figure(target.contender, target.over), found.noisy)
        else:
            yield Finding(target, None)
