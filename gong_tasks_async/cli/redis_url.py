"""How the commands about jobs are told where the jobs' Redis is, without anybody's password in a list of processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

VARIABLE = "GONG_REDIS_URL"


def of_company(command: CommandT) -> CommandT:
    """Give a command the options `--redis` and `--company`."""
    company = click.option("--company", required=True, help="Whose jobs.")
    redis = click.option(
        "--redis",
        "url",
        envvar=VARIABLE,
        required=True,
        callback=_without_password,
        metavar="URL",
        help=f"The jobs' Redis. One with a password in it belongs into {VARIABLE}.",
    )
    return company(redis(command))


def needed() -> None:
    """Say what to install where jobs cannot be had.

    Raises:
        click.ClickException: the extra is missing.
    """
    try:
        import gong_tasks_async.distributed  # noqa: F401, PLC0415 - needs an extra, and takes its time
    except ImportError as error:
        raise click.ClickException(str(error)) from None


def _without_password(ctx: click.Context, parameter: click.Parameter, url: str) -> str:
    given = ctx.get_parameter_source(str(parameter.name))
    if given is ParameterSource.COMMANDLINE and urlsplit(url).password:
        raise click.BadParameter(
            f"a password on the command line is seen by everybody on this machine: put the URL into {VARIABLE}"
        )
    return url
