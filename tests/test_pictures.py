"""The pictures of the site are drawn by scripts, from runs; each is there, and a page shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

DOCS = Path(__file__).parent.parent / "docs"
NAMES = ("pace", "pause", "lanes", "rows", "days", "trace", "dashboard")
PAGES = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    command = [sys.executable, "-W", "error", str(DOCS / "pictures"), "--quick", str(folder)]
    subprocess.run(command, check=True, timeout=300)  # noqa: S603 - our own script
    return folder


def marks(path: Path) -> int:
    """How many dots, bars and lines a picture has."""
    tree = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    return sum(element.tag.rpartition("}")[2] in {"circle", "rect", "line", "polyline"} for element in tree)


def test_all_are_drawn(drawn: Path) -> None:
    assert {path.stem for path in drawn.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_becomes_a_picture(name: str, drawn: Path) -> None:
    assert marks(drawn / f"{name}.svg") > 10


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_the_picture_that_is_kept(name: str) -> None:
    assert marks(DOCS / "_static" / f"{name}.svg") > 10
    assert f"_static/{name}.svg)" in PAGES
