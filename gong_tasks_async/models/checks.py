"""What is wrong with an id, a word or a date: the reasons that all requests, files and commands give alike."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final, cast

from gong_tasks_async.errors.checks import SHOWN, described
from gong_tasks_async.errors.kinds import is_iterable
from gong_tasks_async.models.enums import EnumT, OpenEnum, documented_words, lower_words

INT64_MAX: Final = 2**63 - 1
INT64_MIN: Final = -(2**63)

USER_ID_DIGITS: Final = 20
"""Of a user's id at the most."""
NEW_WORD: Final = re.compile(r"[A-Z][A-Z0-9_]*")
"""How Gong writes statuses, types and actions."""
SLIP: Final = 0.85
"""How like a known word a slip of it is; ``DISMISED`` is, ``SNOOZED`` is not."""
ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+")


def is_decimal(text: str, most_digits: int) -> bool:
    """Whether a text is a whole number in ASCII digits, perhaps negative: ``-1`` occurs as an id. ``int`` reads more.

    Twice as fast as a pattern, and asked for each id.
    """
    digits = text.removeprefix("-")
    return digits.isdecimal() and digits.isascii() and len(digits) <= most_digits


def is_user_id(text: str) -> bool:
    """Whether a text has the form of a user's id."""
    is_positive = text.isdecimal() and text.isascii() and len(text) <= USER_ID_DIGITS  # nearly all are
    return is_positive or is_decimal(text, USER_ID_DIGITS)


def task_id_problem(value: object, name: str = "task_id") -> str | None:
    """Any int64 is good, since whatever Gong sends as a task's id must be good for its update."""
    if type(value) is not int:
        return f"{name} must be an int, not {described(value)}"
    if not INT64_MIN <= value <= INT64_MAX:
        return f"{name} {_shortened(str(value))} has more than 64 bits, so it cannot be a Gong task"
    return None


def user_id_problem(value: object, name: str = "user_id") -> str | None:
    """An id of a user is text of digits."""
    if type(value) is str and is_user_id(value):  # nearly all; the others are looked at closely
        return None
    if problem := text_problem(name, value, empty="it must name the tasks' owner"):
        return problem
    text = cast("str", value)
    if is_user_id(text):
        return None
    if is_address(text):
        return f"{name} {_shortened(text)!r} is an e-mail address: find the user's id first (find_users)"
    return f"{name} {_shortened(text)!r} is not a user's id, which has digits only"


def ids_problem(value: object, name: str = "user_ids", *, example: str = "['234599484848423']") -> str | None:
    """Several texts, or one; each is looked at on its own."""
    if isinstance(value, Iterable):
        return None
    return f"{name} must be a list of texts such as {example}, not {described(value)}"


def is_address(text: str) -> bool:
    """Whether a text looks like an e-mail address."""
    return ADDRESS.fullmatch(text) is not None


def text_problem(name: str, value: object, *, such_as: str = "234599484848423", empty: str) -> str | None:
    """A text without blanks around it or control characters."""
    if not isinstance(value, str):
        return f"{name} must be text such as {such_as!r}, not {described(value)}"
    if not (stripped := value.strip()):
        return f"{name} is empty: {empty}"
    if value != stripped or not value.isprintable():
        shown = _shortened(value)
        return f"{name} {shown!r} has blanks around it or characters that cannot be shown: strip them"
    return None


def not_text_problem(value: object) -> str | None:
    """An e-mail address to look for is text; any text is good, since one that nobody has finds nobody."""
    return None if isinstance(value, str) else f"an address must be text, not {described(value)}"


def word_problem(name: str, kind: type[OpenEnum], value: object) -> str | None:
    """A member of an enum, after :func:`listed` has converted texts."""
    if isinstance(value, kind) and (value in documented_words(kind) or _is_new_word(kind, value)):
        return None
    suggestion = _suggestion(kind, value) if isinstance(value, str) else ""
    return f"{name} {_quoted(value)} is not one of {', '.join(kind)}{suggestion}"


def _is_new_word(kind: type[OpenEnum], word: str) -> bool:
    """Whether a word may be one that Gong has added: in capitals, and no slip of one that is known."""
    return NEW_WORD.fullmatch(word) is not None and not get_close_matches(word, kind, n=1, cutoff=SLIP)


def word_problems(name: str, kind: type[OpenEnum], values: Sequence[object]) -> list[str | None]:
    """At least one member of an enum."""
    if not values:
        return [f"{name} is empty: name at least one of {', '.join(kind)}, or leave it out"]
    return [word_problem(name, kind, value) for value in values]


def due_date_problem(value: object, name: str = "due_date") -> str | None:
    """An aware datetime within the calendar."""
    if not isinstance(value, datetime):
        return f"{name} must be a datetime with a time zone, not {described(value)}"
    if value.utcoffset() is None:
        return f"{name} {value.isoformat()} has no time zone: add one, such as tzinfo=datetime.UTC"
    if not _known_to_utc(value):
        return f"{name} {value.isoformat()} is beyond the calendar"
    return None


def listed(kind: type[EnumT], value: object) -> EnumT:
    """Convert a text, in any case, to its documented member; anything else stays, for :func:`word_problem`.

    A text must be a documented word, since most others are typos. An undocumented member came from Gong, or was made
    on purpose, if it is a word as Gong writes them.
    """
    if type(value) is str:
        value = lower_words(kind).get(value.lower(), value)
    return value  # type: ignore[return-value]  # refused by word_problem


def each_listed(kind: type[EnumT], values: object) -> tuple[EnumT, ...]:
    """Convert one text or member, or several, to members, each once."""
    several = values if is_iterable(values) and not isinstance(values, str) else (values,)
    members: list[EnumT] = []
    for value in several:
        if (member := listed(kind, value)) not in members:
            members.append(member)
    return tuple(members)


def _suggestion(kind: type[OpenEnum], value: str) -> str:
    # Two words may be equally near to a typo; the first letter is rarely wrong.
    word = value.strip().upper()
    near = [known for known in kind if known[:1].upper() == word[:1]]
    found = get_close_matches(word, near, n=1, cutoff=0.5)
    return f": did you mean {found[0]}?" if found else ""


def _known_to_utc(moment: datetime) -> bool:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _quoted(value: object) -> str:
    if type(value) is str:
        return repr(_shortened(value))
    text = reprlib.repr(value)
    return text if len(text) <= SHOWN else type(value).__name__


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
