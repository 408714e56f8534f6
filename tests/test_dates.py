"""Which moment a date means: one resolver for options, cells, selections and the library."""

from __future__ import annotations

import pickle
import time
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from gong_tasks_async.bulk import zones
from gong_tasks_async.bulk.calendar import next_working_day
from gong_tasks_async.bulk.dates import (
    LOCAL_ZONE,
    Clock,
    Shift,
    Weekday,
    checked_date_format,
    read_when,
    read_zone,
)
from gong_tasks_async.bulk.selection import due_after, due_before, in_flow, move_due_by, titled
from gong_tasks_async.models import Flow, Task

PACIFIC = ZoneInfo("America/Los_Angeles")
NOW = datetime(2026, 11, 26, 20, 30, tzinfo=UTC)
"""A Thursday, 12:30 in Los Angeles."""


@pytest.fixture
def los_angeles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine there."""
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class TestReading:
    @pytest.mark.parametrize(
        ("text", "when"),
        [
            ("2026-03-02", date(2026, 3, 2)),
            ("2026-03-02T17:00Z", datetime(2026, 3, 2, 17, tzinfo=UTC)),
            ("2026-03-02 17:00", datetime(2026, 3, 2, 17)),  # noqa: DTZ001 - the clock's zone is meant
            ("20260302T203000Z", datetime(2026, 3, 2, 20, 30, tzinfo=UTC)),
            ("today", Shift()),
            (" Tomorrow ", Shift(days=1)),
            ("next  Monday", Weekday(0)),
            ("sunday", Weekday(6)),
            ("-2w", Shift(days=-14)),
        ],
    )
    def test_each_form_of_a_date(self, text: str, when: object) -> None:
        assert read_when(text) == when

    @pytest.mark.parametrize(
        "text",
        ["20260302203000Z", "1711110812345", "2026-03-02x17:00", "2026-02-30", "01.12.2026", "12/01/2026", "", "next"],
    )  # fmt: skip
    def test_what_is_no_date_is_never_guessed_at(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no date; write"):
            read_when(text)

    def test_a_format_of_ones_own_is_read_beside_the_others(self) -> None:
        assert read_when("01.12.2026", "%d.%m.%Y") == date(2026, 12, 1)
        assert read_when("01.12.2026 17:00", "%d.%m.%Y %H:%M") == datetime(2026, 12, 1, 17)  # noqa: DTZ001 - as above
        assert read_when("2026-12-01", "%d.%m.%Y") == date(2026, 12, 1)
        with pytest.raises(ValueError, match=r"in the format %d\.%m\.%Y"):
            read_when("2026/12/01", "%d.%m.%Y")

    @pytest.mark.parametrize(
        "date_format",
        ["%d.%m.", "", "%Y", "%Q", "day", "%m/%Y", "%d/%Y", "%d.%d.%Y", "%d.%m.%Y %Y", "%d.%m.%Y\ud800"],
    )
    def test_a_format_without_day_month_and_year_is_refused(self, date_format: str) -> None:
        with pytest.raises(ValueError, match="not a format of whole dates"):
            checked_date_format(date_format)

    def test_a_format_that_names_a_part_twice_reads_no_date(self) -> None:
        with pytest.raises(ValueError, match=r"in the format %d\.%d\.%Y"):
            read_when("01.12.2026", "%d.%d.%Y")

    @pytest.mark.parametrize("text", ["+0d", "+1d", "-14d", "+12h", "-1h"])
    def test_a_shift_is_written_as_it_is_read(self, text: str) -> None:
        assert str(read_when(text)) == text


class TestResolving:
    CLOCK = Clock(NOW, PACIFIC)

    @pytest.mark.parametrize(
        ("text", "due"),
        [
            ("2026-12-15", "2026-12-15T12:00:00-08:00"),
            ("2026-07-15", "2026-07-15T12:00:00-07:00"),
            ("2026-07-15T09:00", "2026-07-15T09:00:00-07:00"),
            ("2026-07-15T09:00+01:00", "2026-07-15T09:00:00+01:00"),
            ("today", "2026-11-26T12:00:00-08:00"),
            ("tomorrow", "2026-11-27T12:00:00-08:00"),
            ("thursday", "2026-12-03T12:00:00-08:00"),
            ("next monday", "2026-11-30T12:00:00-08:00"),
            ("+7d", "2026-12-03T12:00:00-08:00"),
            ("+12h", "2026-11-27T00:30:00-08:00"),
        ],
    )
    def test_a_due_date(self, text: str, due: str) -> None:
        assert self.CLOCK.due(read_when(text)).isoformat() == due

    @pytest.mark.parametrize("day_of_month", range(1, 8))
    @pytest.mark.parametrize("number", range(7))
    def test_a_weekday_is_the_first_of_its_name_after_today(self, day_of_month: int, number: int) -> None:
        today = date(2026, 11, day_of_month)
        after = (today + timedelta(days=days) for days in range(1, 8))
        assert Weekday(number).after(today) == next(day for day in after if day.weekday() == number)

    def test_a_limit_is_the_beginning_of_a_day_and_an_end_the_next(self) -> None:
        day = read_when("2026-03-08")  # when the clocks change
        assert self.CLOCK.limit(day).isoformat() == "2026-03-08T00:00:00-08:00"
        assert self.CLOCK.end(day).isoformat() == "2026-03-09T00:00:00-07:00"

    def test_twelve_hours_are_twelve_hours_in_the_night_the_clocks_change(self) -> None:
        evening = datetime(2026, 11, 1, 4, tzinfo=UTC)
        due = Clock(evening, PACIFIC).due(Shift(hours=12))
        assert due.astimezone(UTC) - evening == timedelta(hours=12)

    def test_a_time_that_the_clocks_skip_is_as_much_later(self) -> None:
        assert self.CLOCK.due(read_when("2026-03-08T02:30")).isoformat() == "2026-03-08T03:30:00-07:00"

    @pytest.mark.parametrize("text", ["+999999w", "-999999w", "+999999h"])
    def test_what_is_beyond_the_calendar_is_refused(self, text: str) -> None:
        clock = Clock(datetime(9999, 12, 30, tzinfo=UTC) if "+" in text else NOW, UTC)
        with pytest.raises(ValueError, match="beyond the calendar"):
            clock.due(read_when(text))


class TestLocalZone:
    @pytest.mark.usefixtures("los_angeles")
    def test_it_changes_its_clocks_as_the_zone_of_that_name(self) -> None:
        for day in range(366 * 2):
            moment = datetime(2026, 1, 1, 9, 30, tzinfo=UTC) + timedelta(days=day)
            here, named = moment.astimezone(LOCAL_ZONE), moment.astimezone(PACIFIC)
            assert (here.replace(tzinfo=None), here.utcoffset()) == (
                named.replace(tzinfo=None),
                named.utcoffset(),
            )
            assert here.tzname() == named.tzname()

    @given(st.integers(0, 6 * 60))
    def test_every_minute_of_the_hour_that_comes_twice_has_its_place(self, minutes: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", "America/Los_Angeles")
            time.tzset()
            moment = datetime(2026, 11, 1, 6, tzinfo=UTC) + timedelta(minutes=minutes)
            assert moment.astimezone(LOCAL_ZONE).astimezone(UTC) == moment
        time.tzset()

    @pytest.mark.usefixtures("los_angeles")
    @pytest.mark.parametrize("year", [1, 9999])
    def test_the_ends_of_the_calendar_have_an_offset_too(self, year: int) -> None:
        assert datetime(year, 6, 1, tzinfo=LOCAL_ZONE).utcoffset() is not None
        assert datetime(year, 6, 1, tzinfo=UTC).astimezone(LOCAL_ZONE).year == year

    @pytest.mark.usefixtures("los_angeles")
    def test_a_task_keeps_its_time_of_day_over_the_change_of_clocks(self) -> None:
        task = Task(id=1, user_id="2", due_date=datetime(2027, 3, 10, 17, tzinfo=UTC))
        moved = move_due_by(days=7, zone=LOCAL_ZONE)(task).due_date
        assert moved is not None
        assert moved.astimezone(PACIFIC).isoformat() == "2027-03-17T09:00:00-07:00"

    def test_it_travels_between_processes(self) -> None:
        assert pickle.loads(pickle.dumps(LOCAL_ZONE)) is LOCAL_ZONE  # noqa: S301 - our own


class TestNamedZones:
    def test_utc_needs_no_database(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(zones, "ZoneInfo", _no_zones)
        assert read_zone("utc") is UTC

    def test_a_missing_database_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(zones, "ZoneInfo", _no_zones)
        monkeypatch.setattr(zones, "available_timezones", set)
        with pytest.raises(ValueError, match=r"no time zone data \(pip install tzdata\)"):
            read_zone("Europe/Berlin")

    @pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd"])
    def test_a_zone_that_is_none(self, name: str) -> None:
        with pytest.raises(ValueError, match="there is no time zone"):
            read_zone(name)


def _no_zones(name: str) -> ZoneInfo:
    raise zoneinfo.ZoneInfoNotFoundError(name)


class TestSelections:
    def test_a_day_limits_by_its_beginning_and_its_end(self) -> None:
        def due(hour: int) -> Task:
            return Task(id=1, user_id="2", due_date=datetime(2026, 3, 2, hour, tzinfo=UTC))

        day = date(2026, 3, 2)
        assert [due_before(day, zone=PACIFIC)(due(hour)) for hour in (7, 8)] == [True, False]
        assert [due_after(date(2026, 3, 1), zone=PACIFIC)(due(hour)) for hour in (7, 8)] == [False, True]

    def test_names_are_the_same_however_their_accents_are_written(self) -> None:
        task = Task(id=1, user_id="2", title="Größe klären", flow=Flow(id=5, name="Größere Kunden"))
        assert in_flow("Gro\u0308\u00dfere Kunden")(task)
        assert titled("*kla\u0308ren")(task)

    def test_holidays_are_any_container_of_dates(self) -> None:
        class Christmas:
            def __contains__(self, day: object) -> bool:
                return isinstance(day, date) and (day.month, day.day) in ((12, 25), (12, 26))

        assert next_working_day(date(2026, 12, 24), holidays=Christmas()) == date(2026, 12, 28)
        assert next_working_day(date(2026, 12, 24), holidays={date(2026, 12, 25)}) == date(2026, 12, 28)

    def test_a_calendar_without_working_days_is_refused(self) -> None:
        class Always:
            def __contains__(self, day: object) -> bool:
                return True

        with pytest.raises(ValueError, match="no working day within a year"):
            next_working_day(date(2026, 1, 1), holidays=Always())
