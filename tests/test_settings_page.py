"""The page of settings has every variable, key and keyword that the code reads."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path

from gong_tasks_async.config.profile import profile_keys
from gong_tasks_async.settings import ClientSettings

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
PAGE = import_module("settings_page")
SOURCES = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "gong_tasks_async").rglob("*.py"))


def test_each_variable_of_the_environment_is_explained() -> None:
    assert set(re.findall(r"\bGONG_[A-Z_]+\b", SOURCES)) == set(PAGE.ENVIRONMENT)


def test_each_key_of_a_profile_is_explained() -> None:
    assert set(profile_keys()) == set(PAGE.PROFILE)


def test_each_setting_has_its_meaning() -> None:
    page = PAGE.settings_page()
    assert "| `per_second` | `3.0` | calls a second; Gong raises it on request. |" in page
    assert "<" not in page.replace("<=", "")
    for name in ClientSettings.__annotations__:
        assert f"| `{name}` |" in page


def test_the_reference_shows_methods_of_bases_that_have_no_entry() -> None:
    page = import_module("generate")._name_pages()["client.md"]
    client = page.partition(".. autoclass:: gong_tasks_async.GongTasksClient\n")[2].partition("```")[0]
    assert ":inherited-members:" in client
