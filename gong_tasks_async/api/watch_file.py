"""The file in which :meth:`GongTasksClient.watch` remembers the last listings across restarts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from gong_tasks_async import codec
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.api.watch import Memory, TaskEvent, watch
from gong_tasks_async.codec.json_text import dumps, loads
from gong_tasks_async.errors import DecodeError
from gong_tasks_async.errors.checks import described, number_of, refuse
from gong_tasks_async.models import Task
from gong_tasks_async.models.checks import ids_problem, user_id_problem


def watch_users(
    caller: Caller, users: Iterable[str], share: float, state: Path | None, *, missing_is_empty: bool
) -> AsyncGenerator[TaskEvent]:
    """Watch users, and remember the last listings in a file, if there is one.

    Raises:
        InvalidValueError: ``share`` is not a part of the day, or a text is no user's id.
    """
    refuse("watch", [_share_problem(share), ids_problem(users)])
    watched = (users,) if isinstance(users, str) else tuple(users)
    refuse("watch", map(user_id_problem, watched))
    return _watch(caller, watched, share, state, missing_is_empty=missing_is_empty)


def _share_problem(share: object) -> str | None:
    number = number_of(share)
    if number is not None and 0 < number <= 1:
        return None
    return f"share must be more than 0 and at most 1, not {described(share) if number is None else share}"


async def _watch(
    caller: Caller, users: Iterable[str], share: float, state: Path | None, *, missing_is_empty: bool
) -> AsyncGenerator[TaskEvent]:
    async def remember(memory: Memory) -> None:
        if state is not None:
            await asyncio.to_thread(save, state, memory)

    memory = {} if state is None else await asyncio.to_thread(load, state)
    events = watch(
        caller, users, share=share, memory=memory, remember=remember, missing_is_empty=missing_is_empty
    )
    async with aclosing(events):
        async for event in events:
            yield event


def load(path: Path) -> Memory:
    """The last listing of each user; empty where there is no file.

    Raises:
        ValueError: the file is not one that :func:`save` wrote.
        OSError: it cannot be read.
    """
    if path.exists() and not path.is_file():  # the writer of a pipe would be waited for
        raise ValueError(f"{path} is no regular file; name another")
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        kept = loads(text)
        return {user: _tasks(listed) for user, listed in kept["watched"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, DecodeError) as error:
        raise ValueError(f"{path} is not a file of watched tasks; move it away, or name another") from error


def save(path: Path, memory: Memory) -> None:
    """Replace the file in one step, for its owner alone; a crash leaves the one before.

    Raises:
        OSError: it cannot be written.
    """
    watched = {user: [codec.to_json(task) for task in tasks.values()] for user, tasks in memory.items()}
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(dumps({"watched": watched}))
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(file.name).unlink()
            raise


def _tasks(listed: object) -> dict[int, Task]:
    return {task.id: task for task in codec.decode_answer(dumps({"tasks": listed})).tasks}
