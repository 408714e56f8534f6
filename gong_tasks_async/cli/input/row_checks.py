"""What is wrong with rows together: rounded ids, conflicting updates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gong_tasks_async.cli.input.cells import are_rounded
from gong_tasks_async.cli.input.problems import Problem

if TYPE_CHECKING:
    from gong_tasks_async.cli.input.rows import ParsedRow


def rounded_ids(rows: Sequence[ParsedRow]) -> Iterator[Problem]:
    """Ids that a spreadsheet or a program has rounded: nothing of such a file can be trusted."""
    for name, ids in (
        ("taskId", [str(row.task_id) for row in rows]),
        ("userId", list({row.user for row in rows})),
    ):
        if are_rounded(ids):
            yield Problem(
                "",
                f"every long {name} ends in zeros, such as {max(ids, key=len)}: a spreadsheet has rounded them to "
                "15 digits, or a program such as jq 1.6 to 17; export them again as text",
            )


def conflicts(rows: Sequence[ParsedRow], task_ids: Sequence[int]) -> Iterator[Problem]:
    """Rows with conflicting updates of one task, named together."""
    places: dict[int, list[str]] = defaultdict(list)
    conflicting = set(task_ids)
    for row in rows:
        if row.task_id in conflicting:
            places[row.task_id].append(row.place)
    for task_id, named in places.items():
        yield Problem(", ".join(named), f"conflicting updates of task {task_id}: keep one of these rows")
