"""What a run found, as JSON: ratios, and the machine that they are of."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attrs import asdict, define, field

from benchmarks.measure import Comparison
from benchmarks.stub_server import PROJECT
from benchmarks.targets import Finding, findings

FOLDER = Path(__file__).parent / "results"
PACKAGES = [
    "aiohttp",
    "attrs",
    "cattrs",
    "aiolimiter",
    "orjson",
    "msgspec",
    "pydantic",
    "httpx",
    "httpcore",
    "anyio",
    "sniffio",
    "requests",
    "uvloop",
]


@define
class Results:
    """A whole run."""

    form: str
    """"quick", "full", or "part"."""
    about: dict[str, str] = field(factory=dict)
    comparisons: list[Comparison] = field(factory=list)
    scripts: dict[str, Any] = field(factory=dict)
    """What each script printed."""

    @property
    def folder(self) -> Path:
        """Where this form's files are kept."""
        return FOLDER / self.form

    @property
    def noisy(self) -> list[str]:
        """The comparisons whose control is out of its bounds."""
        return [comparison.name for comparison in self.comparisons if comparison.noisy]

    def save(self) -> Path:
        """Write them down."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "results.json"
        path.write_text(json.dumps(self._as_json(), indent=1) + "\n", encoding="utf-8")
        return path

    def _as_json(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "about": self.about,
            "noisy": self.noisy,
            "targets": [_finding(finding) for finding in findings(self.comparisons)],
            "comparisons": [_comparison(comparison) for comparison in self.comparisons],
            "scripts": self.scripts,
        }


def load(form: str) -> Results:
    """The last results of a form.

    Raises:
        FileNotFoundError: there are none.
    """
    found = json.loads((FOLDER / form / "results.json").read_text(encoding="utf-8"))
    comparisons = [
        Comparison(one["name"], one["costs"], one["base"], one["unit"]) for one in found["comparisons"]
    ]
    return Results(found["form"], found["about"], comparisons, found["scripts"])


def about_here() -> dict[str, str]:
    """The date, the machine, and what is installed on it."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _commit(),
        "machine": f"{os.cpu_count()} cores ({_processor()}), {platform.system()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": load_now(),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def load_now() -> str:
    """How busy the machine is, in processes that want a core."""
    return f"{os.getloadavg()[0]:.1f} at {datetime.now(UTC):%H:%M} UTC"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        said = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S603 - a fixed line
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.stdout.strip()


def _processor() -> str:
    """The processor's name, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _finding(finding: Finding) -> dict[str, Any]:
    figure, target = finding.figure, finding.target
    measured = None if figure is None else {**asdict(figure), "reached": target.reached(figure)}
    return {
        "what": target.what,
        "at least" if target.at_least else "at most": target.bound,
        "measured": measured,
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        **asdict(comparison),
        "costs": {name: [round(cost, 4) for cost in costs] for name, costs in comparison.costs.items()},
        "noisy": comparison.noisy,
        "figures": {name: asdict(comparison.figure(name)) for name in comparison.costs},
    }
