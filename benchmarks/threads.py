"""requests in threads: what a program without asyncio would do, with a session for each thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import orjson
import requests

from benchmarks.bare_client import HEADERS, done
from benchmarks.blocks import Block
from benchmarks.stub_server import TASK_ID


class ThreadedClient:
    """Sends PATCHes from whichever thread it is asked in."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._mine = threading.local()

    def patch(self, task_id: int) -> object:
        """Mark a task done."""
        answer = self._session().patch(f"{self._base_url}/v2/tasks/{task_id}", data=done(), timeout=30)
        answer.raise_for_status()
        return orjson.loads(answer.content)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._mine, "session", None)
        if session is None:
            session = self._mine.session = requests.Session()
            session.trust_env = False  # reading the environment each time costs more than the call
            session.headers.update(HEADERS)
        return session


@contextmanager
def thread_patches(base_url: str, calls: int, concurrency: int) -> Iterator[Block]:
    """A block of so many PATCHes from so many threads, which last the whole run."""
    client = ThreadedClient(base_url)
    with ThreadPoolExecutor(concurrency) as pool:
        yield lambda: list(pool.map(client.patch, range(TASK_ID, TASK_ID + calls)))
