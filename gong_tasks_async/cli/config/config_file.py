"""The TOML file of profiles; everything wrong in it is named at once."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import time
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from attrs import field, frozen

from gong_tasks_async.cli.config.folders import expand_home
from gong_tasks_async.cli.config.private_files import UnsafeFileError, check_owner, read_regular
from gong_tasks_async.cli.config.secret_sources import SecretSource
from gong_tasks_async.cli.messages import message_of
from gong_tasks_async.quota import QuotaLimits


class ConfigurationError(ValueError):
    """The configuration is wrong; ``problems`` has a line for each trouble."""

    def __init__(self, where: str, problems: tuple[str, ...]) -> None:
        super().__init__(where, problems)
        self.where = where
        self.problems = problems

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return f"{self.where}: {self.problems[0]}"
        return "\n  ".join((f"{self.where}: {len(self.problems)} problems", *self.problems))


@frozen(kw_only=True)
class Profile:
    """One company, as the file has it."""

    name: str
    base_url: str | None = None
    access_key: str | None = None
    secret: SecretSource | None = None
    access_token: SecretSource | None = None
    client_id: str | None = None
    refresh_token_file: Path | None = None
    limits: QuotaLimits = field(factory=QuotaLimits)
    proxy: str | None = field(default=None, repr=False)
    """The proxy to go through; its address may hold a password."""
    ca_bundle: Path | None = None
    """Certificates to trust beside this machine's."""
    company: str | None = None
    """The company's name in distributed jobs; the same on all hosts."""
    redis_url: SecretSource | None = None
    """Where these jobs are; a secret, since it may hold a password."""

    @property
    def has_credentials(self) -> bool:
        """Whether it has credentials; if not, the environment may."""
        return bool(self.access_key or self.access_token or self.client_id)

    @property
    def credentials_kind(self) -> str:
        """Which kind of credentials, for a list of profiles."""
        kinds = (("access key", self.access_key), ("token", self.access_token), ("OAuth app", self.client_id))
        return next((name for name, value in kinds if value), "none")


@frozen
class ConfigFile:
    """The content of the file; empty where there is none."""

    path: Path
    default_profile: str | None = None
    profiles: Mapping[str, Profile] = field(factory=dict)
    broken: Mapping[str, tuple[str, ...]] = field(factory=dict)
    """Profiles with problems, which are reported when one of these is used: the others work."""

    @property
    def names(self) -> tuple[str, ...]:
        """All profiles, those with problems included."""
        return (*self.profiles, *self.broken)

    def named(self, name: str) -> Profile:
        """The profile of that name.

        Raises:
            ConfigurationError: there is none, or it has problems.
        """
        if name in self.broken:
            raise ConfigurationError(str(self.path), self.broken[name])
        if name not in self.profiles:
            known = ", ".join(self.names) or "none"
            raise ConfigurationError(str(self.path), (f"there is no profile {name!r}; there are: {known}",))
        return self.profiles[name]

    @property
    def default_name(self) -> str | None:
        """The default profile's name: the one that is named so, or the only one."""
        return self.default_profile or (self.names[0] if len(self.names) == 1 else None)

    def default(self) -> Profile | None:
        """The default profile.

        Raises:
            ConfigurationError: it has problems.
        """
        name = self.default_name
        return None if name is None else self.named(name)


