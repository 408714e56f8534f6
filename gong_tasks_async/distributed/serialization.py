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

from gong_tasks_async import errors
from gong_tasks_async.bulk import JournalRow, RowState
from gong_tasks_async.bulk.journal_schema import update_columns, update_from
from gong_tasks_async.distributed.errors import UnknownCredentialsError
from gong_tasks_async.errors import GongError
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.quota import QuotaLimits

DEFAULT_LIMITS = QuotaLimits()

KINDS: dict[str, type[GongError]] = {
    name: kind
    for name, kind in (vars(errors) | {"UnknownCredentialsError": UnknownCredentialsError}).items()
    if isinstance(kind, type) and issubclass(kind, GongError)
}


@frozen
class Settlement:
    """Outcome of a row, and its time."""

    state: RowState
    attempts: int
    at: datetime
    request_id: str | None = None
    error: GongError | None = None


@frozen(kw_only=True)
class JobSettings:
    """Settings stored with a job: the company's, and the name of its credentials, never the secret."""

    credentials: str
    base_url: str | None = None
    limits: QuotaLimits | None = None
    row_attempts: int = field(default=5, validator=attrs.validators.ge(1))
    stop_after: int = field(default=5, validator=attrs.validators.ge(1))
    keep: int = field(default=7 * 86_400, validator=attrs.validators.ge(86_400))
    """Seconds."""


def row_text(update: TaskUpdate) -> str:
    """An update as stored in Redis."""
    return _compact(update_columns(update))


def update_of(text: bytes) -> TaskUpdate:
    """Parse a stored update."""
    return update_from(*json.loads(text))


def settlement_text(settlement: Settlement) -> str:
    """An outcome as stored in Redis."""
    error = settlement.error and _facts(settlement.error)
    at = settlement.at.timestamp()
    return _compact([settlement.state, settlement.attempts, at, settlement.request_id, error])


def settlement_of(text: bytes) -> Settlement:
    """Parse a stored outcome."""
    state, attempts, at, request_id, facts = json.loads(text)
    error = facts and _error(facts)
    return Settlement(RowState(state), attempts, datetime.fromtimestamp(at, UTC), request_id, error)


def row_of(update: TaskUpdate, settlement: Settlement | None) -> JournalRow:
    """A row in the form of a journal's."""
    if settlement is None:
        return JournalRow(update, RowState.PENDING)
    return JournalRow(
        update,
        settlement.state,
        settlement.attempts,
        settlement.request_id,
        settlement.error,
        settlement.at,
    )


def error_text(error: GongError) -> str:
    """An error as stored in Redis: the name of its class, and its facts."""
    return _compact(_facts(error))


def error_of(text: bytes) -> GongError:
    """Parse a stored error."""
    return _error(json.loads(text))


def settings_text(settings: JobSettings) -> str:
    """A job's settings as stored in Redis.

    Raises:
        ValueError: the limits name a file, which would be another one on each machine.
    """
    limits = settings.limits
    return _compact(attrs.asdict(settings, recurse=False) | {"limits": limits and _limits_facts(limits)})


@lru_cache(maxsize=256)
def settings_of(text: bytes) -> JobSettings:
    """Parse stored settings; cached, since they come with each row."""
    facts = json.loads(text)
    return JobSettings(**facts | {"limits": facts["limits"] and _limits(facts["limits"])})


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), default=_plain)


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be stored as a fact of an error")


def _facts(error: GongError) -> dict[str, Any]:
    facts = {each.name: getattr(error, each.name) for each in attrs.fields(type(error))}
    return {"kind": type(error).__name__} | facts


def _error(facts: dict[str, Any]) -> GongError:
    """The error; for a class unknown to this version, the attributes common to all errors."""
    kind = KINDS.get(facts["kind"], GongError)
    known = {each.name: facts[each.name] for each in attrs.fields(kind) if each.name in facts}
    if "errors" in known:
        known["errors"] = tuple(known["errors"])
    if known.get("resets_at"):
        known["resets_at"] = datetime.fromisoformat(known["resets_at"])
    return kind(**known)


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
