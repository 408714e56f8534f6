"""What the shared quota's script costs a real redis-server, which is asked again what a simulated company has asked."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from gong_tasks_async.quota.redis import redis_backend
from gong_tasks_async.quota.redis.commands import SOURCE

Request = tuple[str | bytes, ...]


def cost_of_the_script(asked: list[tuple[float, Request]], permits: int) -> tuple[float, float]:
    """Microseconds of a real server for each run of the script, and for each permit: the best of three."""
    with _server() as client:
        best = float("inf")
        for _ in range(3):
            client.config_resetstat()
            _ask_again(client, asked)
            best = min(best, client.info("commandstats")["cmdstat_evalsha"]["usec"])
    return best / len(asked), best / permits


def instructions_of_the_script(asked: list[tuple[float, Request]]) -> float | None:
    """What a run of the script costs a real server, its part in reading the request and sending the reply included.

    The difference of asking once and three times; None where valgrind is not installed. No load of the machine changes it.
    """
    if shutil.which("valgrind") is None:
        return None
    counted = []
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "counts"
        tool = ("valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={found}")
        for times in (1, 3):
            with _server(*tool) as client:
                for _ in range(times):
                    _ask_again(client, asked)
                client.shutdown(nosave=True)
            counted.append(int(found.read_text(encoding="utf-8").rpartition("summary: ")[2]))
    return (counted[1] - counted[0]) / 2 / len(asked)


def _ask_again(client: Redis, asked: list[tuple[float, Request]]) -> None:
    """Ask an empty server the same, at the same moments of the script's clock."""
    clock = "local clock = call('TIME')"
    source = SOURCE.replace(
        clock, "call('TIME')\nlocal clock = {table.remove(ARGV, #ARGV - 1), table.remove(ARGV)}"
    )
    keys = [f"{{gong:acme}}:{part}" for part in redis_backend.PARTS]
    client.flushdb()
    digest, pipe = client.script_load(source), client.pipeline(transaction=False)
    for moment, request in asked:
        seconds, micros = divmod(round(moment * 1e6), 10**6)
        pipe.evalsha(digest, len(keys), *keys, *request, seconds, micros)
    pipe.execute()


@contextmanager
def _server(*tool: str) -> Iterator[Redis]:
    """A server of our own, which a tool may watch; it may be shut down by its client."""
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "socket"
        command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", folder]
        process = subprocess.Popen([*tool, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - installed
        try:
            while not socket.exists():
                time.sleep(0.05)
            with Redis(unix_socket_path=str(socket)) as client:
                yield client
            if tool:
                process.wait(60)
        finally:
            process.kill()
            process.wait()
