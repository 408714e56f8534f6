"""The options of all commands that send updates: run, resume, retry, undo."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from gong_tasks_async.cli.input.options import (
    accept_refusals_option,
    outage_option,
    wait_for_day_option,
    workers_option,
)

if TYPE_CHECKING:
    from gong_tasks_async.settings import BulkSettings

T = TypeVar("T")


def run_options(function: Callable[..., T]) -> Callable[..., T]:
    """Give a command these options, and pass it ``bulk`` as a keyword: the settings of its run."""

    @functools.wraps(function)
    def with_settings(
        *args: Any,
        workers: int,
        wait_for_day: bool,
        accept_refusals: bool,
        outage_timeout: float,
        **keywords: Any,
    ) -> T:
        bulk: BulkSettings = {
            "workers": workers,
            "wait_for_day": wait_for_day,
            "accept_refusals": accept_refusals,
            "outage_timeout": outage_timeout,
        }
        return function(*args, bulk=bulk, **keywords)

    decorated: Callable[..., T] = with_settings
    for option in (outage_option, accept_refusals_option, wait_for_day_option, workers_option):
        decorated = option(decorated)
    return decorated
