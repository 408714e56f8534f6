"""SECURITY.md: each promise names tests, and those exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROMISES = [
    line.strip("| ").split(" | ")
    for line in (ROOT / "SECURITY.md")
    .read_text(encoding="utf-8")
    .partition("## What is promised")[2]
    .splitlines()
    if line.startswith("| ") and "tests/" in line
]


def named_tests(path: Path) -> set[str]:
    """The names of a file's tests, those in classes too."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def test_there_are_promises() -> None:
    assert len(PROMISES) > 10
    assert all(len(cells) == 2 for cells in PROMISES)


@pytest.mark.parametrize(("promise", "held_by"), PROMISES, ids=[promise[:40] for promise, _ in PROMISES])
def test_each_promise_is_held_by_tests_that_exist(promise: str, held_by: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", held_by)
    assert named, promise
    assert not [f"{path}::{name}" for path, name in named if name not in named_tests(ROOT / path)]
