"""Text from outside is drawn as text: nothing of it is obeyed by a terminal, or read as markup, in any command."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, strategies as st
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gong_tasks_async.cli.output.screen import Screen
from gong_tasks_async.cli.output.visible import visible, visible_json, visible_line
from tests.cli.company import Company, Found, Terminal

PLANTED = "[/x] [link=http://evil.example]y[/link] \x1b]52;c;Y3Vy\x07 \x1b[2J \u202eback\u202c \x9b31m \u2028 \u200b \x7f \x08 end"
OWN = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|[\r\n\t]")
"""What rich itself sends: colours, and the movements of a bar."""
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def plant(company: Company) -> None:
    for number, task in company.engine.tasks.items():
        task |= {
            "status": "OPEN",
            "type": "MANUAL",
            "title": f"{PLANTED} {number}",
            "contact": {
                "crmId": PLANTED,
                "data": {"firstName": PLANTED, "lastName": PLANTED, "title": PLANTED},
            },
            "account": {"name": PLANTED, "crmUrl": PLANTED},
            "opportunity": {"name": PLANTED, "stage": PLANTED},
            "flow": {"id": 7, "name": PLANTED, "step": {"name": PLANTED}},
            "priority": {"id": 1, "name": PLANTED, "weight": 1},
            "note": PLANTED,
        }
    for person in company.engine.people:
        person |= {"firstName": PLANTED, "lastName": PLANTED, "title": PLANTED, "note": PLANTED}


def shown(raw: bytes) -> str:
    """What reached the terminal, without rich's own sequences and the line ends of the terminal."""
    return OWN.sub(b"", raw).decode("utf-8", "replace")


@pytest.fixture
def company(found: Found) -> Company:
    company = found(users=2, tasks_per_user=2)
    plant(company)
    return company


LINES = [
    *(f"list --all-users -o {form}" for form in ("table", "csv", "jsonl", "json")),
    *(f"users -o {form}" for form in ("table", "csv", "jsonl")),
    "show {task} --user {user} -o table",
    "show {task} --user {user} -o jsonl",
    "update {task} --user {user} --set-status DONE -o table",
    "update {task} --user {user} --set-status DONE -o csv",
    "bulk run --user {user} --set-status DONE --yes",
    "list --user {user} --flow {planted}",
    "list --user {planted}",
    "show {planted}",
    "{planted}",
]


@pytest.mark.parametrize("line", LINES)
def test_nothing_that_a_terminal_obeys_reaches_it(line: str, company: Company) -> None:
    task, user = next((n, t["userId"]) for n, t in company.engine.tasks.items())
    words = [word.format(task=task, user=user, planted=PLANTED.replace("\x00", "")) for word in line.split()]
    with Terminal(tuple(words), company.environment, 150) as terminal:
        terminal.end()
        seen = shown(terminal.raw)
    assert "Traceback" not in seen
    assert OBEYED.search(seen) is None, ascii(seen)
    if line.startswith(("list --all", "users", "show {task}", "update")):
        assert "[/x]" in seen
    assert "http://evil.example" not in seen or "[link=http://evil.example]" in seen


def test_a_pipe_gets_data_as_it_is(company: Company) -> None:
    got = company.invoke("list", "--all-users", "-o", "jsonl")
    titles = {json.loads(line)["title"] for line in got.stdout.splitlines()}
    assert all(title.startswith(PLANTED) for title in titles)
    assert OBEYED.search(got.stdout) is None  # JSON loses nothing by its escapes


class TestVisible:
    @given(st.text())
    def test_no_character_is_obeyed_and_letters_stay(self, text: str) -> None:
        assert OBEYED.search(visible(text)) is None
        assert OBEYED.search(visible_line(text)) is None
        assert "\n" not in visible_line(text)
        if text.isprintable():
            assert visible(text) == text

    @given(
        st.recursive(
            st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
        )
    )
    def test_json_reads_back_as_it_was(self, value: Any) -> None:
        written = visible_json(json.dumps(value, ensure_ascii=False))
        assert OBEYED.search(written) is None
        assert json.loads(written) == value

    @pytest.mark.parametrize("text", ["Chloé Şahin", "می‌خواهم", "👩‍💻", "日本語", "a\u00a0b"])
    def test_scripts_of_the_world_are_left_alone(self, text: str) -> None:
        assert visible(text) == text


class TestScreen:
    @pytest.mark.parametrize("kind", ["str", "Text", "Table"])
    def test_no_renderable_brings_markup_or_sequences(
        self, kind: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        table = Table()
        table.add_column(PLANTED)
        table.add_row(PLANTED)
        value = {"str": PLANTED, "Text": Text(PLANTED), "Table": table}[kind]
        Screen(force_terminal=True, markup=False, width=300, color_system=None).print(value)
        out = capsys.readouterr().out
        assert OBEYED.search(out.replace("\n", "")) is None
        assert "[link=http://evil.example]" in out

    def test_a_plain_console_would(self, capsys: pytest.CaptureFixture[str]) -> None:
        Console(force_terminal=True, markup=False, width=300, color_system=None).print(Text("\x1b]52;c;x"))
        assert OBEYED.search(capsys.readouterr().out) is not None
