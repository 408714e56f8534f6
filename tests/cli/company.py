"""A company with a simulated Gong, and a person's machine that is set up for it: the command as people use it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

import pyte
from click.testing import CliRunner, Result

from gong_tasks_async.cli.app import gong_tasks
from gong_tasks_async.simulator import DayLimit, Engine, Request, Response, SecondLimit, SimulatorThread

# A shell may have started the tests with Ctrl-C ignored, and would hand that down.
PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from gong_tasks_async.cli import main; main()"
)
PATIENCE = 120.0


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *arguments],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


class HeldEngine(Engine):
    """A Gong that can be held up: as long as it is, it answers no call."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.free = Event()
        self.free.set()

    def answer(self, request: Request, now: float) -> Response:
        assert self.free.wait(PATIENCE)
        return super().answer(request, now)


class Company:
    """The simulated Gong, the configuration file, and the folders, all in one temporary folder."""

    def __init__(self, folder: Path, gong: SimulatorThread) -> None:
        self.folder = folder
        self.gong = gong
        self.configure()

    @property
    def engine(self) -> Engine:
        return self.gong.engine

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """Gong answers nothing meanwhile, so that a run does not end before the test has looked at it."""
        assert isinstance(self.engine, HeldEngine)
        self.engine.free.clear()
        try:
            yield
        finally:
            self.engine.free.set()

    @property
    def changes(self) -> list[int]:
        """The tasks that PATCHes asked for and that were answered, in their order."""
        return [
            entry.task_id
            for entry in self.gong.ledger.entries
            if entry.method == "PATCH" and entry.status == 200 and entry.task_id is not None
        ]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "GONG_TASKS_CONFIG": str(self.folder / "config.toml"),
            "GONG_TASKS_STATE": str(self.folder / "state"),
            "SIMULATED_SECRET": self.gong.access_key_secret,
            "TZ": "UTC",
        }

    def configure(self, **settings: object) -> None:
        """Write the configuration file; by default, nothing slows the calls down."""
        lines = {
            "base_url": self.gong.base_url,
            "access_key": self.gong.access_key,
            "secret": "env:SIMULATED_SECRET",
            "per_second": 1000,
            **settings,
        }
        text = "".join(f"{name} = {_toml(value)}\n" for name, value in lines.items())
        (self.folder / "config.toml").write_text(f"[profiles.simulated]\n{text}", encoding="utf-8")

    def invoke(self, *arguments: str, input: bytes | str | None = None) -> Result:
        """Run the command in this process, as in a pipe."""
        before = signal.getsignal(signal.SIGTERM)
        result = CliRunner(env=self.environment).invoke(gong_tasks, arguments, input=input)
        assert signal.getsignal(signal.SIGTERM) is before
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def write(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def rows(self, count: int, status: str = "DONE") -> str:
        """A file that wants something of that many tasks."""
        tasks = list(self.engine.tasks.items())[:count]
        lines = [f"{task_id},{task['userId']},{status}\n" for task_id, task in tasks]
        return self.write("close.csv", f"taskId,userId,status\n{''.join(lines)}")

    def statuses(self, count: int) -> list[str]:
        return [task["status"] for task in list(self.engine.tasks.values())[:count]]


def journals(company: Company) -> list[Path]:
    """The journals of all its jobs."""
    return sorted(company.folder.glob("state/jobs/*/*.gong"))


def forget_the_day(company: Company) -> None:
    """As the next day begins."""
    for path in company.folder.glob("state/days/*"):
        path.unlink()


def today() -> str:
    """The day, as jobs are named after it."""
    return f"{datetime.now().astimezone():%Y-%m-%d}"


def _toml(value: object) -> str:
    return str(value) if isinstance(value, int | float) else f'"{value}"'


def companies(folder: Path, stack: ExitStack) -> Callable[..., Company]:
    """What founds companies, each with its own Gong, until the stack is closed."""

    def found(name: str = "one", latency: tuple[float, float] = (0.0, 0.0), **engine: Any) -> Company:
        settings: dict[str, Any] = {
            "users": 2,
            "tasks_per_user": 10,
            "second_limit": SecondLimit.NONE,
            "day_limit": DayLimit.NONE,
        }
        gong = stack.enter_context(SimulatorThread(HeldEngine(**(settings | engine)), latency=latency))
        (folder / name).mkdir()
        return Company(folder / name, gong)

    return found


class Terminal:
    """The command in a terminal of its own, which a person looks at and types into."""

    def __init__(
        self,
        arguments: tuple[str, ...],
        environment: dict[str, str],
        columns: int,
        lines: int = 50,
        program: str = PROGRAM,
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self._own, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", program, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=_without_wishes(os.environ) | {"TERM": "xterm-256color"} | environment,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._own)

    @property
    def screen(self) -> str:
        """What stands on it, without blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def wait_for(self, pattern: str) -> None:
        """Look until the screen shows it."""
        until = time.monotonic() + PATIENCE
        while not re.search(pattern, self.screen):
            assert self._read(until), f"never shown: {pattern}\n{self.screen}"

    def type(self, text: str) -> None:
        os.write(self._own, text.encode())

    def interrupt(self, stop: signal.Signals = signal.SIGINT) -> None:
        """Press Ctrl-C, once the process waits: in the moment before it does, the key would not wake it up."""
        wait_until(self._waits)
        self._process.send_signal(stop)

    def _waits(self) -> bool:
        state = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        assert state.split()[0] != "Z", f"it has ended\n{self.screen}"
        return state.split()[0] == "S"

    def end(self) -> int:
        """Look until it has ended; its exit code."""
        until = time.monotonic() + PATIENCE
        while self._read(until):
            pass
        return self._process.wait(PATIENCE)

    def _read(self, until: float) -> bool:
        ready, _, _ = select.select([self._own], [], [], max(0.0, until - time.monotonic()))
        with suppress(OSError):  # how Linux says that the other end is closed
            # In small pieces, so that a picture that comes and goes is seen however much has come at once.
            if ready and (chunk := os.read(self._own, 256)):
                self.raw += chunk
                self._stream.feed(chunk)
                return True
        return False


def _without_wishes(environment: Mapping[str, str]) -> dict[str, str]:
    """Whoever runs the tests may have some about colours, and nox does."""
    updates = ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES")
    return {name: value for name, value in environment.items() if name not in updates}


@contextmanager
def started(company: Company, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process in a pipe; a test that fails does not wait for its end."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=_without_wishes(os.environ) | company.environment,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for another process, which gives no other sign."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it never came about"
        select.select([], [], [], 0.005)


Found = Callable[..., Company]
