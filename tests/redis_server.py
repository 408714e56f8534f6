"""A Redis of the tests' own: started on a spare loopback port, killed and restarted at will."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = next((found for name in ("redis-server", "valkey-server") if (found := shutil.which(name))), None)
PATIENCE = 10.0


def spare_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """One server process; what it keeps on disk is in its folder."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder = folder
        self.port = spare_port()
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        assert PROGRAM is not None
        command = [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen([*command, "--save", "", *self.settings], stdout=log, stderr=log)  # noqa: S603
        self._wait_for_it()

    def kill(self) -> None:
        """SIGKILL: no goodbye, nothing is written."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _wait_for_it(self) -> None:
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        raise TimeoutError((self.folder / "log").read_text(errors="replace"))


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
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()
