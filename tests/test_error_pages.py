"""Each error has a page in the manual, and its message names it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import gong_tasks_async
from gong_tasks_async.bulk.outcomes import RecordedError
from gong_tasks_async.errors import GongError
from gong_tasks_async.errors.base import page_of

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))
for module in walk_packages(gong_tasks_async.__path__, "gong_tasks_async."):
    if not module.name.endswith("__main__") and "pyinstaller" not in module.name:
        import_module(module.name)


def below(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)


PUBLIC: set[type[Exception]] = {
    value
    for name in gong_tasks_async.__all__
    if isinstance(value := getattr(gong_tasks_async, name), type) and issubclass(value, Exception)
}
KINDS: set[type[Exception]] = PUBLIC | {
    kind for kind in below(GongError) if kind.__module__.startswith("gong_tasks_async.")
}
WITHOUT_PAGE: set[type[Exception]] = {RecordedError}
"""It stands for an error of another class, and has its message."""


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return dict(import_module("error_pages").error_pages())


@pytest.mark.parametrize("kind", sorted(KINDS - WITHOUT_PAGE, key=str))
def test_each_error_has_a_page(kind: type[Exception], pages: dict[str, str]) -> None:
    page = pages[f"{page_of(kind.__name__)}.md"]
    assert page.startswith(f"# {kind.__name__}\n")
    assert "## Causes and remedies\n\n- " in page


def test_no_error_of_a_call_hides_its_page() -> None:
    own = [kind for kind in KINDS - WITHOUT_PAGE if issubclass(kind, GongError) and kind is not GongError]
    assert [kind for kind in own if "__str__" in vars(kind)] == []


def test_no_page_is_left_over(pages: dict[str, str]) -> None:
    assert set(pages) == {
        "errors/index.md",
        *(f"{page_of(kind.__name__)}.md" for kind in KINDS - WITHOUT_PAGE),
    }


def test_the_message_of_each_error_of_a_call_names_its_page(pages: dict[str, str]) -> None:
    examples = [error for error in import_module("error_examples").EXAMPLES if isinstance(error, GongError)]
    assert [type(error) for error in examples if not str(error).endswith(f" See {error.page_name()}.")] == []
    assert {f"{error.page_name()}.md" for error in examples} <= set(pages)
