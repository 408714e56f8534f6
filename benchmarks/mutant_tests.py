"""Run a module's tests again and again, each time in a fork of a process that has imported what they need of others.

A run of pytest spends some three seconds of a core on importing; a fork spends a fraction of one. Only tests that
execute the changed function run, which the run without a fault found out, and the quickest files come first.
"""

from __future__ import annotations

import ast
import gc
import importlib
import json
import math
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing.context import ForkProcess
from pathlib import Path

import coverage
import pytest
from attrs import frozen

RELOADED = ("gong_tasks_async", "tests", "conftest", "__main__", "__mp_main__", "benchmarks")
ARGUMENTS = ("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
QUICK = 2.0
"""Seconds of a processor; a test that needs more does not take part, since a fault that it alone finds is held loosely."""
FORK = multiprocessing.get_context("fork")
TIMES_LONGER, LEAST_CPU_SECONDS, LEAST_SECONDS, IDLE_SECONDS = 3, 3, 240, 15
"""What a fault may cost: processor time, which a busy machine does not disturb; all in all, so long that a busy one seldom
reaches it; and doing nothing."""


class _Watch:
    """Plugin of pytest: which test executes which lines of the module, and how long each test takes."""

    def __init__(self, module: Path) -> None:
        self.coverage = coverage.Coverage(data_file=None, include=[str(module)], config_file=False)
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        began = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - began
            self.coverage.switch_context("")


class _Only:
    """Plugin of pytest: leave out all other tests."""

    def __init__(self, tests: frozenset[str]) -> None:
        self._tests = tests

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self._tests]


@frozen
class TestRuns:
    """The tests of one module, as the run without a fault found them."""

    files: tuple[str, ...]
    tests_by_line: dict[int, set[str]]
    cpu_seconds: float
    seconds: float

    @classmethod
    def watched(cls, module: Path, files: Iterable[str]) -> TestRuns:
        """Run the tests once without a fault, import what they imported of others, and run them in a fork.

        Raises:
            RuntimeError: a test fails without a fault.
        """
        kept = Path("watched.json").absolute()
        _require_success(_in_a_fork(_watch, module.absolute(), tuple(files), kept), module)
        facts = json.loads(kept.read_text(encoding="utf-8"))
        _import(facts["modules"])
        gc.collect()
        gc.freeze()  # what is there before a fork is no garbage after it
        tests_by_line = _quick(facts["tests"], facts["seconds"])
        ordered = _quickest_first(files, facts["seconds"])
        began, used = time.monotonic(), used_by_children()
        everything = frozenset[str]().union(*tests_by_line.values())
        _require_success(_in_a_fork(_run, list(ordered), everything, None), module)
        return cls(ordered, tests_by_line, used_by_children() - used, time.monotonic() - began)

    def find(self, tests: frozenset[str]) -> bool:
        """Whether one of these tests fails, or takes far longer than all of them did."""
        files = [name for name in self.files if any(test.startswith(f"{name}::") for test in tests)]
        cpu_seconds = math.ceil(max(LEAST_CPU_SECONDS, TIMES_LONGER * self.cpu_seconds))
        seconds = max(LEAST_SECONDS, TIMES_LONGER * self.seconds)
        return _in_a_fork(_run, files, tests, cpu_seconds, seconds=seconds) != 0

    def executing(self, source: str, line: int) -> frozenset[str]:
        """The tests that execute a part of the innermost function around a line; outside of one, all."""
        everything = frozenset[str]().union(*self.tests_by_line.values())
        around = [
            node
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body[0].lineno <= line <= (node.end_lineno or 0)
        ]
        if not around:
            return everything
        inner = max(around, key=lambda node: node.lineno)
        lines = range(inner.body[0].lineno, (inner.end_lineno or 0) + 1)
        return frozenset[str]().union(*(self.tests_by_line.get(number, set()) for number in lines))


def _require_success(code: int | None, module: Path) -> None:
    if code:
        raise RuntimeError(
            f"the tests of {module} ended with {code} without a fault:\n{_output().read_text()[-3000:]}"
        )


def _quick(tests_by_line: dict[str, list[str]], seconds: dict[str, float]) -> dict[int, set[str]]:
    quick = {test for test, spent in seconds.items() if spent < QUICK}
    return {int(line): quick.intersection(tests) for line, tests in tests_by_line.items()}


def _quickest_first(files: Iterable[str], seconds: dict[str, float]) -> tuple[str, ...]:
    spent: dict[str, float] = defaultdict(float)
    for test, test_seconds in seconds.items():
        spent[test.partition("::")[0]] += test_seconds
    return tuple(sorted(files, key=lambda name: spent[name]))


def used_by_children() -> float:
    """Seconds of a processor that the forks have used, and their own processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(module: Path, files: tuple[str, ...], kept: Path) -> int:
    sys.dont_write_bytecode = False  # without it, each run would compile all modules
    watch = _Watch(module)
    watch.coverage.start()
    code = int(pytest.main([*ARGUMENTS, *files], plugins=[watch]))
    watch.coverage.stop()
    contexts = watch.coverage.get_data().contexts_by_lineno(str(module))
    facts = {
        "modules": [name for name in sys.modules if name.partition(".")[0] not in RELOADED],
        "tests": {line: [name for name in names if name] for line, names in contexts.items()},
        "seconds": watch.seconds,
    }
    kept.write_text(json.dumps(facts), encoding="utf-8")
    return code


def _run(files: list[str], tests: frozenset[str], cpu_seconds: int | None) -> int:
    sys.dont_write_bytecode = True  # changes may come too fast for a file's time to tell them apart
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    if cpu_seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    return int(pytest.main([*ARGUMENTS, *files], plugins=[_Only(tests)]))


def _in_a_fork(function: object, *arguments: object, seconds: float | None = None) -> int | None:
    process = FORK.Process(target=_quietly, args=(function, arguments))
    process.start()
    _wait_for(process, seconds)
    code = process.exitcode
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.join()
    return code


def _wait_for(process: ForkProcess, seconds: float | None) -> None:
    """Until it ends, does nothing any more, or has taken too long."""
    if seconds is None:
        process.join()
        return
    used, idle_since, ends_at = -1, time.monotonic(), time.monotonic() + seconds
    while process.is_alive() and time.monotonic() < min(ends_at, idle_since + IDLE_SECONDS):
        process.join(1.0)
        if (now_used := _ticks_of(process.pid)) != used:
            used, idle_since = now_used, time.monotonic()


def _ticks_of(pid: int | None) -> int:
    """What a process has used of a processor; -1 where Linux does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return -1
    return int(fields[11]) + int(fields[12])


def _quietly(function: object, arguments: tuple[object, ...]) -> None:
    os.setsid()
    with _output().open("wb") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    code = 3
    with suppress(BaseException):
        assert callable(function)  # noqa: S101 - one of the two above
        code = function(*arguments)
    sys.stdout.flush()
    os._exit(code)  # threads that a fault left behind are not waited for


def _output() -> Path:
    return Path("mutant_output.txt").absolute()


def _import(modules: Iterable[str]) -> None:
    for name in modules:
        with suppress(Exception):  # a name that another module made up is imported with that one
            importlib.import_module(name)
