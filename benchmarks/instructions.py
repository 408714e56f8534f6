"""Instructions that a unit of work takes, counted by valgrind's callgrind: a busy machine does not change them.

One process imports everything, has the counting switched on, and is then forked for each piece of work and for each of
two lengths; the difference of the two, divided, is what one unit costs. Start-up, imports and caches fall out.
PYTHONHASHSEED is 0, and what was imported is frozen, so that the garbage collector passes over it. An import is counted
against a bare interpreter.

    python -m benchmarks.instructions                  # all pieces, a minute on an idle machine
    python -m benchmarks.instructions --only decode    # some
    python -m benchmarks.instructions --rewrite        # make these counts the baseline of this build
    python -m benchmarks.instructions --check          # fail where a count is more than 3 % over its baseline

The counts belong to one build of Python and its libraries: those of another are printed, and not compared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path

from benchmarks.instruction_work import PIECES

PROJECT = Path(__file__).parent.parent
BASELINE = Path(__file__).parent / "instructions.json"
TOLERANCE = 0.03
COLLECTED = re.compile(r"^==(\d+)== Collected\s*:\s*(\d+)", re.MULTILINE)
FORKED = re.compile(r"^forked (\d+)$", re.MULTILINE)
LIBRARIES = ("aiohttp", "aiolimiter", "attrs", "cattrs", "orjson", "yarl")

IMPORTS = {
    "import aiohttp": "import aiohttp",
    "import GongTasksClient": "from gong_tasks_async import GongTasksClient",
    "import click": "import click",
    "gong-tasks --help": "import sys; sys.argv = ['gong-tasks', '--help']\nfrom gong_tasks_async.cli import main\n"
    "try: main()\nexcept SystemExit: pass",
}
RATIOS = (
    ("PATCH over bare aiohttp", "PATCH, ours", "PATCH, bare aiohttp", 1.33),
    ("PATCH over aiohttp + pydantic", "PATCH, ours", "PATCH, aiohttp + pydantic", None),
    ("decode over orjson.loads", "decode a full task", "orjson.loads of a full task", None),
    ("GongTasksClient over import aiohttp", "import GongTasksClient", "import aiohttp", 1.55),
    ("gong-tasks --help over import click", "gong-tasks --help", "import click", 1.4),
)
"""What is divided by what, and the aim."""
AIMS = {"a permit": 20_000, "an update, made and encoded": 12_000, "a row of bulk plan": 181_000}
"""The last one is two thirds of what a row took when it was first counted."""


def under_callgrind(arguments: Iterable[str], *, from_the_start: bool = True) -> tuple[str, dict[int, int]]:
    """Run this Python; its output, and the instructions of each of its processes."""
    at_start = "yes" if from_the_start else "no"
    valgrind = [
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        f"--instr-atstart={at_start}",
    ]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(  # noqa: S603 - our own program
        [*valgrind, sys.executable, *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        sys.exit(ran.stderr)
    return ran.stdout, {int(pid): int(count) for pid, count in COLLECTED.findall(ran.stderr)}


def is_countable() -> bool:
    """Whether valgrind is there, and its part that switches the counting on."""
    return all(map(shutil.which, ("valgrind", "vgdb")))


def costs_of(names: list[str], url: str) -> dict[str, float]:
    """Instructions of one unit of each piece."""
    if not names:
        return {}
    arguments = ["-m", "benchmarks.instruction_work", url, *names]
    output, collected = under_callgrind(arguments, from_the_start=False)
    counts = [collected[int(pid)] for pid in FORKED.findall(output)]
    pairs = zip(names, counts[::2], counts[1::2], strict=True)
    return {name: round((many - few) / (PIECES[name].many - PIECES[name].few)) for name, few, many in pairs}


def cost_of_import(program: str) -> int:
    """Instructions of an import beyond those of a bare interpreter."""
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, check=True)  # noqa: S603 - leaves byte code
    (whole,), (bare,) = (under_callgrind(["-c", text])[1].values() for text in (program, ""))
    return whole - bare


def count(names: Iterable[str]) -> dict[str, float]:
    """All counts that are named."""
    wanted = [name for name in PIECES if name in names]
    if any(PIECES[name].needs_server for name in wanted):
        from benchmarks.stub_server import running  # noqa: PLC0415 - the gate needs none

        server = running("typical")
    else:
        server = nullcontext("-")  # type: ignore[assignment]  # an address that nothing asks for
    with server as url:
        costs = costs_of(wanted, url)
    return {**costs, **{name: cost_of_import(IMPORTS[name]) for name in IMPORTS if name in names}}


def build() -> str:
    """What the counts belong to."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"CPython {platform.python_version()}, {sysconfig.get_platform()}, {libraries}"


def baselines() -> dict[str, dict[str, float]]:
    """The counts that were kept, by build."""
    kept: dict[str, dict[str, float]] = (
        json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else {}
    )
    return kept


def baseline() -> dict[str, float]:
    """Those of this build; empty if there are none."""
    return baselines().get(build(), {})


def grown(counts: dict[str, float], before: dict[str, float]) -> list[str]:
    """What costs more than its baseline allows."""
    return [
        f"{name}: {cost:,.0f} instructions, and {before[name]:,.0f} before"
        for name, cost in counts.items()
        if name in before and cost > before[name] * (1 + TOLERANCE)
    ]


def rewrite(counts: dict[str, float]) -> None:
    """Keep these counts as this build's; one build for each minor version of Python."""
    minor = build().rpartition(",")[0].split(",")[0].rpartition(".")[0]
    others = {key: kept for key, kept in baselines().items() if not key.startswith(f"{minor}.")}
    kept = {**others, build(): {**baseline(), **counts}}
    BASELINE.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def records(counts: dict[str, float]) -> dict[str, list[dict[str, object]]]:
    """The tables, for the report."""
    ratios: list[dict[str, object]] = [
        {"ratio": title, "measured": round(counts[one] / counts[other], 3), "at most": bound or ""}
        for title, one, other, bound in RATIOS
        if one in counts and other in counts
    ]
    units: list[dict[str, object]] = [
        {"unit": name, "instructions": int(cost), "at most": AIMS.get(name, "")}
        for name, cost in counts.items()
    ]
    return {"instructions": units, **({"ratios": ratios} if ratios else {})}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = [*PIECES, *IMPORTS]
    parser.add_argument("--only", nargs="+", choices=every, default=every, metavar="PIECE")
    parser.add_argument("--rewrite", action="store_true", help="make these counts the baseline of this build")
    parser.add_argument("--check", action="store_true", help="fail where a count is 3 %% over its baseline")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    options = parse()
    if not is_countable():
        if options.json:  # the other benchmarks go on without it
            print(json.dumps({"instructions": [{"unit": "none: valgrind is not installed"}]}))
            return
        sys.exit("valgrind is not installed")
    counts, before = count(options.only), baseline()
    if options.rewrite:
        rewrite(counts)
    if options.json:
        print(json.dumps(records(counts)))
        return
    for name, cost in counts.items():
        print(f"{name:<40}{cost:>14,.0f}  before {before.get(name, float('nan')):>14,.0f}")
    for record in records(counts).get("ratios", []):
        print(f"{record['ratio']:<40}{record['measured']:>14}  at most {record['at most']}")
    if options.check and (worse := grown(counts, before)):
        sys.exit("\n".join(worse))


if __name__ == "__main__":
    main()
