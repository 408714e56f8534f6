"""Which users need a look first."""

from __future__ import annotations

from collections.abc import Mapping

from gong_tasks_async.bulk.report import RowCounts


def worst_first(by_user: Mapping[str, RowCounts]) -> list[tuple[str, RowCounts]]:
    """All users: the most failures first, then the most rows left to do, then by id."""
    return sorted(by_user.items(), key=lambda user: (-user[1].failed, -user[1].pending, user[0]))
