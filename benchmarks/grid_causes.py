"""Why a cell of the grid is worse than before, by experiment: a cause is taken out of the ladder, and the cell run again.

A cause is named where at least half of the loss is regained without it; of several the one that regains most. Where no
cause alone does, that is what is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from unittest.mock import patch

from benchmarks.grid_world import Cell
from gong_tasks_async.quota import ladder
from gong_tasks_async.quota.limits import QuotaLimits
from gong_tasks_async.quota.local import arrivals

NOTEWORTHY_USE = 0.02
"""Of the limit; smaller differences are the seeds'."""
NOTEWORTHY_WASTE = 3.0
"""Of 1,000 calls."""
CONVINCING = 0.5
"""The share of a loss that has to be regained."""
UNKNOWN = "no cause alone"
FORMER_TRUST = 0.8
"""Of the quickest round trip, by which a call's hold of the window was shortened before."""
FORMER_PATIENCE = 60.0
"""Seconds for which a call that hangs held its place before."""


@contextmanager
def _window_as_before() -> Generator[None]:
    with patch.object(ladder, "WINDOW_TRUST", FORMER_TRUST):
        yield


@contextmanager
def _several_at_a_time() -> Generator[None]:
    """At each rung as many calls at a time as the window allows; spaced as ever."""
    windows_at = ladder.windows_at

    def whole(rung: int, limits: QuotaLimits, floor: float) -> tuple[ladder.Window, ...]:
        return windows_at(min(rung, 0), limits, floor)

    with patch.object(ladder, "windows_at", whole):
        yield


@contextmanager
def _no_return() -> Generator[None]:
    """No step back to a quicker rung."""
    with patch.object(ladder.Ladder, "accepted", lambda *_: False):
        yield


@contextmanager
def _hanging_calls_hold() -> Generator[None]:
    with patch.object(arrivals, "ARRIVED_AFTER", FORMER_PATIENCE):
        yield


@contextmanager
def _slower() -> Generator[None]:
    with patch.object(ladder, "SLOWEST_RUNG", ladder.SLOWEST_RUNG + 1):
        yield


@contextmanager
def _no_delay() -> Generator[None]:
    refused = ladder.Ladder.refused

    def undelayed(self: ladder.Ladder, departed: float, now: float) -> bool:
        refused(self, departed, now)
        return False

    with patch.object(ladder.Ladder, "refused", undelayed):
        yield


CAUSES: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    "a call counts for a window less 0.35 of the quickest round trip, no longer 0.8": _window_as_before,
    "one call at a time after a refusal, until a calm has passed": _several_at_a_time,
    "it tries the full pace again after each calm": _no_return,
    "a call that hangs counts as arrived after 5 s, no longer until it ends": _hanging_calls_hold,
    "the slowest pace is 0.26 of the configured one, no longer 0.2": _slower,
    "a random part of a spacing after each refusal": _no_delay,
}
"""What the ladder does otherwise than the pace before it, in words, and what takes it out."""


def without(cause: str | None) -> AbstractContextManager[None]:
    """Take a cause out of the ladder; None for none."""
    return nullcontext() if cause is None else CAUSES[cause]()


def losses(before: Cell, after: Cell) -> list[Callable[[Cell], float]]:
    """In what a cell is worse than before: functions of a cell that are the higher the better."""
    found: list[Callable[[Cell], float]] = []
    if after.used < before.used - NOTEWORTHY_USE:
        found.append(lambda cell: cell.used)
    if after.wasted > before.wasted + NOTEWORTHY_WASTE:
        found.append(lambda cell: -cell.wasted)
    return found


def main_cause(before: Cell, after: Cell, without_causes: Mapping[str, Cell]) -> tuple[str, float]:
    """The cause without which most of the loss is regained, and that share; 0 for none that regains half of it."""

    def regained(cell: Cell) -> float:
        shares = [(of(cell) - of(after)) / (of(before) - of(after)) for of in losses(before, after)]
        return min(1.0, *shares)

    cause = max(without_causes, key=lambda cause: regained(without_causes[cause]))
    share = regained(without_causes[cause])
    return (cause, share) if share >= CONVINCING else (UNKNOWN, 0.0)
