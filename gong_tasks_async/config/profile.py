"""One company's table in the TOML file, read key by key; everything wrong in it is named at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import time
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias, cast

from attrs import field, frozen

from gong_tasks_async.bulk.zones import read_zone
from gong_tasks_async.config.folders import expand_home
from gong_tasks_async.config.secret_sources import SecretSource
from gong_tasks_async.errors import InvalidValueError
from gong_tasks_async.quota import QuotaLimits


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
    hour, blank, zone = str(value).partition(" ")
    try:
        time_of_day = time.fromisoformat(hour)
    except ValueError:
        raise ValueError(_HOUR) from None
    if not blank or time_of_day.tzinfo:
        raise ValueError(_HOUR)
    return time_of_day.replace(tzinfo=read_zone(zone))


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


def profile_keys() -> tuple[str, ...]:
    """The keys that a profile may have."""
    return tuple(_KEYS)


def typed_value(key: str, text: str) -> str | int | float:
    """A value as the file holds it: a number where the key wants one.

    Raises:
        ValueError: there is no such key.
    """
    if problem := next(unknown_keys("", {key: text}, tuple(_KEYS)), None):
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


def read_profile(name: str, table: object) -> Profile | tuple[str, ...]:
    """A profile, or everything that is wrong with it."""
    place = f"profiles.{name}"
    if not isinstance(table, dict):
        return (f"{place}: must be a table: put it below [profiles.NAME]",)
    keys = cast("dict[str, Any]", table)  # of TOML, whose keys are texts
    problems = list(unknown_keys(f"{place}.", keys, tuple(_KEYS)))
    values = dict(_values(place, keys, problems))
    limits = _limits(place, {key: values.pop(key) for key in _LIMIT_KEYS if key in values}, problems)
    problems += (f"{place}: {trouble}" for trouble in _credential_problems(keys))
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
    except InvalidValueError as error:
        problems.append(f"{place}: {'; '.join(error.problems)}")
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


def unknown_keys(place: str, table: Mapping[str, object], known: tuple[str, ...]) -> Iterator[str]:
    """A problem for each key that is not known, with the one that was probably meant."""
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1)
            advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            yield f"{place}{key}: unknown; {advice}"
