"""The jobs' Redis and the company: from options, the configuration file or the environment.

A password is never taken from the command line, where every process of the machine could read it.
"""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import click
from attrs import field, frozen

from gong_tasks_async.cli.command import SectionOption
from gong_tasks_async.cli.invocation import global_option

if TYPE_CHECKING:
    from gong_tasks_async.config.config_file import ConfigFile
    from gong_tasks_async.config.profile import Profile
    from gong_tasks_async.distributed import Jobs

T = TypeVar("T")

VARIABLE = "GONG_REDIS_URL"

PLACES = f'set {VARIABLE}, or give the profile redis_url = "env:NAME" or "file:PATH"'

NEEDED = ("docket", "redis")


@frozen
class JobServer:
    """A company and the Redis of its jobs."""

    url: str = field(repr=False)
    """It may hold a password."""
    company: str

    def jobs(self) -> Jobs:
        """The company's jobs, for ``async with``.

        Raises:
            ValueError: the company's name cannot be part of a Redis key.
        """
        from gong_tasks_async.distributed import Jobs  # noqa: PLC0415 - needs an extra, and loads slowly

        return Jobs(self.url, company=self.company)


class MissingExtraError(click.ClickException):
    """A required extra is not installed; exit code 2."""

    exit_code = 2


def job_server_options(function: Callable[..., T]) -> Callable[..., T]:
    """Give a command ``--company`` and ``--redis``, and pass it ``server`` as a keyword."""

    @functools.wraps(function)
    def with_server(*args: Any, company: str | None, url: str | None, **kwargs: Any) -> T:
        if not all(map(find_spec, NEEDED)):
            raise MissingExtraError("pydocket and redis are needed; install 'gong_tasks_async[docket]'")
        profile = global_option("profile")
        server = read_job_server(os.environ, profile=profile, company=company, url=url)
        return function(*args, server=server, **kwargs)

    return company_option(redis_option(with_server))


def read_only_options(function: Callable[..., T]) -> Callable[..., T]:
    """The same for a command that does not call Gong: its profile needs no credentials."""
    return job_server_options(function)


def jobs_command(*words: str) -> str:
    """A command about jobs to be typed next, complete: at the company and Redis of this command line."""
    context = click.get_current_context(silent=True)
    given = context.params if context else {}
    options = {
        "--profile": global_option("profile"),
        "--company": given.get("company"),
        "--redis": given.get("url"),
    }
    known = {flag: value for flag, value in options.items() if isinstance(value, str) and value}
    return shlex.join(("gong-tasks", *words, *(word for option in known.items() for word in option)))


def read_job_server(
    environment: Mapping[str, str], *, profile: str | None, company: str | None, url: str | None
) -> JobServer:
    """Find the jobs' Redis and company: command line, then a named profile, then the environment.

    Args:
        environment: the variables.
        profile: ``--profile``, if given.
        company: ``--company``, if given.
        url: ``--redis``, if given.

    Raises:
        ConfigurationError: one of the two is missing, or the profile's is not valid.
        OSError: the file cannot be read.
    """
    # Imported here: they bring aiohttp with them.
    from gong_tasks_async.config.config_file import read_config_file  # noqa: PLC0415
    from gong_tasks_async.config.configuration import chosen_profile  # noqa: PLC0415
    from gong_tasks_async.config.errors import ConfigurationError  # noqa: PLC0415
    from gong_tasks_async.config.folders import config_file  # noqa: PLC0415

    file = read_config_file(config_file(environment))
    chosen = chosen_profile(file, environment, profile)
    try:
        url = url or _url(environment, chosen, named=profile is not None)
        return JobServer(_checked(url), company or _company(file, chosen))
    except ValueError as error:
        raise ConfigurationError("the jobs' Redis", (str(error),)) from None


def _url(environment: Mapping[str, str], chosen: Profile | None, *, named: bool) -> str:
    place = chosen and chosen.redis_url
    url = environment.get(VARIABLE, "").strip()
    if place and chosen and (named or not url):
        return place.read(environment, chosen.name)
    if url:
        return url
    raise ValueError(f"no Redis URL: {PLACES}")


def _company(file: ConfigFile, chosen: Profile | None) -> str:
    if chosen and chosen.company:
        return chosen.company
    where = f"profile {chosen.name!r} of {file.path}" if chosen else f"a profile in {file.path}"
    raise ValueError(
        f'no company: add --company, the same name on every machine, or set company = "acme" in {where}'
    )


def _checked(url: str) -> str:
    """Refuse a URL that Redis's client would refuse with a quotation, which may hold the password."""
    try:
        parts = urlsplit(url)
        sound = "://" in url and (parts.scheme not in ("redis", "rediss") or parts.port != 0)
    except ValueError:
        sound = False
    if sound:
        return url
    raise ValueError(
        "its URL, not shown here, is not one such as rediss://:password@redis.example:6379/0; "
        "in a password, '/', '#', '?' and '@' are written as %2F, %23, %3F and %40"
    )


def _without_password(_context: click.Context, _parameter: click.Parameter, url: str | None) -> str | None:
    if url is not None and ("@" in url or "password" in parse_qs(url.partition("?")[2])):
        raise click.BadParameter(
            f"any process on this machine can read a password on the command line: {PLACES}"
        )
    return url


company_option = click.option(
    "--company",
    metavar="NAME",
    cls=SectionOption,
    section="The jobs' Redis",
    help="Company: the same name on every machine. Default: the profile's.",
)
redis_option = click.option(
    "--redis",
    "url",
    metavar="URL",
    callback=_without_password,
    cls=SectionOption,
    section="The jobs' Redis",
    help=f"Redis URL. With a password, use {VARIABLE} or the profile's redis_url instead.",
)
