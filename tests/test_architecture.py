"""The table "Where is it decided?" names what there is."""

from __future__ import annotations

import re
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+\?) \| `(\S+)\.py` \| `(\S+)` \|$", PAGE, re.MULTILINE)


def test_a_maintainer_s_questions_are_answered() -> None:
    assert len(ROWS) >= 20


@pytest.mark.parametrize(("question", "module", "name"), ROWS)
def test_what_decides_stands_where_the_table_says(question: str, module: str, name: str) -> None:
    found = import_module(f"gong_tasks_async.{module.replace('/', '.')}")
    decides = reduce(getattr, name.split("."), found)
    assert callable(decides), question
