"""Rows, outcomes, errors and settings as stored in Redis: JSON, which is never executed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Any

import attrs
from attrs import frozen

from gong_tasks_async.bulk import JournalRow, RowState
from gong_tasks_async.bulk.error_facts import error_of as error_of_facts, facts_of
from gong_tasks_async.bulk.journal_schema import update_columns, update_from
from gong_tasks_async.bulk.outcomes import TaskSnapshot
from gong_tasks_async.bulk.zones import read_zone
from gong_tasks_async.errors import GongError
from gong_tasks_async.errors.checks import (
    count_problem,
    described,
    flag_problem,
    kind_problem,
    refuse,
    seconds_problem,
)
from gong_tasks_async.errors.kinds import is_mapping, is_object
from gong_tasks_async.http.addresses import base_url_problem
from gong_tasks_async.models import TaskStatus, TaskUpdate
from gong_tasks_async.quota import QuotaLimits

DEFAULT_LIMITS = QuotaLimits()

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, OSError)
"""What foreign or damaged JSON raises when it is taken for ours."""

OUTCOME_COLUMNS = 7

DAY = 86_400
"""Seconds."""


@frozen(kw_only=True)
class JobSettings:
    """Settings stored with a job: the company's, and the name of its credentials, never the secret."""

    credentials: str
    base_url: str | None = None
    limits: QuotaLimits | None = None
    row_attempts: int = 5
    stop_after: int = 5
    stop_after_refusals: int = 25
    outage_timeout: float = 300.0
    keep: int = 7 * DAY
    """Seconds."""
    guard: bool = False
    """Whether rows whose task was changed since the submission's look are skipped."""

    def __attrs_post_init__(self) -> None:
        """Refuse what makes no sense, also out of Redis.

        Raises:
            InvalidValueError: a setting is of another type or out of range; all are named at once.
        """
        refuse("a job", self._problems())

    def _problems(self) -> Iterator[str | None]:
        yield kind_problem("credentials", self.credentials, str, "the name of credentials on the workers")
        yield None if self.base_url is None else base_url_problem(self.base_url)
        yield kind_problem("limits", self.limits, QuotaLimits, "QuotaLimits", or_none=True)
        yield count_problem("row_attempts", self.row_attempts)
        yield count_problem("stop_after", self.stop_after)
        yield count_problem("stop_after_refusals", self.stop_after_refusals)
        yield seconds_problem("outage_timeout", self.outage_timeout, or_zero=True)
        if count_problem("keep", self.keep, at_least=DAY):
            yield f"keep must be a timedelta of at least a day, not {described(self.keep)}"
        yield flag_problem("guard", self.guard)


@frozen
class PlannedRow:
    """A row as it was submitted."""

    update: TaskUpdate
    before: TaskSnapshot | None = None
    """The task as the submission's look found it."""


def row_text(update: TaskUpdate, before: TaskSnapshot | None = None) -> str:
    """A row as stored in Redis."""
    columns = update_columns(update)
    return _compact(columns if before is None else [*columns, _snapshot_columns(before)])


def row_of(text: bytes) -> PlannedRow:
    """Parse a stored row.

    Raises:
        ValueError: it is not one of this version.
    """
    match columns := _parsed(text):
        case [_, _, _, _, _] | [_, _, _, _, _, [_, _, _, _]]:
            pass
        case {"v": version}:
            raise ValueError(f"it was written in format {version!r:.20}, and this version reads format 1")
        case _:
            raise ValueError("it is not a row of this version" if text else "it is missing")
    try:
        return PlannedRow(update_from(*columns[:5]), _snapshot(columns[5]) if columns[5:] else None)
    except (TypeError, AttributeError, OverflowError, OSError):
        raise ValueError("its columns have other types") from None


def outcome_text(row: JournalRow) -> str:
    """A row's outcome as stored in Redis."""
    at = None if row.settled_at is None else row.settled_at.timestamp()
    after = None if row.after is None else _snapshot_columns(row.after)
    columns = [
        row.state,
        row.attempts,
        at,
        row.request_id,
        row.cause and facts_of(row.cause),
        row.reason,
        after,
    ]
    while columns[-1] is None:  # each takes memory in Redis
        columns.pop()
    return _compact(columns)


def row_with_outcome(planned: PlannedRow, text: bytes) -> JournalRow:
    """Parse a stored outcome.

    Raises:
        ValueError: it is not one of this version.
    """
    try:
        columns: list[Any] = [*json.loads(text), *(None,) * OUTCOME_COLUMNS]
        state, attempts, at, request_id, facts, reason, after = columns[:OUTCOME_COLUMNS]
        return JournalRow(
            planned.update,
            RowState(state),
            attempts,
            request_id,
            facts and error_of_facts(facts),
            None if at is None else datetime.fromtimestamp(at, UTC),
            reason,
            planned.before,
            after and _snapshot(after),
        )
    except UNREADABLE:
        raise ValueError("its outcome cannot be read") from None


def _snapshot_columns(snapshot: TaskSnapshot) -> list[object]:
    """A snapshot with its moments in seconds: half the length of ISO 8601."""
    return [snapshot.status, _seconds(snapshot.due_date), snapshot.priority, _seconds(snapshot.updated)]


def _snapshot(columns: Any) -> TaskSnapshot:
    status, due, priority, updated = columns
    if not isinstance(priority, str | None):
        raise TypeError("a priority is no text")
    return TaskSnapshot(None if status is None else TaskStatus(status), _utc(due), priority, _utc(updated))


def _seconds(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    seconds = moment.timestamp()
    return int(seconds) if seconds.is_integer() else seconds


def _utc(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


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


def given_up_text(error: GongError) -> str:
    """The last attempt at a row that failed and is to be tried again, as stored in Redis."""
    return f"1!:{error_text(error)}"


def error_text(error: GongError) -> str:
    """An error as stored in Redis: the name of its class, and its facts."""
    return _compact(facts_of(error))


def error_of(text: bytes) -> GongError:
    """Parse a stored error; one that cannot be read is a bare GongError."""
    try:
        return error_of_facts(json.loads(text))
    except UNREADABLE:
        return GongError()


def origin_text(origin: Mapping[str, str]) -> str:
    """A job's origin as stored in Redis."""
    return _compact(dict(origin))


def origin_of(text: bytes) -> dict[str, str]:
    """Parse a stored origin; anything else is none."""
    origin = _parsed(text)
    return {str(name): str(value) for name, value in origin.items()} if is_object(origin) else {}


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
    if is_mapping(value):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")


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
        facts = facts | {"day_starts": time.fromisoformat(text).replace(tzinfo=read_zone(zone))}
    return QuotaLimits(**facts)


def _zone_name(day_starts: time) -> str:
    name = "UTC" if day_starts.tzinfo is UTC else getattr(day_starts.tzinfo, "key", None)
    if not name:
        raise ValueError(
            "limits.day_starts needs a zone with a name on every machine, such as ZoneInfo('America/Los_Angeles')"
        )
    return str(name)
