"""The command as a shell sees it: in pipes that close, on terminals wide and narrow, interrupted, completed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from rich.cells import cell_len

from gong_tasks_async.cli.app import COMMANDS
from gong_tasks_async.cli.bulk import COMMANDS as BULK_COMMANDS
from gong_tasks_async.cli.jobs import COMMANDS as JOBS_COMMANDS
from gong_tasks_async.simulator import SecondLimit
from tests.cli.company import PATIENCE, PROGRAM, Company, Found, Terminal, python, started

COLOUR = re.compile(rb"\x1b\[[0-9;]*3[0-7]")
WITHOUT_EXAMPLES = {"demo", "simulator", "bulk", "jobs", "config"}
WITH_EXAMPLES = [
    *(name for name in COMMANDS if name not in WITHOUT_EXAMPLES),
    *(f"jobs {name}" for name in JOBS_COMMANDS),
    *(f"bulk {name}" for name in BULK_COMMANDS),
]
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@pytest.fixture
def company(found: Found) -> Company:
    return found(users=3, tasks_per_user=10)


def looked_at(
    company: Company,
    *arguments: str,
    columns: int = 100,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, Terminal]:
    with Terminal(arguments, company.environment | dict(environment), columns, 60) as terminal:
        return terminal.end(), terminal


def piped(company: Company, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return python("-c", PROGRAM, *arguments, **company.environment, **environment)


@pytest.fixture(autouse=True)
def no_wishes_about_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have some, and nox does."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


class TestPipes:
    def test_json_lines_and_nothing_else(self, company: Company) -> None:
        said = piped(company, "list", "--all-users")
        assert (said.returncode, said.stderr) == (0, "3 active users\n")
        assert {json.loads(line)["status"] for line in said.stdout.splitlines()} == {"OPEN"}
        assert CONTROL.search(said.stdout + said.stderr) is None

    @pytest.mark.parametrize("output", ["jsonl", "csv", "table"])
    def test_a_reader_that_has_enough_is_no_failure(self, output: str, found: Found) -> None:
        company = found(users=1, tasks_per_user=1500)
        with started(company, "list", "--all-users", "--output", output) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr is not None
            said = process.stderr.read()
        assert process.returncode == 0
        assert re.fullmatch(r"1 active users\n(Too narrow for: .*\n)?", said)

    @pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
    def test_a_stream_that_the_shell_has_closed_is_an_empty_one(self, closed: str, company: Company) -> None:
        line = f'exec "$0" -c "$1" bulk run - --set-status DONE --yes {closed}'
        said = subprocess.run(  # noqa: S603 - our own interpreter
            ["/bin/sh", "-c", line, sys.executable, PROGRAM],
            env=os.environ | company.environment,
            input=Path(company.rows(2)).read_text(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert said.returncode == (2 if "<" in closed else 0)
        assert len(company.changes) == (0 if "<" in closed else 2)
        assert "Traceback" not in said.stderr

    def test_a_run_that_nobody_listens_to_is_done_and_its_code_says_how(self, company: Company) -> None:
        path = Path(company.rows(3))
        path.write_text(path.read_text() + "77,5,DONE\n")
        with started(company, "bulk", "run", str(path), "--yes") as process:
            for pipe in (process.stdout, process.stderr):
                assert pipe is not None
                pipe.close()
            assert process.wait(PATIENCE) == 1  # for the row of task 77
        assert len(company.changes) == 3

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
    def test_a_full_disk_is_told_in_a_line(self, company: Company) -> None:
        with Path("/dev/full").open("w") as full:
            said = subprocess.run(  # noqa: S603 - our own interpreter
                [sys.executable, "-c", PROGRAM, "users"],
                env=os.environ | company.environment,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        assert (said.returncode, said.stderr) == (
            1,
            "Error: No space left on device. Free some space, and run it again.\n",
        )

    def test_forced_colours_reach_a_pipe_and_a_bar_does_not(self, company: Company) -> None:
        assert "\x1b[32mok" in piped(company, "check", FORCE_COLOR="1").stdout
        assert piped(company, "list", "--all-users", FORCE_COLOR="1").stderr == "3 active users\n"


class TestTerminals:
    @pytest.mark.parametrize(
        ("columns", "titles"),
        [(200, "Task Due Call Why Owner Status Account"), (40, "Task Due")],
        ids=["wide", "narrow"],
    )
    def test_a_table_fits_and_ids_are_whole(self, columns: int, titles: str, company: Company) -> None:
        code, terminal = looked_at(company, "list", "--user", company.engine.user_ids[0], columns=columns)
        lines = terminal.screen.splitlines()
        head = next(place for place, line in enumerate(lines) if line.startswith("Task "))
        rows = [line for line in lines[head + 1 :] if re.match(r"\d{15,} ", line)]
        assert (code, lines[head].split()) == (0, titles.split())
        expected = [
            str(number)
            for number, task in company.engine.tasks.items()
            if task["status"] == "OPEN" and str(task["userId"]) == company.engine.user_ids[0]
        ]
        assert [row.split()[0] for row in rows] == expected
        assert ("Too narrow for: Call, Why" in " ".join(lines)) is (columns == 40)

    @pytest.mark.parametrize("columns", [200, 40])
    @pytest.mark.parametrize(
        "line", ["users", "quota", "list --all-users", "update {task} --set-due +7d --user {user}"]
    )
    def test_every_table_fits(
        self, line: str, columns: int, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        number, task = next(iter(company.engine.tasks.items()))
        got = company.invoke(*line.format(task=number, user=task["userId"]).split(), "--output", "table")
        assert (got.exit_code, len(got.stdout.splitlines()) > 1) == (0, True)
        assert all(cell_len(row) <= columns for row in got.stdout.splitlines())

    @pytest.mark.parametrize("columns", [200, 40])
    def test_a_bar_fits(self, columns: int, found: Found) -> None:
        company = found(users=8, tasks_per_user=1, second_limit=SecondLimit.NONE)
        company.configure(per_second=20)
        code, terminal = looked_at(company, "list", "--all-users", columns=columns)
        assert code == 0
        assert re.search(rb"Users .*[0-8]/8\x1b", terminal.raw)
        assert (b"calls today" in terminal.raw) is (columns == 200)
        assert "/8" not in terminal.screen  # a bar that is done leaves nothing
        assert all(len(line) <= columns for line in terminal.screen.splitlines())

    @pytest.mark.parametrize(
        ("arguments", "environment", "coloured"),
        [
            (("check",), {}, True),
            (("--no-color", "check"), {}, False),
            (("--no-color", "check"), {"FORCE_COLOR": "1"}, False),
            (("check",), {"NO_COLOR": "1"}, False),
            (("check",), {"TERM": "dumb"}, False),
        ],
    )
    def test_colours_unless_refused(
        self, arguments: tuple[str, ...], environment: dict[str, str], coloured: bool, company: Company
    ) -> None:
        code, terminal = looked_at(company, *arguments, environment=environment)
        assert (code, terminal.screen.count("ok ")) == (0, 4)
        assert (COLOUR.search(terminal.raw) is not None) is coloured

    def test_json_lines_on_a_terminal_have_no_bar_between_them(self, company: Company) -> None:
        code, terminal = looked_at(company, "users", "--output", "jsonl", columns=400)
        assert code == 0
        assert [json.loads(line)["id"] for line in terminal.screen.splitlines()] == company.engine.user_ids


class TestInterruptions:
    @pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
    def test_end_neatly_with_what_was_found(self, stop: signal.Signals, found: Found) -> None:
        company = found(users=50, tasks_per_user=3)
        company.configure(per_second=2)
        with started(company, "list", *(f"--user={user}" for user in company.engine.user_ids)) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            process.send_signal(stop)
            _, err = process.communicate(timeout=PATIENCE)
        assert json.loads(first)["status"] == "OPEN"
        assert process.returncode == 130
        assert err.strip() == "Interrupted."  # older releases of click end the line first


class TestCompletion:
    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_the_script_is_one_that_the_shell_understands(self, shell: str, company: Company) -> None:
        got = company.invoke("completion", shell)
        assert (got.exit_code, "_GONG_TASKS_COMPLETE" in got.stdout) == (0, True)
        if program := shutil.which(shell):
            checked = subprocess.run(  # noqa: S603 - the machine's own shell
                [program, "-n"], input=got.stdout, text=True, capture_output=True, check=False
            )
            assert (checked.returncode, checked.stderr) == (0, "")

    def test_a_shell_that_asks_is_answered_without_aiohttp_and_rich(self) -> None:
        asked = {"_GONG_TASKS_COMPLETE": "bash_complete", "COMP_WORDS": "gong-tasks u", "COMP_CWORD": "1"}
        code = (
            "import sys; from gong_tasks_async.cli import main\n"
            "try: main()\n"
            "finally: print(sorted({'aiohttp', 'rich', 'attrs'} & set(sys.modules)))"
        )
        assert python("-c", code, **asked).stdout.split() == ["plain,update", "plain,users", "[]"]


class TestHelp:
    @pytest.mark.parametrize("name", WITH_EXAMPLES)
    def test_has_examples_that_are_our_commands(self, name: str, company: Company) -> None:
        got = company.invoke(*name.split(), "--help")
        examples = re.findall(r"^  (gong-tasks .*)$", got.stdout.partition("Examples:")[2], re.MULTILINE)
        assert examples
        assert all(f"gong-tasks {name}" in example for example in examples)

    def test_of_the_whole_imports_next_to_nothing(self) -> None:
        code = (
            "import sys; from gong_tasks_async.cli.app import gong_tasks\n"
            "gong_tasks(['--help'], standalone_mode=False)\n"
            "print(sorted({'aiohttp', 'rich', 'attrs', 'cattrs', 'asyncio', 'platformdirs'} & set(sys.modules)))"
        )
        assert python("-c", code).stdout.endswith("[]\n")
