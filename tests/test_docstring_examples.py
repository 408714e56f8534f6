"""The examples in docstrings give what they show."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import pytest

import gong_tasks_async


def examples() -> Iterator[doctest.DocTest]:
    for module in walk_packages(gong_tasks_async.__path__, "gong_tasks_async."):
        if not module.name.endswith("__main__") and "pyinstaller" not in module.name:
            found = doctest.DocTestFinder().find(import_module(module.name))
            yield from (test for test in found if test.examples)


EXAMPLES = list(examples())


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 7


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_an_example_gives_what_it_shows(example: doctest.DocTest) -> None:
    assert doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL).run(example).failed == 0