LARGEST = 10**9
"""No limit of Gong is near it, and a file's number of thousands of digits would be as hard to store."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"must be a text in quotes, not {value!r}")
    if not value.strip():
        raise ValueError("is empty")
    return value.strip()


def _place(value: object) -> SecretSource:
    if not isinstance(value, str):
        raise TypeError("must be a text in quotes")
    return SecretSource.parse(value)


def _place_of_url(value: object) -> SecretSource:
    place = _place(value)
    if place.kind == "keyring":  # which has one secret for each profile, and that is the key's
        raise ValueError('name its place: "env:NAME" or "file:PATH" (a file that only you can read)')
    return place


def _file(value: object) -> Path:
    return expand_home(_text(value))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"must be a number, not {value!r}")
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"must be a whole number, not {value!r}")
    if abs(value) > LARGEST:
        raise ValueError(f"must be at most {LARGEST:,}")
    return value


def _hour(value: object) -> time:
    hour, _, zone = str(value).partition(" ")
    try:
        return time.fromisoformat(hour).replace(tzinfo=ZoneInfo(zone))
    except (
        ValueError,
        OSError,
    ):  # ZoneInfoNotFoundError is a KeyError with a ValueError's look, hence the next line
        raise ValueError(_HOUR) from None
    except KeyError:
        raise ValueError(f"there is no time zone {zone!r}; {_HOUR}") from None


_HOUR = 'must be a time of day and a time zone, such as "00:00 America/Los_Angeles"'

_Reader: TypeAlias = Callable[[object], object]

_COMPANY_KEYS: dict[str, _Reader] = {
    "base_url": _text,
    "access_key": _text,
    "secret": _place,
    "access_token": _place,
    "client_id": _text,
    "refresh_token_file": _file,
    "proxy": _text,
    "ca_bundle": _file,
    "company": _text,
    "redis_url": _place_of_url,
}
_LIMIT_KEYS: dict[str, _Reader] = {
    "per_second": _number,
    "per_day": _whole,
    "interactive_reserve": _whole,
    "day_starts": _hour,
}
_KEYS = _COMPANY_KEYS | _LIMIT_KEYS


def typed_value(key: str, text: str) -> str | int | float:
    """A value as the file holds it: a number where the key wants one.

    Raises:
        ValueError: there is no such key.
    """
    if problem := next(_unknown("", {key: text}, tuple(_KEYS)), None):
        raise ValueError(problem)
    if key not in _LIMIT_KEYS or key == "day_starts":
        return text
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text  # refused when it is read back, with what it must be


def read_config_file(path: Path) -> ConfigFile:
    """Read the file, or nothing where there is none.

    Raises:
        ConfigurationError: it is not TOML, a value outside of the profiles makes no sense, or others can write it.
        OSError: it is there and cannot be read.
    """
    try:
        data, status = read_regular(path)
        check_owner(path, status)
        raw = tomllib.loads(data.decode("utf-8-sig"))  # some editors write a byte order mark
    except (FileNotFoundError, NotADirectoryError):
        return ConfigFile(path)
    except UnsafeFileError as error:
        raise ConfigurationError(str(path), (str(error).removeprefix(f"{path} "),)) from None
    except UnicodeDecodeError:
        raise ConfigurationError(str(path), ("it is not UTF-8 text",)) from None
    except tomllib.TOMLDecodeError as error:  # its text has the line
        raise ConfigurationError(str(path), (f"it is not TOML: {error}",)) from None
    except (ValueError, RecursionError):  # of a number with thousands of digits, of thousands of brackets
        raise ConfigurationError(
            str(path), ("a number in it is too long, or it is nested too deeply",)
        ) from None
    return _read(path, raw)


def _read(path: Path, raw: dict[str, Any]) -> ConfigFile:
    problems = list(_unknown("", raw, ("default_profile", "profiles")))
    tables = raw.get("profiles", {})
    if not isinstance(tables, dict):
        problems.append("profiles: write a table for each company, such as [profiles.acme]")
        tables = {}
    default = raw.get("default_profile")
    if default is not None and (not isinstance(default, str) or default not in tables):
        problems.append(f"default_profile: there is no [profiles.{default}]")
    if problems:
        raise ConfigurationError(str(path), (*problems, *_all_problems(tables)))
    read = {name: _profile(name, table) for name, table in tables.items()}
    return ConfigFile(
        path,
        default,
        {name: profile for name, profile in read.items() if isinstance(profile, Profile)},
        {name: wrong for name, wrong in read.items() if isinstance(wrong, tuple)},
    )


def _all_problems(tables: Mapping[str, object]) -> Iterator[str]:
    for name, table in tables.items():
        found = _profile(name, table)
        yield from found if isinstance(found, tuple) else ()


def _profile(name: str, table: object) -> Profile | tuple[str, ...]:
    """A profile, or everything that is wrong with it."""
    place = f"profiles.{name}"
    if not isinstance(table, dict):
        return (f"{place}: must be a table: put it below [profiles.NAME]",)
    problems = list(_unknown(f"{place}.", table, tuple(_KEYS)))
    values = dict(_values(place, table, problems))
    limits = _limits(place, {key: values.pop(key) for key in _LIMIT_KEYS if key in values}, problems)
    problems += (f"{place}: {trouble}" for trouble in _credential_problems(table))
    return tuple(problems) or Profile(name=name, limits=limits, **values)


def _values(place: str, table: dict[str, Any], problems: list[str]) -> Iterator[tuple[str, Any]]:
    for key, read in _KEYS.items():
        if key in table:
            try:
                yield key, read(table[key])
            except (TypeError, ValueError) as error:
                problems.append(f"{place}.{key}: {error}")


def _limits(place: str, values: dict[str, Any], problems: list[str]) -> QuotaLimits:
    try:
        return QuotaLimits(**values)
    except ValueError as error:
        problems.append(f"{place}: {message_of(error).what}")
        return QuotaLimits()


def _credential_problems(table: Mapping[str, object]) -> Iterator[str]:
    kinds = [key for key in ("access_key", "access_token", "client_id") if key in table]
    if len(kinds) > 1:
        yield f"{' and '.join(kinds)} are different ways to sign: keep one"
    if "secret" not in table and ("access_key" in table or "client_id" in table):
        yield 'secret is missing: write "env:NAME", "file:PATH" or "keyring"'
    if "secret" in table and not {"access_key", "client_id"} & set(kinds):
        yield "secret has no access_key or client_id beside it"
    if ("client_id" in table) != ("refresh_token_file" in table):
        yield "client_id and refresh_token_file go together"


def _unknown(place: str, table: Mapping[str, object], known: tuple[str, ...]) -> Iterator[str]:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1)
            advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            yield f"{place}{key}: unknown; {advice}"
