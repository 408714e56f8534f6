"""Rows, outcomes, errors and settings as stored in Redis: JSON, which is never executed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import attrs
from attrs import field, frozen

from gong_tasks_async.bulk import JournalRow, RowState
from gong_tasks_async.bulk.error_facts import error_of as error_of_facts, facts_of
from gong_tasks_async.bulk.journal_schema import update_columns, update_from
from gong_tasks_async.errors import GongError
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.quota import QuotaLimits

DEFAULT_LIMITS = QuotaLimits()

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What foreign or damaged JSON raises when it is taken for ours."""


@frozen(kw_only=True)
class JobSettings:
    """Settings stored with a job: the company's, and the name of its credentials, never the secret."""

    credentials: str
    base_url: str | None = None
    limits: QuotaLimits | None = None
    row_attempts: int = field(default=5, validator=attrs.validators.ge(1))
    stop_after: int = field(default=5, validator=attrs.validators.ge(1))
    stop_after_refusals: int = field(default=25, validator=attrs.validators.ge(1))
    outage_timeout: float = field(default=300.0, validator=attrs.validators.ge(0))
    keep: int = field(default=7 * 86_400, validator=attrs.validators.ge(86_400))
    """Seconds."""


def row_text(update: TaskUpdate) -> str:
    """An update as stored in Redis."""
    return _compact(update_columns(update))


def update_of(text: bytes) -> TaskUpdate:
    """Parse a stored update.

    Raises:
        ValueError: it is not one of this version.
    """
    match columns := _parsed(text):
        case [_, _, _, _, _]:
            pass
        case {"v": version}:
            raise ValueError(f"it was written in format {version!r:.20}, and this version reads format 1")
        case _:
            raise ValueError("it is not a row of this version" if text else "it is missing")
    try:
        return update_from(*columns)
    except (TypeError, AttributeError, OverflowError):
        raise ValueError("its columns have other types") from None


def outcome_text(row: JournalRow) -> str:
    """A row's outcome as stored in Redis."""
    at = None if row.settled_at is None else row.settled_at.timestamp()
    return _compact(
        [row.state, row.attempts, at, row.request_id, row.cause and facts_of(row.cause), row.reason]
    )


def row_with_outcome(update: TaskUpdate, text: bytes) -> JournalRow:
    """Parse a stored outcome.

    Raises:
        ValueError: it is not one of this version.
    """
    try:
        state, attempts, at, request_id, facts, *reason = json.loads(text)
        return JournalRow(
            update,
            RowState(state),
            attempts,
            request_id,
            facts and _error(facts),
            None if at is None else datetime.fromtimestamp(at, UTC),
            reason[0] if reason else None,
        )
    except UNREADABLE:
        raise ValueError("its outcome cannot be read") from None


@frozen
class LastAttempt:
    """The latest attempt at a row without a final response."""

    attempt: int
    error: GongError
    given_up: bool = False


def attempt_of(text: bytes) -> LastAttempt:
    """Parse a stored attempt: its number, "!" where the row was given up, a colon, its error."""
    number, _, error = text.partition(b":")
    digits = number.removesuffix(b"!")[:9]
    return LastAttempt(int(digits) if digits.isdigit() else 0, error_of(error), number.endswith(b"!"))


def error_text(error: GongError) -> str:
    """An error as stored in Redis: the name of its class, and its facts."""
    return _compact(facts_of(error))


def error_of(text: bytes) -> GongError:
    """Parse a stored error; one that cannot be read is a bare GongError."""
    try:
        return _error(json.loads(text))
    except UNREADABLE:
        return GongError()


def origin_text(origin: Mapping[str, str]) -> str:
    """A job's origin as stored in Redis."""
    return _compact(dict(origin))


def origin_of(text: bytes) -> dict[str, str]:
    """Parse a stored origin; anything else is none."""
    origin = _parsed(text)
    return {str(name): str(value) for name, value in origin.items()} if isinstance(origin, dict) else {}


def settings_text(settings: JobSettings) -> str:
    """A job's settings as stored in Redis.

    Raises:
        ValueError: the limits name a file, which would be another one on each machine.
    """
    limits = settings.limits
    return _compact(attrs.asdict(settings, recurse=False) | {"limits": limits and _limits_facts(limits)})


@lru_cache(maxsize=256)
def settings_of(text: bytes) -> JobSettings:
    """Parse stored settings; cached, since they come with each row.

    Raises:
        ValueError: they are not settings of this version.
    """
    facts = _parsed(text)
    try:
        return JobSettings(**facts | {"limits": facts["limits"] and _limits(facts["limits"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError("its settings are not those of this version") from None


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), default=_plain)


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")


def _error(facts: dict[str, Any]) -> GongError:
    error = error_of_facts(facts)
    str(error)  # facts of another type fail here, and not where it is shown
    return error


def _limits_facts(limits: QuotaLimits) -> dict[str, Any]:
    if limits.day_store is not None:
        raise ValueError(
            "limits.day_store names a file of one machine: omit it, Redis counts the day for all workers"
        )
    facts = {
        name: value for name, value in attrs.asdict(limits).items() if value != getattr(DEFAULT_LIMITS, name)
    }
    if limits.day_starts is not None:
        facts["day_starts"] = [
            limits.day_starts.replace(tzinfo=None).isoformat(),
            _zone_name(limits.day_starts),
        ]
    return facts


def _limits(facts: dict[str, Any]) -> QuotaLimits:
    if "day_starts" in facts:
        text, zone = facts["day_starts"]
        facts = facts | {"day_starts": time.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))}
    return QuotaLimits(**facts)


def _zone_name(day_starts: time) -> str:
    name = "UTC" if day_starts.tzinfo is UTC else getattr(day_starts.tzinfo, "key", None)
    if not name:
        raise ValueError(
            "limits.day_starts needs a zone with a name on every machine, such as ZoneInfo('America/Los_Angeles')"
        )
    return str(name)
