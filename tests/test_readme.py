"""The README's programs work by copy and paste, against the fake Gong."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gong_tasks_async
from gong_tasks_async import errors
from gong_tasks_async.simulator import Engine, SecondLimit, SimulatorThread

README = (Path(__file__).parent.parent / "README.md").read_text()
PROGRAMS: list[str] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def program_with(words: str) -> str:
    return next(program for program in PROGRAMS if words in program)


def run(program: str, gong: SimulatorThread) -> str:
    environment = os.environ | {
        "GONG_ACCESS_KEY": gong.access_key,
        "GONG_ACCESS_KEY_SECRET": gong.access_key_secret,
        "GONG_BASE_URL": gong.base_url,
    }
    environment.pop("GONG_ACCESS_TOKEN", None)
    finished = subprocess.run(  # noqa: S603 - the README's own program
        [sys.executable, "-W", "error", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


def test_the_ten_lines_list_a_user_s_tasks_and_close_one() -> None:
    engine = Engine(users=1, tasks_per_user=10, second_limit=SecondLimit.SLIDING)
    with SimulatorThread(engine) as gong:
        printed = run(
            program_with("asyncio.run(main())").replace("234599484848423", engine.user_ids[0]), gong
        )
    first = int(printed.split()[0])
    assert engine.tasks[first]["status"] == "DONE"


def test_the_bulk_program_dismisses_its_rows_and_prints_the_report() -> None:
    engine = Engine(users=1, tasks_per_user=5, second_limit=SecondLimit.SLIDING)
    head, _, body = program_with("def on_outcome").partition("async with")
    rows = [(number, engine.user_ids[0]) for number in engine.tasks]
    indented = "".join(f"    {line}\n" for line in ("async with" + body).splitlines())
    program = f"import asyncio\n{head}\nrows = {rows!r}\nasync def main():\n{indented}\nasyncio.run(main())\n"
    with SimulatorThread(engine) as gong:
        printed = run(program, gong)
    assert printed.startswith("5 updated, 0 unchanged, 0 failed, 0 pending; 5 calls in ")
    assert {task["status"] for task in engine.tasks.values()} == {"DISMISSED"}


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_every_program_is_python_and_names_only_what_there_is(program: str) -> None:
    tree = compile(program, "README.md", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "gong_tasks_async":
            assert all(hasattr(gong_tasks_async, alias.name) for alias in node.names)


def test_the_table_of_errors_is_complete() -> None:
    raised = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    table = README.partition("## Errors")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == raised - {"GongError"}
