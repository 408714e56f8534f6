"""A lock between processes, held on a file beside the one that it guards."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
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

    The lock is on ``NAME.lock``, since the file itself may be replaced; where that cannot be made, on the file.

    Raises:
        LockTimeoutError: another process has held it for ``timeout`` seconds.
    """
    descriptor = _opened(path)
    try:
        deadline = asyncio.get_running_loop().time() + timeout
        while descriptor is not None and not _try_lock(descriptor):
            if asyncio.get_running_loop().time() > deadline:
                raise LockTimeoutError
            await asyncio.sleep(POLL)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)  # which releases it


def _opened(path: Path) -> int | None:
    no_link = getattr(os, "O_NOFOLLOW", 0)
    with suppress(OSError):
        beside = path.with_name(f"{path.name}.lock")
        return os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | no_link, 0o600)
    with suppress(OSError):
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return None


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
