"""The whole suite in one run: every comparison, then every script.

python -m benchmarks                  # the quick form, under two minutes
python -m benchmarks --full           # a quarter of an hour; close everything else
python -m benchmarks --only patch decode
python -m benchmarks --list
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from benchmarks import call_count, charts, decode_cost, import_cost, list_cost, loop_stall, patch_cost
from benchmarks.measure import Comparison, Scale
from benchmarks.report import comparison_table, script_tables, target_table, write_readme
from benchmarks.results import Results, about_here, load_now
from benchmarks.stub_server import PROJECT
from benchmarks.targets import findings

COMPARISONS: dict[str, Callable[[Scale], Iterator[Comparison]]] = {
    "patch": patch_cost.measure,
    "calls": call_count.measure,
    "decode": decode_cost.measure,
    "list": list_cost.measure,
    "stall": loop_stall.measure,
    "import": import_cost.measure,
}


@frozen
class Script:
    """What a script is told in each form; None where it has no part in the quick one."""

    quick: str | None
    full: str = ""

    def options(self, scale: Scale) -> list[str] | None:
        """Its options on the command line."""
        chosen = self.full if scale.full else self.quick
        return None if chosen is None else chosen.split()


SCRIPTS = {
    "quota_use": Script("--virtual"),
    "quota_neighbour": Script("--runs 1"),
    "quota_herd": Script("--quick"),
    "quota_lanes": Script("--arrivals 50 --departures 500"),
    "redis_quota": Script(None, "--seconds 15"),
    "jobs_cost": Script(None),
    "turn_cost": Script("--blocks 5 --turns 500 --no-file"),
    "bulk_cost": Script("--rows 10000 --journal-rows 3000 --moments 3"),
    "instructions": Script(""),
    "scale": Script("", "--full --svg benchmarks/results/full/scale.svg"),
    "latency": Script("--runs 3", "--runs 20"),
    "plots": Script(None),
}


def run(names: list[str], results: Results, scale: Scale) -> None:
    """Measure what is named, and print each part as it is done."""
    for name in names:
        started = time.monotonic()
        if name in COMPARISONS:
            _run_comparisons(name, results, scale)
        else:
            _run_script(name, results, scale)
        print(f"({name}: {time.monotonic() - started:.0f} s)\n", flush=True)


def _run_comparisons(name: str, results: Results, scale: Scale) -> None:
    for comparison in COMPARISONS[name](scale):
        results.comparisons.append(comparison)
        print(comparison_table(comparison), end="\n\n", flush=True)


def _run_script(name: str, results: Results, scale: Scale) -> None:
    options = SCRIPTS[name].options(scale)
    if options is None:
        print(f"{name}: only in full")
        return
    found = _printed_by(name, options)
    print(f"{name}\n")
    if name == "plots":
        print("\n".join(found))
        return
    results.scripts[name] = found
    print("\n\n".join(script_tables(found)))


def _printed_by(name: str, options: list[str]) -> Any:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", *options]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own scripts
    return json.loads(done.stdout)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    every = [*COMPARISONS, *SCRIPTS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--full", action="store_true", help="more rounds, longer runs, all pictures")
    parser.add_argument("--only", nargs="+", choices=every, metavar="NAME", help="some parts")
    parser.add_argument("--list", action="store_true", help="name the parts and end")
    parser.add_argument("--seed", type=int, default=1, help="of the order in each round")
    parser.add_argument(
        "--write-readme", action="store_true", help="put the results into benchmarks/README.md"
    )
    return parser.parse_args(arguments)


def main() -> None:
    options = parse()
    if options.list:
        print("\n".join([*COMPARISONS, *SCRIPTS]))
        return
    form = "full" if options.full else "part" if options.only else "quick"
    results = Results(form, about_here())
    run(options.only or [*COMPARISONS, *SCRIPTS], results, Scale(options.full, options.seed))
    results.about["load"] += f", {load_now()}"
    if results.comparisons:
        print(target_table(findings(results.comparisons)), end="\n\n")
        print(f"{charts.draw(results)}")
    print(f"{results.save()}")
    if results.noisy:
        print(f"NOISY, measure again: {'; '.join(results.noisy)}")
    if options.write_readme:
        write_readme(results)


if __name__ == "__main__":
    main()
