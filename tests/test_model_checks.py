"""The reasons that requests, files and commands give: where each begins, and what stands just on the legal side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gong_tasks_async.errors.checks import SHOWN
from gong_tasks_async.models import TaskStatus
from gong_tasks_async.models.checks import (
    due_date_problem,
    each_listed,
    is_decimal,
    is_user_id,
    listed,
    task_id_problem,
    text_problem,
    user_id_problem,
    word_problem,
    word_problems,
)

EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class TestIds:
    @pytest.mark.parametrize(
        ("text", "is_one"),
        [("0", True), ("9" * 20, True), ("-" + "9" * 20, True), ("9" * 21, False), ("-" + "9" * 21, False)]
        + [
            (text, False)
            for text in ("", "-", "--1", "1-", "+1", " 1", "1.0", "1_0", "\u0661", "\u00b2", "a")
        ],
    )
    def test_a_user_s_has_twenty_ascii_digits_at_most_and_perhaps_a_sign(
        self, text: str, is_one: bool
    ) -> None:
        assert is_user_id(text) is is_one
        assert (user_id_problem(text) is None) is is_one

    def test_as_many_digits_as_are_asked_for(self) -> None:
        assert [is_decimal(text, 3) for text in ("1", "123", "-123", "1234", "-1234")] == [True] * 3 + [
            False
        ] * 2

    def test_an_address_is_named_with_the_way_to_its_id(self) -> None:
        assert "is an e-mail address: find the user's id first" in (user_id_problem("ana@example.com") or "")
        assert "is not a user's id, which has digits only" in (user_id_problem("ana example.com") or "")

    @pytest.mark.parametrize("number", [-(2**63), 0, 2**63 - 1])
    def test_a_task_s_is_any_int64(self, number: int) -> None:
        assert task_id_problem(number) is None

    @pytest.mark.parametrize("number", [-(2**63) - 1, 2**63])
    def test_a_task_s_of_more_bits_is_none(self, number: int) -> None:
        assert (
            task_id_problem(number, "id") == f"id {number} has more than 64 bits, so it cannot be a Gong task"
        )

    @pytest.mark.parametrize("value", [True, 1.0, "1", None])
    def test_a_task_s_is_no_other_type_that_is_like_one(self, value: object) -> None:
        assert "must be an int, not" in (task_id_problem(value) or "")


class TestTexts:
    @pytest.mark.parametrize("length", [SHOWN - 1, SHOWN, SHOWN + 1, 10 * SHOWN])
    def test_a_long_one_is_shown_shortened_and_marked_so(self, length: int) -> None:
        shown = "x" * length if length <= SHOWN else "x" * SHOWN + "..."
        assert user_id_problem("x" * length) == f"user_id '{shown}' is not a user's id, which has digits only"

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (7, "name must be text such as"),
            ("", "name is empty: why"),
            (" \t", "name is empty: why"),
            (" a", "blanks around it"),
            ("a\n", "blanks around it"),
            ("a\x1bb", "characters that cannot be shown"),
        ],
    )
    def test_blanks_around_it_and_what_cannot_be_shown_are_refused(self, value: object, reason: str) -> None:
        assert reason in (text_problem("name", value, empty="why") or "")

    @pytest.mark.parametrize("value", ["a", "a b", "\u00e9", "<a>"])
    def test_blanks_within_it_are_good(self, value: str) -> None:
        assert text_problem("name", value, empty="why") is None


class TestWords:
    @pytest.mark.parametrize("text", ["done", "Done", "DONE"])
    def test_a_text_stands_for_the_documented_word_in_any_case(self, text: str) -> None:
        assert listed(TaskStatus, text) is TaskStatus.DONE

    def test_several_are_listed_each_once_in_their_order(self) -> None:
        several = each_listed(TaskStatus, ["open", TaskStatus.DONE, "OPEN", "done"])
        assert several == (TaskStatus.OPEN, TaskStatus.DONE)
        assert each_listed(TaskStatus, "open") == (TaskStatus.OPEN,)

    @pytest.mark.parametrize(
        ("word", "is_good"), [("SNOOZED", True), ("ON_HOLD_2", True), ("DISMISED", False), ("snoozed", False)]
    )
    def test_a_new_word_is_one_as_gong_writes_them_and_no_slip_of_a_known_one(
        self, word: str, is_good: bool
    ) -> None:
        assert (word_problem("status", TaskStatus, TaskStatus(word)) is None) is is_good

    def test_a_text_that_is_no_word_is_refused_with_the_near_one_of_its_first_letter(self) -> None:
        known = ", ".join(TaskStatus)
        assert word_problem("status", TaskStatus, "opne") == (
            f"status 'opne' is not one of {known}: did you mean OPEN?"
        )
        assert word_problem("status", TaskStatus, "NONE") == f"status 'NONE' is not one of {known}"

    def test_of_several_each_is_looked_at_and_none_is_not_enough(self) -> None:
        assert word_problems("statuses", TaskStatus, [TaskStatus.OPEN, TaskStatus.DONE]) == [None, None]
        (problem,) = word_problems("statuses", TaskStatus, [])
        assert "statuses is empty: name at least one of" in (problem or "")


class TestDueDates:
    @pytest.mark.parametrize(
        "moment",
        [
            FIRST,
            LAST,
            FIRST.replace(tzinfo=WEST),
            LAST.replace(tzinfo=EAST),
            datetime(2026, 3, 2, tzinfo=EAST),
        ],
        ids=str,
    )
    def test_any_moment_that_has_a_name_in_utc_is_good(self, moment: datetime) -> None:
        assert due_date_problem(moment) is None

    @pytest.mark.parametrize("moment", [FIRST.replace(tzinfo=EAST), LAST.replace(tzinfo=WEST)], ids=str)
    def test_one_that_has_none_there_is_beyond_the_calendar(self, moment: datetime) -> None:
        assert due_date_problem(moment, "due") == f"due {moment.isoformat()} is beyond the calendar"

    def test_one_without_a_zone_may_be_anywhere(self) -> None:
        assert "has no time zone" in (due_date_problem(datetime(2026, 3, 2)) or "")  # noqa: DTZ001 - what is refused
        assert "must be a datetime with a time zone" in (due_date_problem("2026-03-02") or "")
