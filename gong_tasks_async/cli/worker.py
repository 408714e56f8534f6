"""`gong-tasks worker`: takes rows of a company's jobs, until it is told to end."""

from __future__ import annotations

import asyncio
import os

import click

from gong_tasks_async.cli.redis_url import needed, of_company
from gong_tasks_async.settings import ClientSettings, credentials_from


@click.command("worker")
@of_company
@click.option("--concurrency", type=click.IntRange(min=1), default=8, show_default=True, help="Rows at once.")
@click.option(
    "--lease",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="After which the rows of a worker that died are another's.",
)
def command(*, url: str, company: str, concurrency: int, lease: float) -> None:
    """Take rows of a company's jobs, beside any number of other workers.

    Its own credentials, GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET or GONG_ACCESS_TOKEN, are what jobs call
    "default". SIGTERM or Ctrl-C ends it, once the rows that were sent are recorded.
    """
    needed()
    from gong_tasks_async.distributed import Worker, run_worker  # noqa: PLC0415 - needs an extra

    credentials = {"default": _own_settings()}

    async def work() -> None:
        await run_worker(
            Worker(url, company=company, credentials=credentials, concurrency=concurrency, lease=lease)
        )

    click.echo(f"Working for {company}; Ctrl-C ends it", err=True)
    asyncio.run(work())


def _own_settings() -> ClientSettings:
    try:
        settings = ClientSettings(credentials=credentials_from(os.environ))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if base_url := os.environ.get("GONG_BASE_URL", "").strip():
        settings["base_url"] = base_url
    return settings
