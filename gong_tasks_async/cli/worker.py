"""`gong-tasks worker`: process rows of a company's jobs until stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.job_server import JobServer, job_server_options
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.session import client_options

if TYPE_CHECKING:
    from gong_tasks_async.config.configuration import Configuration
    from gong_tasks_async.events import Event
    from gong_tasks_async.settings import ClientSettings

EXAMPLES = """
gong-tasks worker --profile acme
gong-tasks worker --company acme --concurrency 16
gong-tasks worker --company acme --metrics-port 9464 --health-port 8080 --listen 0.0.0.0
"""

PORT = click.IntRange(0, 65_535)

DEFAULT = "default"
"""The name by which a job refers to its worker's own credentials."""


@click.command("worker", cls=Command, examples=EXAMPLES)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Updates in flight at once.",
)
@click.option(
    "--lease",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="Until a dead worker's rows are reassigned.",
)
@click.option("--metrics-port", type=PORT, metavar="PORT", help="Serve Prometheus metrics on this port.")
@click.option(
    "--health-port",
    type=PORT,
    metavar="PORT",
    help="Answer 200 on this port while the worker works, else 503.",
)
@click.option(
    "--listen", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Where both ports listen."
)
@job_server_options
@client_options
def command(
    *,
    server: JobServer,
    concurrency: int,
    lease: float,
    metrics_port: int | None,
    health_port: int | None,
    listen: str,
    configuration: Configuration,
) -> None:
    """Run a worker that processes rows of a company's jobs.

    Credentials, URL and limits are those of the profile or the environment; jobs refer to them as "default" or by the
    profile's name. All workers of a company share its quota in the jobs' Redis, and wait while Redis is unreachable.
    SIGTERM or Ctrl-C ends the worker with 0, once the rows in flight are recorded.
    """
    from gong_tasks_async.cli.health import health_server  # noqa: PLC0415 - help need not load it
    from gong_tasks_async.distributed import Worker, run_worker  # noqa: PLC0415 - needs an extra

    async def work(settings: ClientSettings) -> None:
        worker = Worker(
            server.url,
            company=server.company,
            credentials={DEFAULT: settings, configuration.profile: settings},
            concurrency=concurrency,
            lease=lease,
            on_event=settings.get("on_event"),
        )
        async with health_server(health_port, listen, lambda: worker.is_healthy):
            await run_worker(worker)

    with metrics_of(client_settings(configuration), metrics_port, listen) as settings:
        note(f"Working for {server.company}; press Ctrl-C to stop")
        asyncio.run(work(settings))


@contextmanager
def metrics_of(settings: ClientSettings, port: int | None, listen: str) -> Generator[ClientSettings]:
    """The settings of clients whose events are counted, and served on a port meanwhile.

    Raises:
        click.UsageError: the extra is missing.
        OSError: the port cannot be opened.
    """
    if port is None:
        yield settings
        return
    try:
        from gong_tasks_async.telemetry.prometheus import PrometheusMetrics, serve_metrics  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise click.UsageError(str(error)) from None
    metrics, other = PrometheusMetrics(), settings.get("on_event")

    def count(event: Event) -> None:
        metrics(event)
        if other is not None:
            other(event)

    close = serve_metrics(port, listen)
    try:
        yield {**settings, "on_event": count}
    finally:
        close()


def client_settings(configuration: Configuration) -> ClientSettings:
    """Settings of the worker's clients; the day is counted in Redis, for all workers."""
    from attrs import evolve  # noqa: PLC0415 - help need not load it

    from gong_tasks_async.cli.waiting import PauseNotices  # noqa: PLC0415 - as above

    return {
        "credentials": configuration.credentials,
        "base_url": configuration.base_url,
        "limits": evolve(configuration.limits, day_store=None),
        "on_event": PauseNotices(),
    }
