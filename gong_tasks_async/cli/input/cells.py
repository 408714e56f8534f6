"""Parse cells: a value, or the reason why it is none."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

from gong_tasks_async.models import TaskStatus
from gong_tasks_async.models.checks import INT64_MAX, is_address, is_user_id, task_id_problem

SHORTENED: Final = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
"""How spreadsheets write long numbers."""
FRACTION: Final = re.compile(r"[+-]?[0-9]+[.,][0-9]+")

INT64_DIGITS: Final = len(str(INT64_MAX))

NO_VALUES: Final = frozenset(("nan", "nat", "n/a", "<na>", "none", "null", "nil", "undefined"))
"""What programs write where they have no value; spreadsheets write `#N/A`, `#REF!` and the like."""

LONGEST_ID: Final = 100
"""Characters of a number that are read; converting many more would take long, and no id has them."""

EXACT_DIGITS: Final = (15, 17)
"""What a spreadsheet keeps of a number (https://support.microsoft.com/office/excel-specifications-and-limits), and what
programs do that read JSON's numbers as IEEE 754 doubles, such as JavaScript and jq before 1.7."""
ROUNDED_DIGITS: Final = 8
"""Trailing zeros of all ids together that cannot be chance: one in a hundred million."""


def read_task_id(text: str) -> int:
    """Read a task's id.

    Raises:
        ValueError: it is none.
    """
    if (
        text.isascii()
        and text.isdigit()
        and len(text) <= INT64_DIGITS
        and 0 < (plain := int(text)) <= INT64_MAX
    ):
        return plain  # as nearly all are; 200,000 rows are read in a quarter less time
    digits = _id_text(text)
    if not digits:
        raise ValueError("taskId is empty: every row needs one")
    _refuse_numbers_of_spreadsheets("taskId", digits)
    if not re.fullmatch(r"[+-]?[0-9]+", digits):
        raise ValueError(f"taskId {text!r} is not a number such as 9067931441193858457")
    number = int(digits[:LONGEST_ID])
    if problem := task_id_problem(number, "taskId"):
        raise ValueError(problem)
    return number


def read_user(text: str) -> str:
    """Read a task's owner: an id, or an e-mail address to be looked up.

    Raises:
        ValueError: it is neither.
    """
    user = _id_text(text)
    if not user:
        raise ValueError("userId is empty: every row needs its task's owner")
    _refuse_numbers_of_spreadsheets("userId", user)
    if not (is_user_id(user) or is_address(user)):
        raise ValueError(
            f"userId {_short(user)!r} is neither an id, which has digits only, nor an e-mail address"
        )
    return user


def read_status(text: str) -> TaskStatus:
    """Read a status, in capitals or not.

    Raises:
        ValueError: Gong has none of this name.
    """
    word = text.strip().upper()
    words = [status.value for status in TaskStatus]
    if word in words:
        return TaskStatus(word)
    # Two of them may be equally near to a slip of the fingers; the first letter is rarely one.
    near = get_close_matches(word, [known for known in words if known[:1] == word[:1]], n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else f"take one of {', '.join(words)}"
    raise ValueError(f"the status {text.strip()!r} is not one of Gong's: {advice}")


def read_priority(text: str) -> str:
    """Read a priority, of which Gong publishes no list.

    Raises:
        ValueError: it is not a printable word.
    """
    word = text.strip()
    if not word.isprintable() or word.startswith(("<", "#")) or word.casefold() in NO_VALUES:
        raise ValueError(f"the priority {text!r} is not a word such as MEDIUM")
    return word


def are_rounded(ids: Collection[str]) -> bool:
    """Whether a spreadsheet or a program has rounded the ids: the last digits of all long ones are zeros."""
    return any(_are_rounded_to(exact, ids) for exact in EXACT_DIGITS)


def _are_rounded_to(exact: int, ids: Collection[str]) -> bool:
    lost = [digits[exact:] for digits in ids if len(digits) > exact and digits.isdecimal()]
    return sum(map(len, lost)) >= ROUNDED_DIGITS and not "".join(lost).strip("0")


def _id_text(text: str) -> str:
    """Strip the apostrophe or formula that makes a spreadsheet keep an id as text."""
    stripped = text.strip()
    if found := re.fullmatch(r'="(.*)"', stripped):
        return found[1].strip()
    return stripped.removeprefix("'")


def _refuse_numbers_of_spreadsheets(name: str, text: str) -> None:
    if SHORTENED.fullmatch(text):
        raise ValueError(
            f"{name} {text} was shortened by a spreadsheet, and its last digits are lost: export it again with "
            "the column formatted as text before the ids are pasted or opened"
        )
    if FRACTION.fullmatch(text):
        raise ValueError(
            f"{name} {_short(text)} has a fraction, and ids are whole numbers: format the column as text"
        )


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."  # noqa: PLR2004 - enough to find it by
