"""A company simulated whole, in virtual time: processes, people, a bulk job and neighbours against one Gong.

The clients, their quotas and the bulk run are the library's own; only the network and Gong are made up. One second of
it takes a few hundred microseconds for each call. `gong-tasks quota simulate` prints what comes of it.
"""

from gong_tasks_async.simulation.company import simulate
from gong_tasks_async.simulation.forecast import Forecast, Slice
from gong_tasks_async.simulation.scenario import Scenario, Sharing

__all__ = ["Forecast", "Scenario", "Sharing", "Slice", "simulate"]
