"""How strong the tests are: plant small faults one at a time, and see which of them a module's tests find.

Cosmic Ray makes the faults and tries them, in a copy of the sources; ``mutants.toml`` names the modules, the tests of
each, and the survivors that mean the same as the original. A seeded sample of the places in each module is tried, one
fault in each; with 20 of them a module's figure is good to some 15 points.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from attrs import frozen
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkItem, WorkResult

ROOT = Path(__file__).parent.parent
SETTINGS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
NEVER_RUN = ("RemoveDecorator", "BinaryOperator_BitOr")
"""Without its decorator hardly any of our functions can be imported; most `|` stand in types."""
PYTEST = f"{sys.executable} -m pytest -x -q -p no:cacheprovider"
TIMES_LONGER, LEAST_SECONDS = 4, 20
CONFIG = """
[cosmic-ray]
module-path = "{module}"
timeout = {timeout}
excluded-modules = []
test-command = "{command}"

[cosmic-ray.distributor]
name = "local"
"""


@frozen
class Result:
    """What came of the faults planted in one module."""

    module: str
    planted: int
    survivors: tuple[str, ...]
    equal: int
    """Survivors that mean the same as the original."""

    @property
    def share(self) -> float:
        """The part of the faults that was found, those that mean the same left out."""
        real = self.planted - self.equal
        return 1.0 if not real else 1 - len(self.survivors) / real


def try_module(module: str, tests: Iterable[str], tree: Path, size: int, seed: int) -> Result:
    """Plant `size` faults in one module of the copy `tree`, and run its tests with each."""
    command = " ".join([PYTEST, *(f"tests/{name}" for name in tests)])
    path = f"gong_tasks_async/{module}"
    timeout = max(LEAST_SECONDS, TIMES_LONGER * _time_untouched(command, tree))
    (tree / "mutants.conf").write_text(
        CONFIG.format(module=path, timeout=timeout, command=command), encoding="utf-8"
    )
    _run([_cosmic_ray(), "init", "mutants.conf", "mutants.sqlite"], tree)
    with use_db(str(tree / "mutants.sqlite"), WorkDB.Mode.open) as database:
        _keep_a_sample(
            database, (tree / path).read_text(encoding="utf-8"), size, random.Random(f"{seed} {module}")
        )
    _run([_cosmic_ray(), "exec", "mutants.conf", "mutants.sqlite"], tree)
    with use_db(str(tree / "mutants.sqlite"), WorkDB.Mode.open) as database:
        return _result(module, [result for _, result in database.results])


def _time_untouched(command: str, tree: Path) -> float:
    began = time.monotonic()
    _run(command.split(), tree)
    return time.monotonic() - began


def _run(command: list[str], tree: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own
        command, cwd=tree, env=_environment(tree), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )


def _environment(tree: Path) -> dict[str, str]:
    """The copy is imported, not what is installed; each run draws the same examples."""
    return {
        **os.environ,
        "PYTHONPATH": str(tree),
        "CI": "true",
        "GONG_EXAMPLES": "30",
        "GONG_QUOTA_EXAMPLES": "40",
    }


def _cosmic_ray() -> str:
    return str(Path(sys.executable).with_name("cosmic-ray"))


def _keep_a_sample(database: WorkDB, source: str, size: int, chance: random.Random) -> None:
    """One fault at each of `size` places; all others are marked as skipped."""
    types = set(_lines_of_types(ast.parse(source)))
    places: dict[tuple[int, int], list[WorkItem]] = {}
    for item in sorted(database.work_items, key=_key):
        (mutation,) = item.mutations
        if mutation.start_pos not in types and not any(name in mutation.operator_name for name in NEVER_RUN):
            places.setdefault(mutation.start_pos, []).append(item)
    chosen = chance.sample(sorted(places), min(size, len(places)))
    kept = {chance.choice(places[place]).job_id for place in chosen}
    skipped = [item.job_id for item in database.work_items if item.job_id not in kept]
    database.set_multiple_results(skipped, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))


def _key(item: WorkItem) -> tuple[object, ...]:
    (mutation,) = item.mutations
    return mutation.start_pos, mutation.operator_name, mutation.occurrence, str(mutation.operator_args)


def _lines_of_types(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """The places inside annotations, which nothing evaluates."""
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if isinstance(annotation := getattr(node, name, None), ast.AST):
                yield from (
                    (part.lineno, part.col_offset)
                    for part in ast.walk(annotation)
                    if isinstance(part, ast.expr)
                )


def _result(module: str, results: Iterable[WorkResult]) -> Result:
    tried = [result for result in results if result.worker_outcome is WorkerOutcome.NORMAL]
    alive = [
        _changed_lines(result.diff or "") for result in tried if result.test_outcome is TestOutcome.SURVIVED
    ]
    same = SETTINGS["equal"].get(module, {})
    survivors = tuple(sorted(line for line in alive if line not in same))
    return Result(module, len(tried), survivors, len(alive) - len(survivors))


def _changed_lines(diff: str) -> str:
    """The fault in one line: what stood there, and what was planted."""
    lines = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return " -> ".join(" ".join(line[1:].split()) for line in lines)


def _copy(into: Path) -> Path:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    for name in names.splitlines():
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, into / name)
    return into


def try_all(modules: Iterable[str], size: int, seed: int, at_once: int) -> Iterator[Result]:
    """Try modules side by side, each in one of `at_once` copies of the sources."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(at_once) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(at_once):
            trees.put(_copy(Path(folder, str(number))))

        def try_one(module: str) -> Result:
            tree = trees.get()
            try:
                return try_module(module, SETTINGS["tests"][module], tree, size, seed)
            finally:
                trees.put(tree)

        yield from pool.map(try_one, modules)


def main() -> None:
    """Print the table by module, and each fault that no test found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=20, help="faults in each module [20]")
    parser.add_argument("--seed", type=int, default=1, help="another seed tries other places [1]")
    parser.add_argument("--only", nargs="*", help="modules, such as quota/ladder.py [all]")
    parser.add_argument(
        "--at-once", type=int, default=os.cpu_count() or 1, help="modules at once [all cores]"
    )
    parser.add_argument("--json", type=Path, help="write the results into this file too")
    options = parser.parse_args()
    results = []
    print("| module | planted | equal | found | |\n|---|---|---|---|---|")
    for result in try_all(options.only or SETTINGS["tests"], options.size, options.seed, options.at_once):
        results.append(result)
        print(f"| {result.module} | {result.planted} | {result.equal} | {result.share:.0%} |", flush=True)
    print("\n".join(f"{result.module}: {line}" for result in results for line in result.survivors))
    if options.json:
        facts = {result.module: [result.planted, result.equal, list(result.survivors)] for result in results}
        options.json.write_text(json.dumps(facts, indent=2, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
