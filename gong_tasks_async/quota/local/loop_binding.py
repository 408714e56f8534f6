"""One event loop at a time, and the next one when that has ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from gong_tasks_async.errors import ClientStateError


class LoopBinding:
    """Remembers which event loop an object serves.

    Args:
        move: called when another loop takes over, with what its clock shows more than the last one's.
    """

    def __init__(self, move: Callable[[float], None]) -> None:
        self._move = move
        self.loop: asyncio.AbstractEventLoop | None = None
        """The one that it serves."""
        self._lock = threading.Lock()

    def bind(self) -> None:
        """Serve the running loop from now on.

        Raises:
            ClientStateError: the last loop is still running, in another thread.
        """
        loop = asyncio.get_running_loop()
        if self.loop is loop:
            return
        with self._lock:
            last = self.loop
            if last is not None and last.is_running():
                raise ClientStateError(
                    reason="this quota serves another event loop, which is still running: use one quota in one thread"
                )
            self.loop = loop
            if last is not None:
                self._move(loop.time() - last.time())
