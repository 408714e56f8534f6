"""A worker: processes the rows of one company's jobs until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Generator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

from attrs import frozen

from gong_tasks_async.distributed.clients import ClientPool, QuotaOf, Resolver, shared_quota
from gong_tasks_async.distributed.data_docket import DataWorker
from gong_tasks_async.distributed.errors import JobStoreError
from gong_tasks_async.distributed.messages import FEED, ROW, START
from gong_tasks_async.distributed.queue import company_problem, open_docket, store_of, url_problem
from gong_tasks_async.distributed.row_attempts import RowAttempts
from gong_tasks_async.distributed.row_tasks import RowTasks
from gong_tasks_async.distributed.store import WORKER_LIFETIME
from gong_tasks_async.errors.checks import (
    conceals_arguments,
    count_problem,
    function_problem,
    refuse,
    seconds_problem,
)
from gong_tasks_async.events import Event, EventSink, callback_problem

CHECK_EVERY = timedelta(milliseconds=50)
"""Limits a worker to 160 rows a second with 8 in flight; polling more often costs CPU while idle."""
RECONNECT_AFTER = timedelta(seconds=1)

SHOW_UP_EVERY = 3.0
"""Seconds between two signs of life; a third of the time for which one counts."""

SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")

logger: Final = logging.getLogger("gong_tasks_async")


@frozen
class Lease:
    """For how long a row is a worker's before it is another's, and how that time is divided.

    Docket renews leases four times in their time: a quarter may have passed when a row arrives, and half of it belongs to
    the call. A wait of at most an eighth for Redis never works on a reassigned row.
    """

    seconds: float

    @property
    def of_call(self) -> float:
        """Seconds that a call may take, its wait in the queue included."""
        return self.seconds / 2

    @property
    def of_redis(self) -> float:
        """Seconds for which Redis is awaited before an update is sent."""
        return self.seconds / 8


class Worker:
    """Processes rows of one company's jobs, beside any number of other workers and processes.

    An async context manager::

        async with Worker(redis_url, company="acme", credentials={"default": {"credentials": key}}) as worker:
            await worker.run()

    Args:
        url: the jobs' Redis, such as ``rediss://:password@redis.example:6379/0``; never shown.
        company: the company whose jobs it processes; it never sees another company's rows.
        credentials: maps the name of credentials to the credentials, or to all settings of their client.
        quota: makes the company's quota; by default it is kept in the same Redis and shared by all workers.
        concurrency: rows in flight at once.
        lease: seconds until a dead worker's rows are reassigned. A call, its wait in the queue included, may take
            half of it.
        on_event: is passed what happens to rows (``RowClaimed``, ``RowEnded``), and the events of all clients whose
            settings have no ``on_event`` of their own.

    Raises:
        InvalidValueError: a setting is of another type or out of range; all are named at once.
    """

    @conceals_arguments
    def __init__(
        self,
        url: str,
        *,
        company: str,
        credentials: Resolver,
        quota: QuotaOf | None = None,
        concurrency: int = 8,
        lease: float = 120.0,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        problems = [
            url_problem(url),
            company_problem(company),
            _credentials_problem(credentials),
            function_problem("quota", quota, "a function of a company's name and its limits", or_none=True),
            count_problem("concurrency", concurrency),
            seconds_problem("lease", lease, finite=True),
            callback_problem(on_event),
        ]
        refuse("Worker", problems)
        self.company: str = company
        self._docket = open_docket(url, company)
        times = Lease(lease)
        self._clients = ClientPool(
            company,
            credentials,
            quota or shared_quota(self._docket),
            timeout=times.of_call,
            on_event=on_event,
        )
        self._store = store_of(self._docket, company)
        attempts = RowAttempts(
            self._docket, self._store, self._clients, redis_timeout=times.of_redis, events=EventSink(on_event)
        )
        self._tasks = RowTasks(attempts)
        self._worker = DataWorker(
            self._docket,
            name=f"{socket.gethostname()}#{os.getpid()}#{secrets.token_hex(4)}",
            concurrency=concurrency,
            redelivery_timeout=timedelta(seconds=lease),
            reconnection_delay=RECONNECT_AFTER,
            minimum_check_interval=CHECK_EVERY,
            scheduling_resolution=CHECK_EVERY,
            schedule_automatic_tasks=False,
        )
        self._worker.quarantine = self._tasks.quarantine
        self._stopping = asyncio.Event()
        self._seen_at: float | None = None
        self._stack = AsyncExitStack()

    @property
    def is_healthy(self) -> bool:
        """Whether it is running, and Redis responded within the last 10 seconds. To be read in the worker's event loop."""
        now = asyncio.get_running_loop().time()
        return self._seen_at is not None and now - self._seen_at < WORKER_LIFETIME

    async def run(self) -> None:
        """Process rows until :meth:`stop`, or until cancelled; either way, rows that were sent are recorded first."""
        # Leaving Docket's worker ends it: a cancelled one that finds Redis unreachable would start again.
        async with self._worker:
            working = asyncio.create_task(self._worker.run_forever())
            stopping = asyncio.create_task(self._stopping.wait())
            showing = asyncio.create_task(self._show_up())
            try:
                await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
                showing.cancel()
                self._seen_at = None
                self._tasks.drain()
        await working

    async def _show_up(self) -> None:
        while True:
            try:
                await self._store.mark_worker_up()
                self._seen_at = asyncio.get_running_loop().time()
            except JobStoreError as error:
                logger.debug("The worker's sign of life was not recorded: %s", error)
            except Exception:  # the next sign may succeed, and rows are processed without one
                logger.exception("The worker's sign of life was not recorded")
            await asyncio.sleep(SHOW_UP_EVERY)

    def stop(self) -> None:
        """Claim no further row: those that were sent finish, the others are requeued."""
        self._stopping.set()

    async def __aenter__(self) -> Self:
        self._docket.register(self._tasks.update_row, names=[ROW])
        self._docket.register(self._tasks.start_job, names=[START])
        self._docket.register(self._tasks.feed_job, names=[FEED])
        await self._stack.enter_async_context(self._docket)
        # Closed before the Docket, over whose connection their quotas report for the last time.
        self._stack.push_async_callback(self._clients.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        await self._stack.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.company}>"


def _credentials_problem(value: object) -> str | None:
    """What maps names to credentials; a wrong value may be a secret and is not shown."""
    if isinstance(value, Mapping) or callable(value):
        return None
    return f"credentials must be a mapping or a function of their names, not {type(value).__name__}"


async def run_worker(worker: Worker) -> None:
    """Run a worker that owns the process: SIGTERM and SIGINT end it, once its rows in flight are recorded.

    Args:
        worker: the worker.
    """
    with stopped_by_signals(worker.stop):  # first: a signal may arrive while the worker is starting
        async with worker:
            await worker.run()


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Generator[None]:
    """Call a function on SIGTERM, SIGINT and SIGHUP, as far as the platform has them.

    The event loops of Windows have no signal handlers: there the signal module's own are used, which run between two
    steps of the loop.
    """
    loop = asyncio.get_running_loop()
    numbers: list[signal.Signals] = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before: dict[signal.Signals, Any] = {}
    handled: list[signal.Signals] = []

    def later(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(stop)

    for number in numbers:
        try:
            loop.add_signal_handler(number, stop)
            handled.append(number)
        except (NotImplementedError, RuntimeError):
            with suppress(ValueError):  # not in the main thread: its owner calls stop()
                before[number] = signal.signal(number, later)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
        for number, handler in before.items():
            signal.signal(number, handler)
