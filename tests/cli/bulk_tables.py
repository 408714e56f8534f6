"""Reading tables as `gong-tasks bulk` does, without the command around it."""

from __future__ import annotations

from typing import Any

from gong_tasks_async.cli.input.rows import ParsedInput
from gong_tasks_async.cli.input.source import Source, parsed
from gong_tasks_async.models import TaskUpdate

HEAD = "taskId,userId,status\n"
DIGITS = 9067931441193858457


def read(data: bytes | str, **said: Any) -> ParsedInput:
    return parsed(data if isinstance(data, bytes) else data.encode(), Source(file="rows.csv", **said))


def updates(data: bytes | str, **said: Any) -> list[TaskUpdate]:
    parsed_input = read(data, **said)
    assert parsed_input.problems == ()
    return [row.update(row.user) for row in parsed_input.rows]
