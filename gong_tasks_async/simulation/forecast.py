"""What a simulation has come to: numbers for a table, and slices of time for a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attrs import frozen

SLICES = 60
"""Parts of the time that a picture shows."""


@frozen(kw_only=True)
class Slice:
    """A part of the simulated time. The first four are calls."""

    starts: float
    """Seconds since the beginning."""
    bulk: int = 0
    """Admitted, of the bulk job."""
    interactive: int = 0
    """Admitted, of people."""
    neighbours: int = 0
    """Admitted, of the neighbours."""
    rate_limited: int = 0
    """Answered 429, of ours and of the neighbours."""
    longest_wait: float = 0.0
    """Seconds, of an interactive call that was answered then."""


@frozen(kw_only=True)
class Forecast:
    """What would happen."""

    seconds: float
    """How long it took, or was simulated."""
    rows: int
    settled: int
    """Rows of the bulk job that are done."""
    runs: int
    """How often the job was started: once, and again where a run had to stop."""
    calls: int
    """Calls of ours."""
    rate_limited: int
    """Those that were answered 429."""
    neighbour_calls: int
    neighbour_rate_limited: int
    waits: Sequence[float]
    """Seconds from asking until the call left that was answered, of all interactive calls; sorted."""
    unanswered: int
    """Interactive calls that ended with an error."""
    most_in_a_second: int
    """Arrivals of ours in a sliding second."""
    used: float
    """The share of the limit of calls a second that was used, by ours and the neighbours."""
    day_used: int
    """Calls that Gong counts in its day at the end."""
    slices: Sequence[Slice]

    @property
    def finished(self) -> bool:
        """Whether the bulk job ended."""
        return self.settled == self.rows

    def wait(self, share: float) -> float:
        """The interactive wait that a share of the calls did not exceed; 0 where there were none."""
        if not self.waits:
            return 0.0
        return self.waits[max(0, math.ceil(share * len(self.waits)) - 1)]
