"""A version is tagged when nothing is left to do."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import gong_tasks_async

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
release = import_module("release")
HOME = "https://example.com/gong_tasks_async"


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A project whose version 1.2.3 can be tagged."""
    (tmp_path / "gong_tasks_async").mkdir()
    (tmp_path / "gong_tasks_async" / "_version.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text("## [1.2.3] - 2026-12-01\n")
    (tmp_path / "changes").mkdir()
    (tmp_path / "pyproject.toml").write_text(f'[project.urls]\nHomepage = "{HOME}"\n')
    return tmp_path


def test_a_version_that_is_ready_has_no_problems(ready: Path) -> None:
    assert list(release.problems("1.2.3", ready)) == []


def test_each_thing_that_is_left_to_do_is_named(ready: Path) -> None:
    (ready / "changes" / "fix.fixed.md").write_text("It works.")
    (ready / "pyproject.toml").write_text(f'[project.urls]\nHomepage = "{release.PLACEHOLDER}"\n')
    found = list(release.problems("1.2.4", ready))
    assert len(found) == 4


def test_only_the_address_and_the_changelog_are_left_of_this_version() -> None:
    left = list(release.problems(gong_tasks_async.__version__))
    assert all(problem.startswith(("CHANGELOG.md", "changes/", "pyproject.toml")) for problem in left)


def test_fragments_are_of_a_kind_that_the_changelog_has() -> None:
    kinds = {
        kind["directory"]
        for kind in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]["type"]
    }
    names = [path.name for path in (ROOT / "changes").glob("*.md") if path.name != "README.md"]
    assert [name for name in names if not re.fullmatch(rf"[a-z0-9-]+\.({'|'.join(kinds)})\.md", name)] == []


def test_the_address_of_the_project_stands_in_one_file() -> None:
    pages = [
        path
        for pattern in ("*.md", "docs/**/*.md", "gong_tasks_async/**/*.py")
        for path in ROOT.glob(pattern)
    ]
    assert [str(path) for path in pages if release.PLACEHOLDER in path.read_text(encoding="utf-8")] == []
