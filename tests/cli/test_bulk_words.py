"""What `gong-tasks bulk` says it will do: nobody should have to guess what a yes means."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from gong_tasks_async import QuotaEstimate, QuotaSnapshot, TaskUpdate
from gong_tasks_async.bulk.dates import Clock, Shift, read_shift, read_when
from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.cli.bulk.run_progress import outlook
from gong_tasks_async.cli.input.confirm import confirmation
from gong_tasks_async.cli.output.text import describe_cost, describe_updates

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
LATER = DUE + timedelta(days=9)


@pytest.fixture(autouse=True)
def clocks_of_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gong_tasks_async.cli.output.text.local",
        lambda moment: f"{moment.astimezone(UTC):%Y-%m-%d %H:%M UTC}",
    )


def snapshot(left: int | None = 9_712, reserve: int = 500) -> QuotaSnapshot:
    return QuotaSnapshot(
        used=0, left=left, reserve=reserve, resets_at=None, per_second=3.0, paused_until=None, waiting={}
    )


def plan(count: int, seconds: float = 2_746.0) -> Plan:
    updates = tuple(
        TaskUpdate(number, str(number % 212), status="DISMISSED") for number in range(1, count + 1)
    )
    return Plan(updates=updates, estimate=QuotaEstimate(count, seconds, DUE))


class TestWhatIsWanted:
    @pytest.mark.parametrize(
        ("updates", "said"),
        [
            ([TaskUpdate(1, "2", status="DONE")], "Set 1 task of 1 user to DONE"),
            (
                [TaskUpdate(number, str(number % 7), status="OPEN") for number in range(1, 1001)],
                "Set 1,000 tasks of 7 users to OPEN",
            ),
            (
                [TaskUpdate(1, "2", status="DONE", due_date=DUE), TaskUpdate(3, "2", status="DONE", due_date=DUE)],
                "Set 2 tasks of 1 user to DONE, all due 2026-03-02 17:00 UTC",
            ),
            (
                [TaskUpdate(1, "2", status="DONE"), TaskUpdate(3, "2", status="OPEN"), TaskUpdate(4, "2", status="OPEN")],
                "Change 3 tasks of 1 user: 2 to OPEN, 1 to DONE",
            ),
            (
                [TaskUpdate(1, "2", due_date=LATER), TaskUpdate(3, "4", due_date=DUE), TaskUpdate(5, "4", priority="HIGH")],
                "Change 3 tasks of 2 users: 2 due from 2026-03-02 17:00 UTC to 2026-03-11 17:00 UTC, 1 to priority HIGH",
            ),
            ([TaskUpdate(1, "2", status="DONE"), TaskUpdate(3, "2", priority="LOW")], "Change 2 tasks of 1 user: 1 to DONE, 1 to priority LOW"),
        ],
    )  # fmt: skip
    def test_is_told_in_a_sentence(self, updates: list[TaskUpdate], said: str) -> None:
        assert describe_updates(updates) == said

    def test_the_question_names_time_and_quota(self) -> None:
        assert confirmation(plan(8_000), snapshot()) == (
            "Set 8,000 tasks of 212 users to DISMISSED? About 45 min 46 s, 8,000 of the 9,212 calls left today "
            "(500 more reserved for interactive calls)."
        )

    @pytest.mark.parametrize(
        ("quota", "said"),
        [
            (snapshot(None), "About 45 min 46 s, 8,000 calls"),
            (snapshot(8_000, reserve=0), "About 45 min 46 s, 8,000 of the 8,000 calls left today"),
            (
                snapshot(1_000),
                "About 45 min 46 s, 8,000 calls, of which 500 are left today (500 more reserved for interactive calls)",
            ),
            (snapshot(0), "About 45 min 46 s, 8,000 calls, of which 0 are left today"),
        ],
    )
    def test_the_cost_knows_what_is_left(self, quota: QuotaSnapshot, said: str) -> None:
        assert describe_cost(plan(8_000), quota) == said


class TestMoments:
    @pytest.mark.parametrize(
        ("text", "shift"),
        [
            ("+7d", Shift(days=7)),
            ("-2w", Shift(days=-14)),
            (" +12h ", Shift(hours=12)),
            ("7d", None),
            ("+7", None),
            ("+7y", None),
            ("+\uff11d", None),
        ],
    )
    def test_a_shift_has_a_sign_a_number_and_a_unit(self, text: str, shift: Shift | None) -> None:
        assert read_shift(text) == shift

    @pytest.mark.parametrize("shift", [Shift(days=7), Shift(days=-1), Shift(hours=5)])
    def test_a_shift_is_written_as_it_is_read(self, shift: Shift) -> None:
        assert read_shift(str(shift)) == shift

    def test_a_day_stays_a_day_and_a_moment_gets_a_zone(self) -> None:
        assert read_when("2026-03-02") == date(2026, 3, 2)
        assert Clock(DUE, UTC).due(read_when("2026-03-02T17:00")) == DUE
        assert Clock(DUE, UTC).due(read_when("2026-03-02")) == DUE.replace(hour=12)


class TestTheOutlook:
    NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("changes", "shown"),
        [
            ({}, None),
            ({"quota": snapshot(None)}, None),
            ({"quota": None}, None),
            ({"rows": 20_000, "rate": 0.0}, None),
            ({"rows": 20_000}, "day's limit in 51 min 11 s"),
            ({"rows": 20_000, "sleeps": True}, "day's limit in 51 min 11 s, resumes 2026-03-03 "),
            ({"waits_until": NOW + timedelta(seconds=-1)}, None),
            ({"waits_until": NOW + timedelta(days=1)}, "resumes 2026-03-03 "),
            ({"rows": 20_000, "waits_until": NOW + timedelta(days=1)}, "resumes 2026-03-03 "),
        ],
    )
    def test_names_a_wait_or_the_days_limit_where_it_comes_first(
        self, changes: dict[str, Any], shown: str | None
    ) -> None:
        resets = snapshot()
        usual: dict[str, Any] = {
            "rows": 100,
            "rate": 3.0,
            "quota": evolve(resets, resets_at=self.NOW + timedelta(days=1)),
            "waits_until": None,
            "sleeps": False,
            "now": self.NOW,
        }
        text = outlook(**(usual | changes))
        assert text == shown if shown is None else text is not None and text.startswith(shown)
