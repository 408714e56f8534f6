"""How strong the tests are: plant small faults one at a time, and see which of them a module's tests find.

Cosmic Ray makes the faults, in a copy of the sources; ``mutants.toml`` names the modules, the tests of each, and the
survivors that mean the same as the original. A seeded sample of the places in each module is tried, one fault in each;
with 20 of them a module's figure is good to some 15 points. A fault with which the tests take several times as long
counts as found. This needs a system that can fork.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from attrs import asdict, frozen
from cosmic_ray.commands import init
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec

from benchmarks.mutant_tests import TestRuns, used_by_children

ROOT = Path(__file__).parent.parent
SETTINGS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
NEVER_RUN = ("RemoveDecorator", "BinaryOperator_BitOr", "Operator_Is_Eq", "Operator_IsNot_NotEq")
"""Without its decorator hardly any of our functions can be imported; most `|` stand in types; `is` is asked of None, of
classes and of enums' members alone, where `==` gives the same."""


@frozen
class Result:
    """What came of the faults planted in one module."""

    module: str
    planted: int
    survivors: tuple[str, ...]
    equal: int
    """Survivors that mean the same as the original."""
    cpu_seconds: int
    """What it took to try them."""


def try_module(module: str, again: Collection[str] | None, size: int, seed: int) -> Result:
    """Plant `size` faults in one module of the copy that this process stands in, and run its tests with each.

    Of a module that has not changed, only those faults are tried `again` that no test found the last time.
    """
    path, began = Path("gong_tasks_async", module), used_by_children()
    source = path.read_text(encoding="utf-8")
    tests = TestRuns.watched(path, [f"tests/{name}" for name in SETTINGS["tests"][module]])
    same, alive = SETTINGS["equal"].get(module, {}), []
    sample = _sample(path, source, size, random.Random(f"{seed} {module}"))
    for mutation in sample:
        operator = get_operator(mutation.operator_name)(**mutation.operator_args)
        with use_mutation(mutation.module_path, operator, mutation.occurrence) as (before, after):
            fault = _changed_lines(before, after or "")
            is_tried = again is None or fault in again or fault in same
            if is_tried and not tests.find(tests.executing(source, mutation.start_pos[0])):
                alive.append(fault)
    survivors = tuple(sorted(line for line in alive if line not in same))
    return Result(
        module, len(sample), survivors, len(alive) - len(survivors), round(used_by_children() - began)
    )


def _sample(path: Path, source: str, size: int, chance: random.Random) -> list[MutationSpec]:
    """One fault at each of `size` places."""
    unseen = set(_unseen(ast.parse(source)))
    places: dict[tuple[int, int], list[MutationSpec]] = {}
    for mutation in sorted(_all_mutations(path), key=_key):
        if mutation.start_pos not in unseen and not any(name in mutation.operator_name for name in NEVER_RUN):
            places.setdefault(mutation.start_pos, []).append(mutation)
    return [chance.choice(places[place]) for place in chance.sample(sorted(places), min(size, len(places)))]


def _all_mutations(path: Path) -> list[MutationSpec]:
    with use_db("mutants.sqlite", WorkDB.Mode.create) as database:
        init([path], database, {})
        return [mutation for item in database.work_items for mutation in item.mutations]


def _key(mutation: MutationSpec) -> tuple[object, ...]:
    return mutation.start_pos, mutation.operator_name, mutation.occurrence, str(mutation.operator_args)


def _unseen(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """The places that nothing evaluates, inside annotations; and `init=False`, which keeps callers from a mistake."""
    for node in ast.walk(tree):
        roots = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.keyword) and node.arg == "init":
            roots.append(node.value)
        for root in roots:
            if isinstance(root, ast.AST):
                yield from (
                    (part.lineno, part.col_offset) for part in ast.walk(root) if isinstance(part, ast.expr)
                )


def _changed_lines(before: str, after: str) -> str:
    """The fault in one line: what stood there, and what was planted."""
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    lines = [line for line in diff if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return " -> ".join(" ".join(line[1:].split()) for line in lines)


def _copy(into: Path) -> Path:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    for name in names.splitlines():
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, into / name)
    return into


def _stand_in_a_copy(folder: str) -> None:
    """The copy is imported, not what is installed; each run draws the same examples."""
    assert "gong_tasks_async" not in sys.modules, "forks would have it without its faults"  # noqa: S101 - our own mistake
    tree = _copy(Path(tempfile.mkdtemp(dir=folder)))
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    os.environ.update(PYTHONPATH=str(tree), CI="true", GONG_EXAMPLES="30", GONG_QUOTA_EXAMPLES="40")


def try_all(
    modules: Mapping[str, Collection[str] | None], size: int, seed: int, at_once: int
) -> Iterator[Result]:
    """Try modules side by side, each in one of `at_once` processes that has a copy of the sources."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(at_once, get_context("spawn"), _stand_in_a_copy, (folder,)) as pool,
    ):
        yield from pool.map(partial(try_module, size=size, seed=seed), modules, modules.values())


def main() -> None:
    """Print the table by module, and each fault that no test found."""
    from benchmarks.mutant_table import keep, missed, share_of  # noqa: PLC0415 - it imports the library

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=20, help="faults in each module [20]")
    parser.add_argument("--seed", type=int, default=1, help="another seed tries other places [1]")
    parser.add_argument("--only", nargs="*", help="modules, such as quota/ladder.py [all]")
    parser.add_argument(
        "--at-once", type=int, default=os.cpu_count() or 1, help="modules at once [all cores]"
    )
    parser.add_argument("--again", action="store_true", help="only faults that no test found the last time")
    parser.add_argument(
        "--keep", action="store_true", help="keep the results for the table that `benchmarks.tables` writes"
    )
    options = parser.parse_args()
    results = []
    print("| module | planted | equal | found | CPU |\n|---|---|---|---|---|")
    modules = {
        module: missed(module, options.size, options.seed) if options.again else None
        for module in options.only or SETTINGS["tests"]
    }
    for result in try_all(modules, options.size, options.seed, options.at_once):
        results.append(result)
        facts = asdict(result)
        print(
            f"| {result.module} | {result.planted} | {result.equal} | {share_of(facts):.0%} | {result.cpu_seconds} s |",
            flush=True,
        )
        if options.keep:
            keep(facts.pop("module"), facts | {"seed": options.seed})
    print("\n".join(f"{result.module}: {line}" for result in results for line in result.survivors))


if __name__ == "__main__":
    main()
