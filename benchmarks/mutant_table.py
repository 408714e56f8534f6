"""The table of planted faults by module, kept from run to run, since a run may try some modules only."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from benchmarks.report import table
from benchmarks.results import FOLDER, about_here
from benchmarks.stub_server import PROJECT

KEPT = FOLDER / "mutants.json"


def kept() -> dict[str, dict[str, Any]]:
    """The last result of each module, with the share that its first one found."""
    return json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}


def keep(module: str, facts: dict[str, Any]) -> None:
    """Replace a module's result: its faults, and with which seed they were drawn."""
    about, results = about_here(), kept()
    before = results.get(module, {}).get("before", share_of(facts))
    # The first result that a run keeps makes the tree dirty.
    origin = {"date": about["date"], "commit": about["commit"].removesuffix("-dirty")}
    results[module] = {"before": before, **facts, **origin}
    KEPT.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n", encoding="utf-8")


def missed(module: str, size: int, seed: int) -> list[str] | None:
    """The faults of the last result that no test found; None where the module has changed, or the faults are others."""
    facts = kept().get(module)
    if facts is None or facts["planted"] > size or facts["seed"] != seed:
        return None
    command = ["git", "diff", "--quiet", facts["commit"], "--", f"gong_tasks_async/{module}"]
    if subprocess.run(command, cwd=PROJECT, check=False, stderr=subprocess.DEVNULL).returncode:  # noqa: S603 - fixed but for names of ours
        return None
    return list(facts["survivors"])


def share_of(facts: dict[str, Any]) -> float:
    """The part of the faults that was found, those that mean the same left out."""
    real = facts["planted"] - facts["equal"]
    return 1.0 if not real else 1 - len(facts["survivors"]) / real


def markdown() -> str:
    """The table, a total at its end."""
    results = kept()
    head = ("module", "before", "found", "faults", "mean the same", "seed", "date", "commit")
    rows = [
        (
            module,
            f"{facts['before']:.0%}",
            f"{share_of(facts):.0%}",
            str(facts["planted"]),
            str(facts["equal"]),
            str(facts["seed"]),
            facts["date"],
            facts["commit"],
        )
        for module, facts in results.items()
    ]
    return f"{table(head, rows)}\n\n{_total(results)}"


def _total(results: dict[str, dict[str, Any]]) -> str:
    planted, equal = (sum(facts[name] for facts in results.values()) for name in ("planted", "equal"))
    alive = sum(len(facts["survivors"]) for facts in results.values())
    return (
        f"Of {planted:,} faults in {len(results)} modules, {equal} mean the same as the original; of the others, the "
        f"tests find {planted - equal - alive:,}, which is {1 - alive / (planted - equal):.1%}."
    )
