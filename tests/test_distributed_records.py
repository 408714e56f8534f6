"""Whatever is written down about a job is read again as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import attrs
import pytest
from attrs import evolve
from hypothesis import given, strategies as st

from gong_tasks_async import GongError, JournalRow, QuotaLimits, RowState, TaskStatus, TaskUpdate
from gong_tasks_async.bulk import TaskSnapshot
from gong_tasks_async.distributed import UnknownCredentialsError
from gong_tasks_async.distributed.serialization import (
    JobSettings,
    PlannedRow,
    error_of,
    error_text,
    outcome_text,
    row_of,
    row_text,
    row_with_outcome,
    settings_of,
    settings_text,
)
from tests.test_errors import EVERY

BEGINNING = datetime(1990, 1, 1, tzinfo=UTC)
moments = st.timedeltas(timedelta(), timedelta(days=40_000)).map(lambda after: BEGINNING + after)
updates = st.builds(
    TaskUpdate,
    st.integers(1, 2**63 - 1),
    st.from_regex(r"[0-9]{1,20}", fullmatch=True),
    status=st.sampled_from(TaskStatus),
    due_date=st.none() | moments,
    priority=st.none() | st.sampled_from(["HIGH", "Überfällig"]),
)
limits = st.builds(
    QuotaLimits,
    per_second=st.floats(0.1, 1000.0),
    per_day=st.none() | st.integers(1_000, 10**6),
    day_starts=st.none()
    | st.builds(time, st.integers(0, 23), tzinfo=st.sampled_from([UTC, ZoneInfo("Europe/Berlin")])),
)


def facts(error: GongError) -> object:
    """All facts but the headers, which are not stored."""
    found = attrs.asdict(error) if attrs.has(type(error)) else error.__dict__
    return type(error), {name: value for name, value in found.items() if name != "headers"}


snapshots = st.builds(
    TaskSnapshot,
    st.none() | st.sampled_from(TaskStatus),
    st.none() | moments,
    st.none() | st.sampled_from(["HIGH", "Überfällig"]),
    st.none() | moments,
)


@given(updates, st.none() | snapshots)
def test_a_row_with_its_task_as_the_look_found_it(update: TaskUpdate, before: TaskSnapshot | None) -> None:
    assert row_of(row_text(update, before).encode()) == PlannedRow(update, before)


@given(updates, snapshots, snapshots, moments)
def test_the_states_before_and_after(
    update: TaskUpdate, before: TaskSnapshot, after: TaskSnapshot, at: datetime
) -> None:
    made = JournalRow(update, RowState.UPDATED, 1, settled_at=at, before=before, after=after)
    assert row_with_outcome(PlannedRow(update, before), outcome_text(made).encode()) == made


@pytest.mark.parametrize(
    "error", [*EVERY, UnknownCredentialsError(name="bot")], ids=lambda e: type(e).__name__
)
def test_an_error_with_all_its_facts(error: GongError) -> None:
    again = error_of(error_text(error).encode())
    assert facts(again) == facts(error)
    assert str(again) == str(error)


@given(updates, st.sampled_from(EVERY), moments)
def test_an_outcome(update: TaskUpdate, error: GongError, at: datetime) -> None:
    written = JournalRow(update, RowState.FAILED, 3, "r", error, at)
    failed = row_with_outcome(PlannedRow(update), outcome_text(written).encode())
    assert failed.cause is not None
    assert facts(failed.cause) == facts(error)
    assert evolve(failed, cause=error) == written
    skipped = JournalRow(update, RowState.SKIPPED, 1, settled_at=at, reason="changed since")
    assert row_with_outcome(PlannedRow(update), outcome_text(skipped).encode()) == skipped


def test_an_error_of_a_newer_version_keeps_what_all_errors_have() -> None:
    error = error_of(b'{"kind":"BrandNewError","method":"PATCH","url":"https://x/7","attempts":2,"new":1}')
    assert type(error) is GongError
    assert str(error) == "PATCH https://x/7 failed. See errors/gong."
    assert error.attempts == 2


@given(limits, st.none() | st.just("https://us-1.api.gong.io"))
def test_settings(wanted: QuotaLimits, base_url: str | None) -> None:
    settings = JobSettings(credentials="bot", base_url=base_url, limits=wanted, row_attempts=2)
    again = settings_of(settings_text(settings).encode())
    assert again == settings
    assert hash(again.limits) == hash(wanted)
    assert settings_of(settings_text(JobSettings(credentials="bot")).encode()) == JobSettings(
        credentials="bot"
    )


def test_a_zone_without_a_name_cannot_travel() -> None:
    nameless = QuotaLimits(day_starts=time(0, tzinfo=timezone(timedelta(hours=-8))))
    with pytest.raises(ValueError, match="a zone with a name"):
        settings_text(JobSettings(credentials="bot", limits=nameless))


@pytest.mark.parametrize("zone", ["x" * 300, "..", "\x00", "America", "Nowhere/Else"])
def test_a_zone_that_is_none_is_no_setting(zone: str) -> None:
    text = settings_text(JobSettings(credentials="bot", limits=QuotaLimits()))
    odd = json.loads(text) | {"limits": {"day_starts": ["00:00:00", zone]}}
    with pytest.raises(ValueError, match="not those of this version"):
        settings_of(json.dumps(odd).encode())
