"""Every code block of the README and the docs runs as it stands, against the simulator."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gong_tasks_async.simulator import Engine, SecondLimit, SimulatorThread

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = (ROOT / "docs" / "reference", ROOT / "docs" / "errors")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SET_UP = (
    "python -m ",
    "pip install ",
    "pytest ",
    "uvicorn ",
    "curl ",
    "nox",
    "export ",
    "gong-tasks ",
    "redis-server",
    "docker ",
)
"""What a `shell` block may begin its lines with: set-up, and commands that wait for something which a test has not."""
EXEMPT = {"docs/distributed-jobs.md"}
"""Pages whose blocks need a Redis: ``tests/test_distributed_submit.py`` runs its programs, ``tests/test_distributed_docs.py``
its commands."""
SETTINGS_OF_PYTEST = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
KINDS = {"python", "console", "shell", "text", "toml", "yaml", "json", "mermaid"}


class Block(NamedTuple):
    page: str
    number: int
    kind: str
    text: str


def blocks() -> Iterator[Block]:
    for page in PAGES:
        if page.parent in GENERATED and page.name != "answers.md":
            continue
        if str(page.relative_to(ROOT)) in EXEMPT:
            continue
        for number, (kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1):
            yield Block(str(page.relative_to(ROOT)), number, kind, text)


BLOCKS = list(blocks())


def those(*kinds: str) -> pytest.MarkDecorator:
    chosen = [block for block in BLOCKS if block.kind in kinds]
    return pytest.mark.parametrize("block", chosen, ids=[f"{block.page}:{block.number}" for block in chosen])


@pytest.fixture
def gong() -> Iterator[SimulatorThread]:
    with SimulatorThread(Engine(users=2, tasks_per_user=12, second_limit=SecondLimit.SLIDING)) as gong:
        yield gong


def run(command: list[str], gong: SimulatorThread, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "HOME": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GONG_ACCESS_KEY": gong.access_key,
        "GONG_ACCESS_KEY_SECRET": gong.access_key_secret,
        "GONG_BASE_URL": gong.base_url,
        "GONG_TASKS_STATE": str(folder / "state"),
    }
    return subprocess.run(  # noqa: S603 - the pages' own programs
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_each_block_is_of_a_kind_that_is_checked() -> None:
    assert {block.kind for block in BLOCKS} <= KINDS


@those("python")
def test_a_program_runs(block: Block, gong: SimulatorThread, tmp_path: Path) -> None:
    if block.text.startswith("# test_"):
        (tmp_path / "pytest.ini").write_text(SETTINGS_OF_PYTEST, encoding="utf-8")
        (tmp_path / "test_block.py").write_text(block.text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "test_block.py"]
    else:
        command = [sys.executable, "-W", "error", "-c", block.text]
    ran = run(command, gong, tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")


CONVERSATIONS = sorted({block.page for block in BLOCKS if block.kind == "console"})


@pytest.mark.parametrize("page", CONVERSATIONS)
def test_the_commands_of_a_page_end_with_0_one_after_another(
    page: str, gong: SimulatorThread, tmp_path: Path
) -> None:
    shown = [block.text for block in BLOCKS if (block.page, block.kind) == (page, "console")]
    lines = [line.removeprefix("$ ") for line in "".join(shown).splitlines() if line.startswith("$ ")]
    (tmp_path / "dismiss.csv").write_text(_rows(gong), encoding="utf-8")
    ran = run(["bash", "-e", "-c", "\n".join(lines)], gong, tmp_path)
    assert ran.returncode == 0, ran.stderr


def _rows(gong: SimulatorThread) -> str:
    tasks = list(gong.engine.tasks.values())[:6]
    return "taskId,userId,status\n" + "".join(f"{task['id']},{task['userId']},DISMISSED\n" for task in tasks)


@those("shell")
def test_what_is_not_run_is_set_up_alone(block: Block) -> None:
    assert all(line.startswith((*SET_UP, "#")) for line in block.text.splitlines() if line)


def test_the_first_page_is_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert len(text.split()) <= 1_300


def test_links_inside_the_repository_lead_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in (
            *PAGES,
            *(ROOT / f"{name}.md" for name in ("AGENTS", "CHANGELOG", "CONTRIBUTING", "SECURITY")),
        )
        for target in re.findall(r"\]\(([^)#:\s]+)[^):]*\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists() and not re.search(r"\b(reference|errors)/", target)
    ]
    assert dead == []
