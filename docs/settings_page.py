"""The page of all settings, made from the code: keywords with their defaults, environment variables, keys of a profile."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

import attrs

import gong_tasks_async
from gong_tasks_async.bulk import RunSettings
from gong_tasks_async.config.profile import profile_keys
from gong_tasks_async.distributed import Worker

ENVIRONMENT = {
    "GONG_BASE_URL": "the company's URL, such as `https://us-12345.api.gong.io`",
    "GONG_ACCESS_KEY": "the access key",
    "GONG_ACCESS_KEY_SECRET": "its secret",
    "GONG_ACCESS_TOKEN": "a bearer token, instead of a key",
    "GONG_CLIENT_ID": "an OAuth app, instead of a key",
    "GONG_CLIENT_SECRET": "its secret",
    "GONG_REFRESH_TOKEN_FILE": "the file with its refresh token; rewritten with each refresh",
    "GONG_TOKEN_URL": "where tokens are refreshed, for tests",
    "GONG_AUTHORIZE_URL": "where a browser signs in, for tests",
    "GONG_TASKS_PROFILE": "the profile to use, as `--profile`",
    "GONG_TASKS_CONFIG": "another configuration file",
    "GONG_TASKS_STATE": "another folder for journals and the day's count",
    "GONG_TASKS_LOG": "what the command logs: `debug`, `info`, `warning`",
    "GONG_REDIS_URL": "the Redis of jobs on many workers, where the profile names none",
    "GONG_MCP_TOKEN": "the bearer token of `gong-tasks mcp --http`",
}
"""A test compares the names with those in the code."""

PROFILE = {
    "base_url": "the company's URL",
    "access_key": "the access key",
    "secret": 'where its secret is, or the OAuth app\'s: `"keyring"`, `"file:PATH"` or `"env:NAME"`',
    "access_token": "where a bearer token is, instead of a key",
    "client_id": "an OAuth app, instead of a key",
    "refresh_token_file": "the file with its refresh token",
    "proxy": "the proxy to go through",
    "ca_bundle": "certificates to trust beside this machine's",
    "company": "the company's name in jobs on many workers: the same on all machines",
    "redis_url": 'where those jobs are: `"env:NAME"` or `"file:PATH"`',
    "per_second": "calls a second, where Gong has raised the limit",
    "per_day": "calls a day",
    "interactive_reserve": "how many of them are kept from bulk runs",
    "day_starts": 'when the day resets, such as `"00:00 America/Los_Angeles"`; by default it is a rolling day',
}


def settings_page() -> str:
    """The whole page."""
    tables = (
        _table("The client", "GongTasksClient(...)", _arguments(gong_tasks_async.GongTasksClient)),
        _table("The quota", "QuotaLimits(...)", _fields(gong_tasks_async.QuotaLimits)),
        _table("Retries", "RetryPolicy(...)", _fields(gong_tasks_async.RetryPolicy)),
        _table("Bulk runs", "update_many(..., ...)", _fields(RunSettings)),
        _table("The shared quota", "RedisQuota(...)", _arguments(gong_tasks_async.RedisQuota)),
        _table("A pool of clients", "GongTasksPool(...)", _arguments(gong_tasks_async.GongTasksPool)),
        _table("OAuth", "OAuthToken(...)", _arguments(gong_tasks_async.OAuthToken)),
        _table("Workers", "distributed.Worker(...)", _arguments(Worker)),
        _names("Environment variables", ENVIRONMENT, ENVIRONMENT),
        _names("Keys of a profile", PROFILE, profile_keys()),
    )
    return "# Settings\n\nTimes are seconds, unless a name has another unit.\n\n" + "\n".join(tables)


def _table(title: str, call: str, rows: Iterator[tuple[str, str, str]]) -> str:
    lines = "\n".join(f"| `{name}` | {default} | {meaning} |" for name, default, meaning in rows)
    return f"## {title}\n\n`{call}`\n\n| setting | default | meaning |\n|---|---|---|\n{lines}\n"


def _names(title: str, meanings: dict[str, str], names: Iterable[str]) -> str:
    lines = "\n".join(f"| `{name}` | {meanings[name]} |" for name in names)
    return f"## {title}\n\n| name | meaning |\n|---|---|\n{lines}\n"


def _fields(kind: type[attrs.AttrsInstance]) -> Iterator[tuple[str, str, str]]:
    meanings = dict(described(kind, "Attributes"))
    for field in attrs.fields(kind):
        if field.init:
            yield field.name, _shown(field.default), meanings[field.name]


def _arguments(kind: type[Any]) -> Iterator[tuple[str, str, str]]:
    meanings = dict(described(kind, "Args"))
    for name, parameter in inspect.signature(kind).parameters.items():
        default = "required" if parameter.default is parameter.empty else _shown(parameter.default)
        yield name, default, meanings[name]


def _shown(value: object) -> str:
    if callable(value):
        return "this machine's clock"
    if isinstance(value, Enum):
        return f"`{value}`"
    if isinstance(value, gong_tasks_async.QuotaLimits | gong_tasks_async.RetryPolicy):
        return f"`{type(value).__name__}()`"
    return f"`{value!r}`"


def described(kind: type[Any], section: str) -> Iterator[tuple[str, str]]:
    """The names of a section of a docstring, such as ``Args``, with their texts as Markdown."""
    text = inspect.cleandoc(kind.__doc__ or "").partition(f"{section}:\n")[2].partition("\n\n")[0]
    for name, meaning in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", text, re.MULTILINE):
        plain = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", " ".join(meaning.split()))
        yield name, plain.replace("``", "`").replace("|", "\\|")
