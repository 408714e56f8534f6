"""A redis-server of a test's own, on a spare loopback port; it can be killed, and started again on its files."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest
from attrs import define, field

PROGRAM = shutil.which("redis-server")
PATIENCE = 30.0
"""Seconds; no server takes so long to start, on whatever machine."""

needs_redis = pytest.mark.skipif(
    PROGRAM is None, reason="redis-server is not installed (Debian: redis-server)"
)


@define
class RedisServer:
    """`with RedisServer(folder) as redis: ...`; nothing of it is left afterwards but what is in the folder."""

    folder: Path
    appendonly: bool = field(default=True, kw_only=True)
    """Whether each write is on disk before it is answered."""
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        assert PROGRAM is not None
        self.port = self.port or spare_port()
        keep = ["--appendonly", "yes", "--appendfsync", "always"] if self.appendonly else []
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, *where, *keep], stdout=log, stderr=log)  # noqa: S603
        self._wait_until_it_answers()

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _wait_until_it_answers(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self._answers():
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def spare_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
