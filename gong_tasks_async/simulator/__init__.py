"""A fake Gong, to test against: an independent reading of Gong's reference with limits, faults and a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gong_tasks_async.lazy_names import lazy_names
from gong_tasks_async.simulator.access import Account
from gong_tasks_async.simulator.calls import EmptyAs
from gong_tasks_async.simulator.data import full_task
from gong_tasks_async.simulator.engine import Engine
from gong_tasks_async.simulator.faults import FOREIGN, Fault
from gong_tasks_async.simulator.ledger import Entry, Ledger
from gong_tasks_async.simulator.limits import DayLimit, SecondLimit
from gong_tasks_async.simulator.oauth import TokenArguments
from gong_tasks_async.simulator.openapi import openapi_document
from gong_tasks_async.simulator.paging import CursorFlaw
from gong_tasks_async.simulator.virtual_clock import DeadlockError, VirtualClockLoop
from gong_tasks_async.simulator.wire import Request, Response

if TYPE_CHECKING:
    from gong_tasks_async.simulator.memory import (
        MemoryConnector as MemoryConnector,
        memory_session as memory_session,
    )
    from gong_tasks_async.simulator.server import (
        Simulator as Simulator,
        SimulatorThread as SimulatorThread,
        make_app as make_app,
    )

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

_OVER_AIOHTTP = {
    "MemoryConnector": "memory",
    "memory_session": "memory",
    "Simulator": "server",
    "SimulatorThread": "server",
    "make_app": "server",
}
"""Imported when they are first used: the command's help names faults and limits, and needs no server."""

if not TYPE_CHECKING:
    __getattr__ = lazy_names(__name__, _OVER_AIOHTTP)
