"""The library's advice is for developers; here it becomes what an operator can type."""

from __future__ import annotations

import re
from typing import Final

from gong_tasks_async.bulk.render.format import one_line

INSTEAD: Final = (
    (", or allow a longer wait with RetryPolicy(max_wait=...)", ""),
    (", or name another with QuotaLimits(day_store=...)", ", or name another folder in GONG_TASKS_STATE"),
    (": if yours does, build the client with missing_is_empty=True", ""),
    ("name a new file for another job", "take another --name for another job"),
    ("name a new file", "move it away, or take another --name"),
)
_REFUSED: Final = re.compile(r"^(TaskUpdate|TaskFilter|QuotaLimits|RetryPolicy) refused: ")


def cli_message(error: Exception) -> str:
    """The message of an error for an operator, its lines kept."""
    words = _REFUSED.sub("", str(error))
    for program, person in INSTEAD:
        words = words.replace(program, person)
    return words


def line_for_people(error: Exception) -> str:
    """The same, in one line."""
    return one_line(cli_message(error))
