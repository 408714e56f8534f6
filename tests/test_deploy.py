"""The files of `examples/deploy` name options, ports, variables and extras that there are."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import click
import pytest

pytest.importorskip("docket", reason="needs the extra docket")

from gong_tasks_async.cli.app import gong_tasks

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "examples" / "deploy"
COMPOSE = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def worker_options() -> dict[str, object]:
    """The worker's command line in the compose file, as the command parses it."""
    (line,) = re.findall(r'command: (\["worker".*\])', COMPOSE)
    name, *arguments = json.loads(line)
    command = gong_tasks.get_command(click.Context(gong_tasks), name)
    assert command is not None
    return command.make_context(name, arguments).params


def test_the_worker_s_command_line_is_one() -> None:
    assert worker_options()["company"] == "acme"


def test_prometheus_reads_the_port_that_the_worker_opens() -> None:
    scraped = re.findall(r"worker:(\d+)|port: (\d+)", (DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
    assert {port for pair in scraped for port in pair if port} == {str(worker_options()["metrics_port"])}


def test_the_image_installs_extras_that_there_are() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, extras),) = re.findall(r"'(\w+)\[([\w,]+)\]'", DOCKERFILE)
    assert name == project["name"]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    assert f"Python :: {re.findall(r'python:([0-9.]+)', DOCKERFILE)[0]}" in " ".join(project["classifiers"])


def test_variables_of_the_file_are_those_that_the_command_reads() -> None:
    named = set(re.findall(r"\b(GONG_[A-Z_]+)\b", COMPOSE + DOCKERFILE))
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "gong_tasks_async").rglob("*.py"))
    assert {variable for variable in named if f'"{variable}"' not in sources} == set()


def test_no_port_of_the_machine_is_open_to_others() -> None:
    published = re.findall(r'ports: \["([^"]+)"\]', COMPOSE)
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
