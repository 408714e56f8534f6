"""What all commands that call Gong share: two options, a client, and a neat end."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gong_tasks_async.cli.command import SectionOption
from gong_tasks_async.cli.output.console import note

if TYPE_CHECKING:
    from gong_tasks_async.cli.config.configuration import Configuration
    from gong_tasks_async.client import GongTasksClient
    from gong_tasks_async.events import Event
    from gong_tasks_async.quota import Quota

T = TypeVar("T")

# Python would write the library's warnings, meant for services, between the lines meant for people.
logging.getLogger("gong_tasks_async").addHandler(logging.NullHandler())


def client_options(function: Callable[..., T]) -> Callable[..., T]:
    """Give a command ``--profile`` and ``--base-url``, and pass it ``configuration`` as a keyword."""

    @functools.wraps(function)
    def with_configuration(*args: Any, profile: str | None, base_url: str | None, **kwargs: Any) -> T:
        # Imported here: it brings the client's settings, and aiohttp with them.
        from gong_tasks_async.cli.config.configuration import read_configuration  # noqa: PLC0415

        configuration = read_configuration(os.environ, profile=profile, base_url=base_url)
        for line in configuration.notes:
            note(f"Note: {line}")
        return function(*args, configuration=configuration, **kwargs)

    return profile_option(_BASE_URL(with_configuration))


def _profile_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The profiles, for shell completion; a wrong file is reported when it is used."""
    from gong_tasks_async.cli.config.config_file import read_config_file  # noqa: PLC0415 - as above
    from gong_tasks_async.cli.config.folders import config_file  # noqa: PLC0415 - as above

    with suppress(ValueError, OSError):
        names = read_config_file(config_file(os.environ)).profiles
        return [name for name in names if name.startswith(incomplete)]
    return []


profile_option = click.option(
    "--profile",
    metavar="NAME",
    shell_complete=_profile_names,
    envvar="GONG_TASKS_PROFILE",
    cls=SectionOption,
    section="Company",
    help="A company of the configuration file, credentials included.",
)
_BASE_URL = click.option(
    "--base-url",
    metavar="URL",
    cls=SectionOption,
    section="Company",
    help="The company's own address, such as https://us-12345.api.gong.io.",
)


def open_client(
    configuration: Configuration,
    *,
    on_event: Callable[[Event], None] | None = None,
    quota: Quota | None = None,
) -> GongTasksClient:
    """A client for ``async with``, whose calls count together with all other runs of this machine today.

    Args:
        configuration: whose Gong it is.
        on_event: receives each event; by default, pauses of ten seconds and more are noted on standard error.
        quota: one that other hosts share, in place of this host's own.

    Raises:
        ValueError: the base URL is none, or would not be safe.
        QuotaStoreError: the day's count cannot be kept.
        OSError: the state folder cannot be made.
    """
    from gong_tasks_async.client import GongTasksClient  # noqa: PLC0415 - aiohttp, when it is needed

    configuration.make_folders()
    return GongTasksClient(
        configuration.credentials,
        base_url=configuration.base_url,
        limits=configuration.limits,
        quota=quota,
        on_event=on_event or PauseNotices(),
    )


class PauseNotices:
    """Notify of long pauses, each once, however many calls were rate-limited."""

    def __init__(self) -> None:
        self._notified_until = 0.0

    def __call__(self, event: Event) -> None:
        """Take an event of the client."""
        from gong_tasks_async.bulk.render.format import duration  # noqa: PLC0415 - loaded with the client
        from gong_tasks_async.events import LONG_PAUSE, Paused  # noqa: PLC0415 - loaded with the client

        if not isinstance(event, Paused) or event.seconds < LONG_PAUSE:
            return
        until = event.at.timestamp() + event.seconds
        if until - self._notified_until >= LONG_PAUSE:
            self._notified_until = until
            note(f"Paused by Gong for {duration(event.seconds)}.")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end. Ctrl-C and SIGTERM cancel, letting requests in flight finish; a second one stops at once.

    Raises:
        KeyboardInterrupt: it was cancelled.
    """
    try:
        return asyncio.run(_ended_by_sigterm(coroutine))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _ended_by_sigterm(coroutine: Coroutine[Any, Any, T]) -> T:
    # Supervisors end a program with SIGTERM, and are owed the same neat end as Ctrl-C. Windows has no such handlers,
    # nor has a thread.
    running = asyncio.current_task()
    assert running is not None  # noqa: S101 - a coroutine runs in a task
    with suppress(NotImplementedError, RuntimeError, ValueError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    return await coroutine
