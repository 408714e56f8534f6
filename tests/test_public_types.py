"""No public call is without a type that the checkers assert in `tests/typing/calls.py`."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import gong_tasks_async
from gong_tasks_async import (
    GongTasksClient,
    GongTasksPool,
    JournalReader,
    LocalQuota,
    OutcomeStream,
    Plan,
    RedisQuota,
)
from gong_tasks_async.api.details import DetailedCalls

FILE = Path(__file__).parent / "typing" / "calls.py"
CLASSES = (
    *(GongTasksClient, GongTasksPool, DetailedCalls),
    *(LocalQuota, RedisQuota, JournalReader, OutcomeStream, Plan),
)
NO_CALLS = {"job"}
"""What a plan is for the library itself."""


def names_used() -> set[str]:
    """Each name and attribute that the file uses."""
    nodes = list(ast.walk(ast.parse(FILE.read_text(encoding="utf-8"))))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return attributes | {node.id for node in nodes if isinstance(node, ast.Name)}


def public_calls(kind: type) -> Iterator[str]:
    for name in dir(kind):
        found = inspect.getattr_static(kind, name)
        if not name.startswith("_") and isinstance(found, property | classmethod | type(public_calls)):
            yield name


@pytest.mark.parametrize("kind", CLASSES)
def test_each_method_s_type_is_asserted(kind: type) -> None:
    assert set(public_calls(kind)) - NO_CALLS - names_used() == set()


def test_each_function_s_type_is_asserted() -> None:
    functions = {
        name for name in gong_tasks_async.__all__ if inspect.isfunction(getattr(gong_tasks_async, name))
    }
    assert functions
    assert functions - names_used() == set()
