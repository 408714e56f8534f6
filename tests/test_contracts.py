"""The import contracts catch what they forbid: a violation of each is planted in a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="needs import-linter")

ROOT = Path(__file__).parent.parent
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
]
PLANTED = {
    "Imports go one way only": ("errors/planted.py", "import gong_tasks_async.client"),
    "The CLI's rooms": ("cli/output/planted.py", "import gong_tasks_async.cli.session"),
    "The quota's two implementations": (
        "quota/local/planted.py",
        "import gong_tasks_async.quota.redis.redis_quota",
    ),
    "Only the command, the pytest plugin and the simulation use the simulator": (
        "api/planted.py",
        "import gong_tasks_async.simulator",
    ),
    "Only one command uses the simulation": ("cli/planted.py", "import gong_tasks_async.simulation"),
    "The simulation: a company, of the network and its Gong": (
        "simulation/scenario.py",
        "import gong_tasks_async.simulation.company",
    ),
    "aiohttp: the transport and the simulator": ("api/planted_socket.py", "import aiohttp"),
    "aiolimiter: the pacer": ("quota/redis/planted.py", "import aiolimiter"),
    "cattrs: the codec": ("models/planted.py", "import cattrs"),
    "platformdirs: the folders of the configuration": ("cli/output/planted_folder.py", "import platformdirs"),
    "redis: one module in each package": ("distributed/planted.py", "import redis"),
    "Docket: the distributed jobs": ("bulk/planted.py", "import docket"),
    "openpyxl: the workbooks of the CLI": ("cli/input/planted.py", "import openpyxl"),
    "click and rich: the CLI": ("http/planted.py", "import click"),
    "OpenTelemetry: its module of telemetry": ("api/planted_trace.py", "import opentelemetry.trace"),
    "prometheus_client: its module of telemetry": ("api/planted_metrics.py", "import prometheus_client"),
    "mcp and uvicorn: the MCP server": ("bulk/planted_agent.py", "import mcp"),
}
"""For each contract, a new module and an import that it forbids."""


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter prints of a package in which every contract is violated once."""
    folder = tmp_path_factory.mktemp("planted")
    shutil.copytree(
        ROOT / "gong_tasks_async", folder / "gong_tasks_async", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", folder)
    for module, line in PLANTED.values():
        (folder / "gong_tasks_async" / module).write_text(f"{line}\n", encoding="utf-8")
    linter = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    ran = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", linter, "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return re.sub(r"\x1b\[\d*m", "", ran.stdout + ran.stderr)  # import-linter 2.5 colours each piece, always


def test_each_contract_has_a_violation_to_catch() -> None:
    assert list(PLANTED) == CONTRACTS


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_planted_violation_is_caught(contract: str, findings: str) -> None:
    module, _ = PLANTED[contract]
    assert f"{contract} BROKEN" in findings
    planted = "gong_tasks_async." + module.removesuffix(".py").replace("/", ".")
    assert planted in findings.replace("\n", "")
