"""What all commands that call Gong share: an option, a client, and a neat end."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from gong_tasks_async.cli.command import SectionOption
from gong_tasks_async.cli.invocation import global_option
from gong_tasks_async.cli.output.console import note

if TYPE_CHECKING:
    from gong_tasks_async.client import GongTasksClient
    from gong_tasks_async.config.configuration import Configuration
    from gong_tasks_async.events import Event
    from gong_tasks_async.http.retry import RetryPolicy
    from gong_tasks_async.quota import Quota

T = TypeVar("T")

ENDING_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""Supervisors send the first, a terminal that closes the second, Windows the third: each is owed the end of Ctrl-C."""


def client_options(function: Callable[..., T]) -> Callable[..., T]:
    """Give a command ``--base-url``, and pass it ``configuration`` as a keyword, of the profile that was named."""

    @functools.wraps(function)
    def with_configuration(*args: Any, base_url: str | None, **kwargs: Any) -> T:
        # Imported here: it brings the client's settings, and aiohttp with them.
        from gong_tasks_async.config.configuration import read_configuration  # noqa: PLC0415

        configuration = read_configuration(
            os.environ, profile=global_option("profile"), base_url=base_url, notify=note
        )
        for line in configuration.notes:
            note(f"Note: {line}")
        return function(*args, configuration=configuration, **kwargs)

    return _BASE_URL(with_configuration)


_BASE_URL = click.option(
    "--base-url",
    metavar="URL",
    cls=SectionOption,
    section="Company",
    help="The company's own URL, such as https://us-12345.api.gong.io.",
)


@asynccontextmanager
async def open_client(
    configuration: Configuration,
    *,
    on_event: Callable[[Event], None] | None = None,
    quota: Quota | None = None,
    retry: RetryPolicy | None = None,
) -> AsyncGenerator[GongTasksClient]:
    """Open a client, whose calls count together with all other runs of this machine today.

    Args:
        configuration: whose Gong it is.
        on_event: receives each event; by default, pauses of ten seconds and more are noted on standard error.
        quota: one that other hosts share, in place of this host's own.
        retry: when a call is tried again.

    Raises:
        ValueError: the base URL is none, or would not be safe.
        QuotaStoreError: the day's count cannot be kept.
        OSError: the state folder cannot be made.
    """
    from gong_tasks_async.cli.waiting import PauseNotices  # noqa: PLC0415 - with the client
    from gong_tasks_async.client import GongTasksClient  # noqa: PLC0415 - aiohttp, when it is needed

    configuration.make_folders()
    client = GongTasksClient(
        configuration.credentials,
        base_url=configuration.base_url,
        limits=configuration.limits,
        quota=quota,
        on_event=on_event or PauseNotices(),
        proxy=configuration.proxy,
        ca_bundle=configuration.ca_bundle,
    )
    async with client.with_options(timeout=global_option("timeout"), retry=retry) as opened:
        yield opened


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end. Ctrl-C and SIGTERM cancel it, letting requests in flight finish; a second one stops at once.

    Raises:
        KeyboardInterrupt: it was cancelled.
    """
    try:
        return asyncio.run(_ended_by_signals(coroutine))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _ended_by_signals(coroutine: Coroutine[Any, Any, T]) -> T:
    running = asyncio.current_task()
    assert running is not None  # noqa: S101 - a coroutine runs in a task
    with signals_call(running.cancel):
        return await coroutine


@contextmanager
def signals_call(end: Callable[[], object]) -> Generator[None]:
    """Call a function of the running loop when a signal asks for the end, on Windows too.

    Outside of the main thread no signal can be handled, and none arrives.
    """
    loop = asyncio.get_running_loop()
    plain = [one for one in ENDING_SIGNALS if not _handled_by_loop(loop, one, end)]
    before: dict[signal.Signals, Any] = {}

    def later(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(end)

    try:
        for one in plain:
            with suppress(ValueError, OSError):
                before[one] = signal.signal(one, later)
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _handled_by_loop(loop: asyncio.AbstractEventLoop, one: signal.Signals, end: Callable[[], object]) -> bool:
    """Whether the loop takes the signal; Windows' loops cannot: https://docs.python.org/3/library/asyncio-platforms.html."""
    try:
        loop.add_signal_handler(one, end)
    except (NotImplementedError, RuntimeError, ValueError):
        return False
    return True
