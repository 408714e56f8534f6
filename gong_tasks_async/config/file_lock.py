"""A lock between processes, held on a file beside the one that it guards."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

POLL = 0.05
"""Seconds between two attempts; the kernel's own wait could not be cancelled."""


class LockTimeoutError(Exception):
    """Another process has held the lock for too long."""


@asynccontextmanager
async def locked(path: Path, timeout: float) -> AsyncGenerator[None]:  # noqa: ASYNC109 - polled
    """Hold the lock of a file; where the file system has no locks, go on without.

    The lock is on ``NAME.lock``, since the file itself may be replaced, and on the file too: containers that share it
    alone each have another folder around it.

    Raises:
        LockTimeoutError: another process has held it for ``timeout`` seconds.
    """
    deadline = asyncio.get_running_loop().time() + timeout
    held: list[int] = []
    try:
        for file, flags in _files(path):
            held += await _lock(file, flags, deadline)
            if held and sys.platform == "win32":
                break  # there, a file that is locked cannot be read
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)  # which releases it


def _files(path: Path) -> list[tuple[Path, int]]:
    """What is locked, always in this order, and how it is opened."""
    beside = path.with_name(f"{path.name}.lock")
    no_link, no_wait = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_NONBLOCK", 0)
    return [(beside, os.O_RDWR | os.O_CREAT | no_link), (path, os.O_RDONLY | no_wait)]


async def _lock(file: Path, flags: int, deadline: float) -> list[int]:
    """Open and lock a file; empty where it cannot be opened. One that was replaced meanwhile is opened again."""
    while True:
        try:
            descriptor = os.open(file, flags | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError:
            return []
        if _try_lock(descriptor) and _is_there(descriptor, file):
            return [descriptor]
        os.close(descriptor)
        if asyncio.get_running_loop().time() > deadline:
            raise LockTimeoutError
        await asyncio.sleep(POLL)


def _is_there(descriptor: int, file: Path) -> bool:
    """Whether the name still leads to what was opened: a lock on a file that was replaced keeps no one away."""
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except OSError:
        return False


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # some network file systems have no locks
        return True
    return True
