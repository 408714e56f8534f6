"""Headers of SQLite files: which program made a file, and which version of it."""

from __future__ import annotations

import sqlite3

from attrs import frozen

_HEADER = """
SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)
FROM pragma_application_id, pragma_user_version
"""
"""One statement: between two, another process may make the tables."""


@frozen
class Header:
    """What the header of a database says; see https://www.sqlite.org/pragma.html#pragma_application_id."""

    application_id: int
    version: int
    """``user_version``: the schema's version."""
    objects: int
    """How many tables, indexes, views and triggers there are; 0 in a new file."""


def header_of(database: sqlite3.Connection) -> Header | None:
    """The header of an open file; None where the file is no database.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    try:
        return Header(*database.execute(_HEADER).fetchone())
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        return None


def has_views_or_triggers(database: sqlite3.Connection) -> bool:
    """Whether the schema holds code: a view can read as an endless table, a trigger can undo what is written."""
    found = database.execute("SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index')").fetchone()
    return found is not None


def distrust(database: sqlite3.Connection) -> None:
    """Call no function that the schema names, and check each page as it is read: the file may be anybody's."""
    database.execute("PRAGMA trusted_schema=OFF")
    database.execute("PRAGMA cell_size_check=ON")
