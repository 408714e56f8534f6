"""`help()` explains each field of each public class, and every public function its parameters."""

from __future__ import annotations

import inspect
import pydoc
import re
from collections.abc import Callable, Iterator
from enum import Enum
from importlib import import_module

import attrs
import pytest

import gong_tasks_async

PACKAGES = ("", ".bulk", ".bulk.selection", ".distributed", ".simulator", ".events", ".models")


def public_values() -> Iterator[object]:
    for package in PACKAGES:
        module = import_module(f"gong_tasks_async{package}")
        yield from (getattr(module, name) for name in module.__all__)


CLASSES = sorted(
    {value for value in public_values() if isinstance(value, type) and attrs.has(value)},
    key=lambda kind: kind.__qualname__,
)


def documented_fields(kind: type) -> set[str]:
    """The fields that the docstrings of a class and of its bases explain."""
    sections = [
        inspect.cleandoc(base.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
        for base in kind.__mro__
    ]
    return {name for section in sections for name in re.findall(r"^ {4}(\w+): \S", section, re.MULTILINE)}


@pytest.mark.parametrize("kind", CLASSES)
def test_no_field_is_bare(kind: type[attrs.AttrsInstance]) -> None:
    fields = {field.name for field in attrs.fields(kind) if not field.name.startswith("_")}
    assert fields - documented_fields(kind) == set()


@pytest.mark.parametrize("kind", CLASSES)
def test_no_field_is_explained_that_is_not_there(kind: type[attrs.AttrsInstance]) -> None:
    assert documented_fields(kind) <= {field.name for field in attrs.fields(kind)}


def test_help_shows_the_explanations() -> None:
    shown = pydoc.plain(pydoc.render_doc(gong_tasks_async.QuotaLimits))
    assert "per_second: calls a second; Gong raises it on request." in shown


DOCUMENTED = (
    "",
    ".bulk.selection",
    ".distributed",
    ".simulator",
    ".telemetry.prometheus",
    ".auth.grant_store",
)
ONE_TASK = {"dismiss", "has_due_date", "mark_done", "reopen"}
"""Conditions and changes: functions of a task, as their module explains once."""
NOT_CALLED = {
    "JournalReader",  # open_journal makes one
    "OutcomeStream",  # stream_updates makes one
    "OAuthToken.go_through",  # the client calls it
    "MemoryConnector",
    "MemoryConnector.close",
    "VirtualClockLoop.run_in_executor",
    "VirtualClockLoop.shutdown_default_executor",
}
"""What users do not call, or inherit from another library."""


def public_functions() -> Iterator[tuple[str, object, str]]:
    """Functions, methods and constructors with parameters, each with the docstring that is to explain them."""
    for package in DOCUMENTED:
        module = import_module(f"gong_tasks_async{package}")
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value):
                yield name, value, value.__doc__ or ""
            elif inspect.isclass(value) and not issubclass(value, Exception | Enum):
                yield from _methods(name, value)


def _methods(name: str, kind: type) -> Iterator[tuple[str, object, str]]:
    if "__init__" in vars(kind) and not attrs.has(kind) and not getattr(kind, "_is_protocol", False):
        yield name, vars(kind)["__init__"], kind.__doc__ or ""
    own = [base for base in kind.__mro__ if base.__module__.startswith("gong_tasks_async.")]
    for attribute, found in (item for base in own for item in vars(base).items()):
        method = inspect.unwrap(getattr(found, "__func__", found))
        if not attribute.startswith("_") and inspect.isfunction(method):
            yield f"{name}.{attribute}", method, method.__doc__ or ""


@pytest.mark.parametrize(
    ("name", "function", "text"),
    [case for case in public_functions() if case[0] not in ONE_TASK | NOT_CALLED],
    ids=lambda case: case if isinstance(case, str) and " " not in case else "",
)
def test_each_parameter_is_explained(name: str, function: Callable[..., object], text: str) -> None:
    parameters = set(inspect.signature(function).parameters) - {"self", "cls"}
    explained = set(
        re.findall(r"^ +(\w+): \S", text.partition("Args:\n")[2].partition("\n\n")[0], re.MULTILINE)
    )
    mentioned = {parameter for parameter in parameters if f"``{parameter}``" in text}
    assert parameters - explained - mentioned == set(), name
