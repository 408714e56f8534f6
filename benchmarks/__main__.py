"""The whole suite in one run: every comparison, then every script.

python -m benchmarks                  # the quick form, in some three minutes
python -m benchmarks --write          # the full form, ten minutes, kept, and put into the pages; close everything else
python -m benchmarks --write --only latency
python -m benchmarks --only patch decode
python -m benchmarks --list
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from compileall import compile_dir
from typing import Any

from benchmarks import call_count, decode_cost, import_cost, list_cost, loop_stall, patch_cost
from benchmarks.measure import Comparison, Scale
from benchmarks.report import about_line, comparison_table, script_tables, target_table
from benchmarks.results import KEPT, Found, Results, about_here, load, load_now
from benchmarks.scripts import APART, AS_TEXT, SCRIPTS
from benchmarks.stub_server import PROJECT
from benchmarks.tables import printed_file, write
from benchmarks.targets import findings

COMPARISONS: dict[str, Callable[[Scale], Iterator[Comparison]]] = {
    "patch": patch_cost.measure,
    "calls": call_count.measure,
    "decode": decode_cost.measure,
    "list": list_cost.measure,
    "stall": loop_stall.measure,
    "import": import_cost.measure,
}


def run(names: Sequence[str], results: Results, scale: Scale) -> None:
    """Measure what is named, and print each part as it is done."""
    for name in names:
        started = time.monotonic()
        if name in COMPARISONS:
            _run_comparisons(name, results, scale)
        elif name in AS_TEXT:
            _keep_text(name)
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
    about, found = about_here(), _printed_by(name, options)
    print(f"{name}\n")
    if name == "plots":
        print("\n".join(found))
        return
    results.scripts[name] = Found(about, found)
    print("\n\n".join(script_tables(found)))


def _keep_text(name: str) -> None:
    command, about = [sys.executable, "-m", f"benchmarks.{name}", *AS_TEXT[name].split()], about_here()
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own scripts
    shown = f"`python -m benchmarks.{name} {AS_TEXT[name]}`".replace(" `", "`")
    printed_file(name).write_text(f"{about_line(about)[:-1]}; {shown}.\n{done.stdout}", encoding="utf-8")
    print(done.stdout)


def _printed_by(name: str, options: list[str]) -> Any:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", *options]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own scripts
    return json.loads(done.stdout)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    every = [*COMPARISONS, *SCRIPTS, *AS_TEXT]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--full", action="store_true", help="more rounds, longer runs")
    parser.add_argument(
        "--write", action="store_true", help="the full form; keep the results, write the tables and charts"
    )
    parser.add_argument("--only", nargs="+", choices=every, metavar="NAME", help="some parts")
    parser.add_argument("--list", action="store_true", help="name the parts and end")
    parser.add_argument("--seed", type=int, default=1, help="of the order in each round")
    options = parser.parse_args(arguments)
    options.full = options.full or options.write
    chosen = set(options.only or ())
    if chosen & AS_TEXT.keys() and not options.write:
        parser.error("these are kept as they print it: give --write, or run them by themselves")
    if options.write and chosen & COMPARISONS.keys() and not chosen >= COMPARISONS.keys():
        parser.error(f"comparisons are kept together: {' '.join(COMPARISONS)}")
    return options


def main() -> None:
    options = parse()
    if options.list:
        print("\n".join([*COMPARISONS, *SCRIPTS, *AS_TEXT]))
        return
    # As an installer does it: where Python is told to write no bytecode, an import from a clone would compile all of it.
    compile_dir(PROJECT / "gong_tasks_async", quiet=1)
    results = Results("part" if options.only or options.full else "quick", about_here())
    left_out = APART if options.full else ("plots",)
    names = options.only or [name for name in (*COMPARISONS, *SCRIPTS) if name not in left_out]
    run(names, results, Scale(options.full, options.seed))
    results.about["load"] += f", {load_now()}"
    if results.comparisons:
        print(target_table(findings(results.comparisons)), end="\n\n")
    print(f"{results.save()}")
    if results.noisy:
        print(f"NOISY, measure again: {'; '.join(results.noisy)}")
    if options.write:
        kept = load(KEPT).replaced_by(results)
        kept.save()
        write(load(KEPT))  # as a test reads them: rounded


if __name__ == "__main__":
    main()
