"""How long the first call of a fresh client takes, and the next one, with TLS and without.

They are made in a process of its own, whose only authority is the one that signed the stub server's certificate.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from attrs import asdict, define, field

from benchmarks import our_client, stub_server
from benchmarks.stub_server import PROJECT
from gong_tasks_async import TaskUpdate


@define
class Calls:
    """Seconds that each call took."""

    first: list[float] = field(factory=list)
    """With opening the client."""
    second: list[float] = field(factory=list)
    contexts: list[float] = field(factory=list)
    """That it takes to read the authorities of this machine."""


def plain(runs: int) -> Calls:
    """Without TLS."""
    with stub_server.running("typical") as url:
        return _in_a_process(url, runs, {})


def encrypted(runs: int) -> Calls | None:
    """With TLS; None where there is no openssl to make a certificate."""
    if (openssl := shutil.which("openssl")) is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        certificate = _certificate(openssl, Path(folder))
        with stub_server.running("typical", certificate) as url:
            return _in_a_process(url, runs, {"SSL_CERT_FILE": str(certificate)})


def _certificate(openssl: str, folder: Path) -> Path:
    """A file with a key and the certificate that it has signed itself."""
    key, made, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-days", "1", "-subj", "/CN=gong", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(made)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)  # noqa: S603 - no input from outside
    both.write_text(key.read_text() + made.read_text())
    return both


def _in_a_process(url: str, runs: int, environment: dict[str, str]) -> Calls:
    command = [sys.executable, "-m", "benchmarks.latency_first", url, str(runs)]
    whole = {**os.environ, **environment}
    done = subprocess.run(command, cwd=PROJECT, env=whole, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - this file
    return Calls(**json.loads(done.stdout))


async def _called(url: str, runs: int) -> Calls:
    calls = Calls()
    for number in range(runs + 1):
        update = TaskUpdate(stub_server.TASK_ID + number, our_client.USER, status="DONE")
        started = time.perf_counter()
        async with our_client.opened(url) as gong:
            await gong.update_task(update)
            between = time.perf_counter()
            await gong.update_task(update)
            ended = time.perf_counter()
        if number:  # the first time, code is read that is imported at first use
            calls.first.append(between - started)
            calls.second.append(ended - between)
    for _ in range(runs):
        started = time.perf_counter()
        ssl.create_default_context()
        calls.contexts.append(time.perf_counter() - started)
    return calls


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_called(sys.argv[1], int(sys.argv[2]))))))
