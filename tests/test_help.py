"""`help()` explains each field of each public class, and every public function its parameters."""

from __future__ import annotations

import pydoc
import re
from collections.abc import Iterator
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
        (base.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0] for base in kind.__mro__
    ]
    return {name for section in sections for name in re.findall(r"^ {8}(\w+): \S", section, re.MULTILINE)}


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
