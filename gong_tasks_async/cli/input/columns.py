"""The columns of an input, and the names they go by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from attrs import Factory, field, frozen


class Column(StrEnum):
    """A column, in Gong's spelling."""

    TASK_ID = "taskId"
    USER_ID = "userId"
    STATUS = "status"
    DUE_DATE = "dueDate"
    PRIORITY = "priority"
    AS_LISTED = "asListed"
    """What a task was when `gong-tasks list` wrote the row; cells that still say so are no change."""


CHANGES: Final = (Column.STATUS, Column.DUE_DATE, Column.PRIORITY)
"""The columns that hold changes."""

SPELLINGS: Final = {
    "taskid": Column.TASK_ID,
    "id": Column.TASK_ID,
    "task": Column.TASK_ID,
    "userid": Column.USER_ID,
    "user": Column.USER_ID,
    "useremail": Column.USER_ID,
    "email": Column.USER_ID,
    "owner": Column.USER_ID,
    "ownerid": Column.USER_ID,
    "status": Column.STATUS,
    "duedate": Column.DUE_DATE,
    "due": Column.DUE_DATE,
    "priority": Column.PRIORITY,
    "aslisted": Column.AS_LISTED,
}

LISTED_NAMES: Final[Mapping[str, Column]] = {
    "id": Column.TASK_ID,
    **{column.value: column for column in Column},
}
"""Names by which `gong-tasks list` writes the columns, as JSON and as tables."""

LEFT_OUT: Final = (Column.DUE_DATE, Column.PRIORITY)
"""Columns that a JSON line of a listing has only where the task has a value."""

UNREAD: Final = frozenset(
    (
        *("created", "updated", "type", "actions", "account", "opportunity", "flow", "contact"),
        *("additionalcontacts", "title", "crmtype"),
        *("ownername", "owneraddress", "username"),
        *("state", "attempts", "requestid", "error", "settledat"),
    )
)
"""Columns of `gong-tasks list` and of a job's report, which an input may have and which are not read."""


def plain(name: str) -> str:
    """A name without capitals, blanks and marks: `Task ID`, `task_id` and `taskId` are all `taskid`."""
    return re.sub(r"[\W_]+", "", name.casefold())


def column_of(name: str) -> Column | None:
    """The column of a name, if known."""
    return SPELLINGS.get(plain(name))


def _places(layout: Layout) -> tuple[tuple[Column, int], ...]:
    return tuple((column, place) for place, column in enumerate(layout.columns) if column is not None)


@frozen
class Layout:
    """Which field of a row is which column, and what is wrong with the names."""

    columns: tuple[Column | None, ...]
    missing: tuple[str, ...]
    """Required columns that are missing, as messages."""
    problems: tuple[str, ...]
    """Other problems, as messages."""
    unknown: tuple[str, ...] = ()
    """Names of columns that are not known, and not read."""
    places: tuple[tuple[Column, int], ...] = field(init=False, default=Factory(_places, takes_self=True))
    """The known columns, each with the place of its field."""


def layout_of(names: Sequence[str], *, lenient: bool = False) -> Layout:
    """Read the names of a row's fields. Unknown ones are left unread.

    One that resembles a known name is a problem, since it may be a slip; not so if ``lenient``. In a row that
    `gong-tasks list` wrote, such a name beside the known one is a field that Gong has added to its tasks.
    """
    columns = _columns(names)
    unknown = [name for name, column in zip(names, columns, strict=True) if _is_unknown(name, column)]
    slips: Iterable[str] = () if lenient else _slips(unknown, columns)
    problems = (*_twice(names, columns), *slips)
    return Layout(columns, tuple(_missing(columns)), problems, tuple(dict.fromkeys(unknown)))


def _columns(names: Sequence[str]) -> tuple[Column | None, ...]:
    """The column of each name; in a listed row, not of one that may be a new field of Gong's."""
    columns = tuple(map(column_of, names))
    if Column.AS_LISTED not in columns:
        return columns
    as_written: dict[Column, str] = {}
    for name in names:
        if name in LISTED_NAMES:
            as_written.setdefault(LISTED_NAMES[name], name)

    def is_meant(name: str, column: Column) -> bool:
        if column in as_written:
            return name == as_written[column]
        return column not in LEFT_OUT or plain(name) == plain(column)

    return tuple(
        column if column is not None and is_meant(name, column) else None
        for name, column in zip(names, columns, strict=True)
    )


def _missing(columns: Sequence[Column | None]) -> Iterator[str]:
    if Column.TASK_ID not in columns:
        yield "no task ids: add a column taskId"
    if Column.USER_ID not in columns:
        yield "no owners: add a column userId, with ids or e-mail addresses"


def _twice(names: Sequence[str], columns: Sequence[Column | None]) -> Iterator[str]:
    for column in Column:
        same = [name for name, found in zip(names, columns, strict=True) if found is column]
        if len(same) > 1:
            yield f"{' and '.join(map(repr, same))} both mean {column}: leave one of them out"


def _is_unknown(name: str, column: Column | None) -> bool:
    return column is None and plain(name) not in UNREAD and bool(name.strip())


def _slips(unknown: Sequence[str], columns: Sequence[Column | None]) -> Iterator[str]:
    there = {*columns, *LEFT_OUT} if Column.AS_LISTED in columns else frozenset[Column]()
    for name in unknown:
        near = get_close_matches(plain(name), SPELLINGS, n=1, cutoff=0.7)
        if near and SPELLINGS[near[0]] not in there:
            yield (
                f"the column {name!r} is not known: did you mean {SPELLINGS[near[0]]}? If not, rename it, "
                "or add --skip-unknown to leave it unread"
            )
