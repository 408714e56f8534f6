"""A fake Gong, to test against: an independent reading of Gong's reference with limits, faults and a ledger."""

from __future__ import annotations

from gong_tasks_async.simulator.access import Account
from gong_tasks_async.simulator.calls import EmptyAs
from gong_tasks_async.simulator.data import full_task
from gong_tasks_async.simulator.engine import Engine
from gong_tasks_async.simulator.faults import FOREIGN, Fault
from gong_tasks_async.simulator.ledger import Entry, Ledger
from gong_tasks_async.simulator.limits import DayLimit, SecondLimit
from gong_tasks_async.simulator.memory import MemoryConnector, memory_session
from gong_tasks_async.simulator.oauth import TokenArguments
from gong_tasks_async.simulator.openapi import openapi_document
from gong_tasks_async.simulator.paging import CursorFlaw
from gong_tasks_async.simulator.server import Simulator, SimulatorThread, make_app
from gong_tasks_async.simulator.virtual_clock import DeadlockError, VirtualClockLoop
from gong_tasks_async.simulator.wire import Request, Response

__all__ = [
    "FOREIGN",
    "Account",
    "CursorFlaw",
    "DayLimit",
    "DeadlockError",
    "EmptyAs",
    "Engine",
    "Entry",
    "Fault",
    "Ledger",
    "MemoryConnector",
    "Request",
    "Response",
    "SecondLimit",
    "Simulator",
    "SimulatorThread",
    "TokenArguments",
    "VirtualClockLoop",
    "full_task",
    "make_app",
    "memory_session",
    "openapi_document",
]
