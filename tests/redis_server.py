"""A Redis of the tests' own: started on a spare loopback port, killed and restarted at will."""

from __future__ import annotations

import inspect
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from gong_tasks_async import RedisQuota

PROGRAM = os.environ.get("GONG_TESTS_REDIS_SERVER") or next(
    (found for name in ("redis-server", "valkey-server") if (found := shutil.which(name))), None
)
"""The server: another one than is found, such as Valkey, by its path in GONG_TESTS_REDIS_SERVER."""
PATIENCE = 120.0
"""Seconds; no server takes so long to start, on whatever machine."""

ON_DISK_FIRST = ("--appendonly", "yes", "--appendfsync", "always")


PORTS = range(10_000, 20_000)
"""Below those that systems give to connections, one of which could take a port before its server does, or while that
is down; a Redis of a Cluster listens 10,000 ports higher as well."""


def spare_port() -> int:
    while True:
        port = random.SystemRandom().choice(PORTS)  # Hypothesis seeds the common one, in all processes alike
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
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
        """Return once it has read its files: before, it answers that it is loading."""
        give_up = time.monotonic() + PATIENCE
        self.process = self._started()
        while not self._answers():
            if time.monotonic() > give_up:
                self.kill()
                raise TimeoutError((self.folder / "log").read_text(errors="replace"))
            if self.process.poll() is not None:  # another process has had its port for a moment
                self.process = self._started()
            time.sleep(0.01)

    def _started(self) -> subprocess.Popen[bytes]:
        assert PROGRAM is not None
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        with (self.folder / "log").open("ab") as log:
            command = [PROGRAM, *self.first, *where, *self.settings]
            return subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603

    def kill(self) -> None:
        """SIGKILL: no goodbye, nothing is written."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def suspend(self) -> None:
        """Have it answer nothing, and keep its connections, until it is resumed."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        self.kill()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _answers(self) -> bool:
        if "--tls-port" in self.settings:
            return self._listens()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
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
def patient_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have shared quotas wait longer for Redis than a machine stands still."""
    defaults = inspect.unwrap(RedisQuota.__init__).__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "timeout", PATIENCE)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    require_redis()
    with RedisServer(tmp_path) as server:
        yield server
