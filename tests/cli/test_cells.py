"""Each cell by itself: what counts as a value, and what a spreadsheet or a program has spoiled."""

from __future__ import annotations

import pytest

from gong_tasks_async.cli.input.cells import are_rounded, read_priority, read_status, read_task_id, read_user
from gong_tasks_async.models import TaskStatus

LARGEST = 2**63 - 1


class TestTaskIds:
    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("1", 1),
            ("007", 7),
            (str(LARGEST), LARGEST),
            (f"0{LARGEST}", LARGEST),
            (str(-LARGEST - 1), -LARGEST - 1),  # whatever Gong has sent is good for its update
            ("-1", -1),
            ("0", 0),
            ("+7", 7),
            (" 7\t", 7),
            ("'7", 7),
            ('="7"', 7),
            ('=" 7 "', 7),
        ],
    )
    def test_are_read_as_they_are_typed_and_as_spreadsheets_keep_them(self, text: str, number: int) -> None:
        assert read_task_id(text) == number

    @pytest.mark.parametrize("text", [str(LARGEST + 1), str(-LARGEST - 2), f"{LARGEST}0", "9" * 300])
    def test_no_number_of_more_than_64_bits_is_one(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"^taskId -?[0-9]+(\.\.\.)? has more than 64 bits"):
            read_task_id(text)

    @pytest.mark.parametrize("text", ["", "  ", "'", '=""'])
    def test_an_empty_cell_is_named_so(self, text: str) -> None:
        with pytest.raises(ValueError, match="taskId is empty"):
            read_task_id(text)

    @pytest.mark.parametrize(
        "text", ["\u0667", "\u00b2", "1_000", "1 000", "0x10", "7.", "--7", "=7", '"7"', "''7"]
    )
    def test_what_python_alone_would_read_as_a_number_is_none(self, text: str) -> None:
        with pytest.raises(ValueError, match="is not a number such as"):
            read_task_id(text)

    @pytest.mark.parametrize("text", ["9E18", "9.07E+18", "9,07e+18", "-9.07E+18", "9.07E-3"])
    def test_one_that_a_spreadsheet_has_shortened_is_never_made_whole_again(self, text: str) -> None:
        with pytest.raises(ValueError, match="was shortened by a spreadsheet"):
            read_task_id(text)

    @pytest.mark.parametrize("text", ["17.0", "17,5", "+17.0", "0.5"])
    def test_one_with_a_fraction_is_never_cut(self, text: str) -> None:
        with pytest.raises(ValueError, match="has a fraction"):
            read_task_id(text)


class TestOwners:
    @pytest.mark.parametrize(
        ("text", "user"),
        [
            ("234599484848423", "234599484848423"),
            (" '0012 ", "0012"),
            ('="77"', "77"),
            ("-1", "-1"),
            (" Ana@Example.com ", "Ana@Example.com"),
        ],
    )
    def test_are_ids_or_addresses(self, text: str, user: str) -> None:
        assert read_user(text) == user

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (" ", "userId is empty"),
            ("2.3E+14", "userId 2.3E.14 was shortened"),
            ("77.0", "userId 77.0 has a fraction"),
            ("Ana Sousa", "userId 'Ana Sousa' is neither an id"),
            ("7-7", "userId '7-7' is neither an id"),
        ],
    )
    def test_anything_else_is_refused_with_the_reason(self, text: str, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            read_user(text)

    @pytest.mark.parametrize("length", [39, 40, 41, 500])
    def test_a_message_repeats_forty_characters_of_a_cell_and_marks_what_it_leaves_out(
        self, length: int
    ) -> None:
        cell = "x" * length
        shown = cell if length <= 40 else "x" * 40 + "..."
        with pytest.raises(ValueError, match=f"userId '{shown}' is"):
            read_user(cell)
        with pytest.raises(ValueError, match=f"userId {'1' * 40}[.]{{3}} has a fraction"):
            read_user("1" * (length + 2) + ".0")


class TestRoundedIds:
    """Trailing zeros below what a spreadsheet or a program keeps: rounded, or chance."""

    @pytest.mark.parametrize(
        ("ids", "rounded"),
        [
            (["9067931441193850000", "9067931441193860000"], True),  # 15 digits, and 8 zeros
            (["9067931441193850000", "906793144119386000"], False),  # 7 zeros: once in ten million by chance
            (["9067931441193857400"] * 4, True),  # 17 digits, as a program keeps them
            (["9067931441193857400"] * 3, False),
            (["9067931441193850000", "9067931441193860001"], False),  # one that is whole
            (["9067931441193850000", "9067931441193860000", "1000", "7"], True),  # short ones lose nothing
            (["900000000000000"] * 9, False),  # nor do those of 15 digits
            ([], False),
        ],
    )
    def test_all_zeros_and_too_many_for_chance(self, ids: list[str], rounded: bool) -> None:
        assert are_rounded(ids) is rounded

    def test_addresses_among_them_prove_nothing(self) -> None:
        ids = ["9067931441193850000", "9067931441193860000"]
        assert are_rounded([*ids, "someone.with.a.long.name@example.com"])
        assert not are_rounded(["someone.with.a.long.name@example.com"])


class TestStatusAndPriority:
    @pytest.mark.parametrize("text", ["DONE", "done", " Done\n"])
    def test_a_status_in_capitals_or_not(self, text: str) -> None:
        assert read_status(text) is TaskStatus.DONE

    @pytest.mark.parametrize(
        ("text", "advice"),
        [
            ("DOEN", "the status 'DOEN' .* did you mean DONE"),
            (" opne ", "the status 'opne' .* did you mean OPEN"),
            ("DISMISED", "did you mean DISMISSED"),
            ("NONE", "take one of OPEN, DONE, DISMISSED"),  # near to DONE, and no slip of the fingers
            ("", "take one of"),
        ],
    )
    def test_a_slip_of_the_fingers_is_advised_and_not_corrected(self, text: str, advice: str) -> None:
        with pytest.raises(ValueError, match=advice):
            read_status(text)

    @pytest.mark.parametrize("text", ["MEDIUM", " very high ", "no", "\u9ad8", "a<b", "C#"])
    def test_a_priority_is_any_word(self, text: str) -> None:
        assert read_priority(text) == text.strip()

    @pytest.mark.parametrize(
        "text", ["#N/A", "#REF!", "<unset>", "NaN", "None", "NULL", "n/a", "a\nb", "a\x1b[1m"]
    )
    def test_what_stands_for_no_value_is_no_priority(self, text: str) -> None:
        with pytest.raises(ValueError, match="is not a word such as MEDIUM"):
            read_priority(text)
