"""A Redis of the tests' own: started on a spare loopback port, killed and restarted at will."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

PROGRAM = next((found for name in ("redis-server", "valkey-server") if (found := shutil.which(name))), None)
PATIENCE = 30.0
"""Seconds; no server takes so long to start, on whatever machine."""

ON_DISK_FIRST = ("--appendonly", "yes", "--appendfsync", "always")


HIGHEST_PORT = 55_535
"""A Redis of a cluster listens 10,000 ports higher as well."""


def spare_port() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port <= HIGHEST_PORT:
            return port


class RedisServer:
    """One server process; what it keeps on disk is in its folder.

    With ``appendonly``, each write is on disk before it is answered, so that a kill forgets nothing.
    """

    def __init__(self, folder: Path, *settings: str, appendonly: bool = False) -> None:
        self.folder = folder
        self.port = spare_port()
        self.settings = (*settings, *(ON_DISK_FIRST if appendonly else ()))
        self.process: subprocess.Popen[bytes] | None = None
        self.first: tuple[str, ...] = ("--save", "")
        """Words before all others: of a Sentinel, its file."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        assert PROGRAM is not None
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        with (self.folder / "log").open("ab") as log:
            command = [PROGRAM, *self.first, *where, *self.settings]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
        self._wait_for_it()

    def kill(self) -> None:
        """SIGKILL: no goodbye, nothing is written."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _wait_for_it(self) -> None:
        """Until it has read its files: before, it answers that it is loading."""
        give_up = time.monotonic() + PATIENCE
        while not self._answers():
            if time.monotonic() > give_up:
                self.kill()
                raise TimeoutError((self.folder / "log").read_text(errors="replace"))
            time.sleep(0.01)

    def _answers(self) -> bool:
        if "--tls-port" in self.settings:
            return self._listens()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
        except OSError:
            return False
        return True


def require_redis() -> None:
    """Skip where no server is installed; fail where CI says that one must be."""
    if PROGRAM is None:
        if os.environ.get("GONG_TESTS_REQUIRE_REDIS"):
            pytest.fail(
                "GONG_TESTS_REQUIRE_REDIS is set, and neither redis-server nor valkey-server is installed"
            )
        pytest.skip("neither redis-server nor valkey-server is installed")


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    require_redis()
    with RedisServer(tmp_path) as server:
        yield server
