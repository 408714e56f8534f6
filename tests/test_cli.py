"""The command: in-process for what it decides, as a process for what a shell sees of it."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import islice

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from rich.console import Console

from gong_tasks_async import (
    BulkReport,
    Contact,
    ContactData,
    Failed,
    Flow,
    Task,
    TaskNotFoundError,
    TaskUpdate,
    TransportError,
    __version__,
)
from gong_tasks_async.cli import demonstration, main, simulator
from gong_tasks_async.cli.app import COMMANDS, gong_tasks
from gong_tasks_async.cli.simulator_tables import ledger_table, tasks_table
from gong_tasks_async.simulator import Account, Engine, Fault, Ledger, SecondLimit, Simulator
from tests.cli.company import python

# A shell may have started the tests with Ctrl-C ignored, and would hand that down.
PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from gong_tasks_async.cli import main; main()"
)
PATIENCE = 120.0

Start = Callable[..., subprocess.Popen[str]]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(gong_tasks, arguments)


@pytest.fixture(autouse=True)
def no_wishes_about_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have some, and nox does."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the command in a pipe, and ends it with the test, whatever happens in it."""
    with ExitStack() as stack:

        def started(*arguments: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-c", PROGRAM, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield started


def drawn(renderable: object) -> str:
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


class TestTheGroup:
    def test_no_help_imports_aiohttp_rich_or_sqlite(self) -> None:
        code = """
import sys, click
before = set(sys.modules)  # what measures coverage has sqlite3
from gong_tasks_async.cli.app import gong_tasks
heavy = {"aiohttp", "rich", "sqlite3", "redis", "openpyxl", "mcp"} - before
def walk(command, path):
    context = click.Context(command, info_name=path)
    command.get_help(context)
    print(path, *(heavy & set(sys.modules)))
    for name in getattr(command, "list_commands", lambda _: [])(context):
        walk(command.get_command(context, name), f"{path} {name}")
walk(gong_tasks, "gong-tasks")
"""
        printed = python("-c", code).stdout.splitlines()
        assert {"gong-tasks bulk run", "gong-tasks demo", "gong-tasks simulator"} <= set(printed)
        assert [line for line in printed if {"aiohttp", "rich", "sqlite3"} & set(line.split())] == []

    def test_help_and_version_import_neither_aiohttp_nor_rich(self) -> None:
        code = (
            "import sys; from gong_tasks_async.cli.app import gong_tasks\n"
            "for option in '--help', '--version': gong_tasks([option], standalone_mode=False)\n"
            "print(sorted({'aiohttp', 'rich'} & set(sys.modules)))"
        )
        said = python("-c", code).stdout
        assert said.endswith("[]\n")
        assert all(name in said for name in COMMANDS)

    @pytest.mark.parametrize("line", [(), ("bulk",)])
    def test_alone_a_group_shows_its_help_and_no_error(self, line: tuple[str, ...]) -> None:
        shown = python("-m", "gong_tasks_async", *line)
        assert (shown.returncode, shown.stderr.split()[0]) == (2, "Usage:")

    @pytest.mark.parametrize("name", COMMANDS)
    def test_the_list_of_commands_says_what_their_own_help_says(self, name: str) -> None:
        command = gong_tasks.get_command(click.Context(gong_tasks), name)
        assert command is not None
        assert command.name == name
        assert (command.help or "").startswith(COMMANDS[name])

    def test_shells_can_complete_every_command(self) -> None:
        completions = ShellComplete(gong_tasks, {}, "gong-tasks", "_COMPLETE").get_completions([], "")
        assert {item.value for item in completions} == set(COMMANDS)

    def test_python_m_is_the_same_command(self) -> None:
        said = python("-m", "gong_tasks_async", "--version")
        assert said.stdout == f"gong-tasks, version {__version__}\n"

    @pytest.mark.parametrize("missing", ["click", "rich"])
    def test_without_the_extra_it_says_what_to_install(
        self, missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setitem(sys.modules, missing, None)
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert (ended.value.code, out) == (2, "")
        assert err.count("\n") == 1
        assert "install 'gong_tasks_async[cli]'" in err


class TestDemo:
    def test_in_process(self) -> None:
        result = invoke("demo", "--tasks", "2", "--users", "1", "--limit", "bucket", "--seed", "7")
        assert result.exit_code == 0, result.output
        assert "2 updated, 0 unchanged, 0 failed, 0 pending; 2 calls" in result.stdout
        assert re.search(r"Calls made .* 3 ", result.stdout)
        assert re.search(r"Rate-limited \(429\) .* 0 ", result.stdout)
        assert "Marking 2 of them done" in result.stderr

    def test_a_pipe_gets_no_control_characters_and_any_encoding_will_do(self) -> None:
        result = python("-c", PROGRAM, "demo", "--tasks", "1", "--users", "2", PYTHONIOENCODING="ascii")
        assert result.returncode == 0, result.stderr
        assert re.search(r"[\x00-\x09\x0b-\x1f\x7f]", result.stdout + result.stderr) is None

    @pytest.mark.parametrize("colours", [True, False])
    def test_a_terminal_gets_a_bar_and_colours_unless_refused(self, colours: bool) -> None:
        updates = {} if colours else {"NO_COLOR": "1"}
        code, said = in_terminal("demo", "--tasks", "1", "--users", "1", **updates)
        assert (code, "1/1" in said) == (0, True)
        assert ("\x1b[3" in said.replace("\x1b[3m", "")) is colours

    def test_ctrl_c_says_interrupted(self, start: Start) -> None:
        process = start("demo")
        assert process.stderr is not None
        assert "Listing" in process.stderr.readline()
        assert "Marking" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        assert err.strip() == "Interrupted."  # older releases of click end the line first

    def test_a_failed_row_is_told_and_ends_with_1(self, monkeypatch: pytest.MonkeyPatch) -> None:
        failed = Failed(TaskUpdate(7, "1", status="DONE"), TaskNotFoundError(status=404))

        async def demonstrate(engine: Engine, tasks: int) -> BulkReport:  # noqa: ARG001 - the real one's signature
            return BulkReport(failed=1, failures=(failed,))

        monkeypatch.setattr(demonstration, "demonstrate", demonstrate)
        result = invoke("demo")
        assert (result.exit_code, "Gong found no such user" in result.stderr) == (1, True)

    @pytest.mark.parametrize(
        ("trouble", "code", "said"),
        [
            (TransportError(reason="refused"), 5, "Error: No response from Gong"),
            (KeyboardInterrupt(), 130, "Interrupted.\n"),
        ],
    )
    def test_trouble_is_one_line(
        self, trouble: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def run(running: object) -> None:  # noqa: ARG001 - asyncio.run's signature
            raise trouble

        monkeypatch.setattr(demonstration, "demonstrate", lambda *_: None)
        monkeypatch.setattr(asyncio, "run", run)
        result = invoke("demo")
        assert (result.exit_code, result.stderr[: len(said)]) == (code, said)
        assert result.stderr.count("\n") == 1


def in_terminal(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run it in a terminal of its own; its exit code, and all that it drew."""
    of_ours, theirs = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm-256color"} | environment,
    ) as process:
        os.close(theirs)
        said = b""
        with suppress(OSError):  # how Linux says that the other end is closed
            while chunk := os.read(of_ours, 65536):
                said += chunk
    os.close(of_ours)
    return process.returncode, said.decode(errors="replace")


class TestSimulator:
    @pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
    def test_serves_until_stopped(self, stop: signal.Signals, start: Start) -> None:
        process = start("simulator", "--port", "0", "--users", "2", "--tasks", "1", "--latency", "0")
        assert process.stdout is not None
        introduction = "".join(islice(process.stdout, 6))
        settings = dict(re.findall(r"export (\w+)=(\S+)", introduction))
        listed = python("-c", LISTING, next(process.stdout).split()[-1], **settings)
        process.send_signal(stop)
        out, err = process.communicate(timeout=PATIENCE)
        assert listed.returncode == 0, listed.stderr
        assert (process.returncode, err) == (0, "")
        assert re.search(r"Calls made .* 1 ", out)

    def test_settings_reach_the_engine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        served: list[Simulator] = []
        monkeypatch.setattr(simulator, "_serve_until_stopped", served.append)
        line = (
            "simulator --port 0 --users 2 --tasks 3 --limit fixed --per-second 5 --per-day 70 --latency 10-20 "
            "--seed 9 --account without-engage --fault server-error=0.25 --fault slow=1"
        )
        result = invoke(*line.split())
        assert result.exit_code == 0, result.output
        (gong,) = served
        assert (gong.port, gong.latency, gong.seed) == (0, (0.01, 0.02), 9)
        assert (gong.engine.users, gong.engine.tasks_per_user, gong.engine.seed) == (2, 3, 9)
        assert (gong.engine.second_limit, gong.engine.per_second) == (SecondLimit.FIXED, 5)
        assert (gong.engine.per_day, gong.engine.account) == (70, Account.WITHOUT_ENGAGE)
        assert gong.engine.fault_rates == {Fault.SERVER_ERROR: 0.25, Fault.SLOW: 1}

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("liszt", "There is no command 'liszt'. Did you mean 'list'?"),
            ("simulator --latency 9-5", "not a range of milliseconds"),
            ("simulator --latency soon", "not a range of milliseconds"),
            ("simulator --latency inf", "not a range of milliseconds"),
            ("simulator --fault slow", "not a kind and a rate"),
            ("simulator --fault tired=0.1", "not a kind and a rate"),
            ("simulator --fault slow=nan", "not a share between 0 and 1"),
            ("simulator --port 70000", "not in the range"),
            ("simulator --per-second 0", "not in the range"),
        ],
    )
    def test_what_makes_no_sense_is_a_usage_error(self, line: str, said: str) -> None:
        result = invoke(*line.split())
        assert result.exit_code == 2
        assert said in result.output

    def test_a_taken_port_is_told_in_a_line(self) -> None:
        before = signal.getsignal(signal.SIGTERM)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            result = invoke("simulator", "--port", str(taken.getsockname()[1]))
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: the simulator cannot start: ")
        assert signal.getsignal(signal.SIGTERM) is before


LISTING = """
import asyncio, sys
from gong_tasks_async import GongTasksClient

async def main():
    async with GongTasksClient.from_env() as gong:
        await gong.list_tasks(sys.argv[1])

asyncio.run(main())
"""


class TestTables:
    def test_a_task_says_whose_whom_why_and_when(self) -> None:
        contact = Contact(data=ContactData(first_name="Ana", last_name="[b]Şahin"))
        task = Task(id=1, user_id="77", flow=Flow(name="No-shows"), contact=contact)
        assert re.search(r"77 .* Ana \[b\]Şahin .* No-shows ", drawn(tasks_table([task], "Tasks")))

    def test_gaps_are_left_empty(self) -> None:
        assert "None" not in drawn(tasks_table([Task(id=1), Task(id=1, contact=Contact(), flow=Flow())], ""))

    def test_nothing_seen_has_no_rate(self) -> None:
        assert re.search(r"Rate held .* - ", drawn(ledger_table(Ledger(), "Seen")))
