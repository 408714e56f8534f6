"""What a run found, as JSON, each part with the machine that it is of. The kept results are those of full runs."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from benchmarks.measure import Comparison
from benchmarks.stub_server import PROJECT

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


KEPT = "full"
"""The form whose results are kept in git, and from which the tables are written."""
NUMBERS = re.compile(r"\[\s+([-+\d.,e\s]+?)\s+\]")


@frozen
class Found:
    """What a script printed, and on what."""

    about: Mapping[str, str]
    found: Any


@define
class Results:
    """A whole run; of the kept ones, some scripts may be of a later run."""

    form: str
    """"quick", "part", or KEPT."""
    about: dict[str, str] = field(factory=dict)
    """Of the comparisons."""
    comparisons: list[Comparison] = field(factory=list)
    scripts: dict[str, Found] = field(factory=dict)

    @property
    def folder(self) -> Path:
        """Where this form's files are."""
        return FOLDER / self.form

    @property
    def noisy(self) -> list[str]:
        """The comparisons whose control is out of its bounds."""
        return [comparison.name for comparison in self.comparisons if comparison.noisy]

    def replaced_by(self, later: Results) -> Results:
        """These results with a later run's in place of the same ones; comparisons are kept together."""
        whole = later if later.comparisons else self
        return Results(self.form, whole.about, whole.comparisons, {**self.scripts, **later.scripts})

    def save(self) -> Path:
        """Write them down."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "results.json"
        text = json.dumps(self._as_json(), indent=1)
        path.write_text(NUMBERS.sub(_in_a_line, text) + "\n", encoding="utf-8")
        return path

    def _as_json(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "about": self.about,
            "comparisons": [_comparison(comparison) for comparison in self.comparisons],
            "scripts": {
                name: {"about": dict(one.about), "found": one.found} for name, one in self.scripts.items()
            },
        }


def load(form: str = KEPT) -> Results:
    """The last results of a form.

    Raises:
        FileNotFoundError: there are none.
    """
    found = json.loads((FOLDER / form / "results.json").read_text(encoding="utf-8"))
    comparisons = [
        Comparison(one["name"], one["costs"], one["base"], one["unit"]) for one in found["comparisons"]
    ]
    scripts = {name: Found(**one) for name, one in found["scripts"].items()}
    return Results(found["form"], found["about"], comparisons, scripts)


def _in_a_line(numbers: re.Match[str]) -> str:
    """A list of numbers, which take a line each otherwise."""
    return f"[{' '.join(numbers[1].split())}]"


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


WRITTEN = (":!benchmarks/results", ":!benchmarks/README.md", ":!docs")
"""What a run writes itself, which makes the code no other than its commit's."""


def _commit() -> str:
    try:
        commit = _git("describe", "--always")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *WRITTEN)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}-dirty" if changed else commit


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - fixed words


def _processor() -> str:
    """The processor's name, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "name": comparison.name,
        "base": comparison.base,
        "unit": comparison.unit,
        "costs": {name: [round(cost, 4) for cost in costs] for name, costs in comparison.costs.items()},
    }
