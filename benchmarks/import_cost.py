"""CPU time of an import in a fresh interpreter, its start not counted, over `import aiohttp`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.measure import Comparison, Cost, Scale, compare
from benchmarks.stub_server import PROJECT

IMPORTS = {
    "aiohttp": "import aiohttp",
    "gong_tasks_async": "import gong_tasks_async",
    "gong_tasks_async.models": "import gong_tasks_async.models",
    "GongTasksClient": "from gong_tasks_async import GongTasksClient",
}
PROGRAM = "import time; started = time.process_time(); {}; print(time.process_time() - started)"


def measure(scale: Scale) -> Iterator[Comparison]:
    """Each import; the round that is not counted leaves the byte code behind."""
    contenders = {name: _cost(line) for name, line in IMPORTS.items()}
    yield compare("import", contenders, "aiohttp", scale.pick(5, 21), scale.seed)


def _cost(line: str) -> Cost:
    command = [sys.executable, "-c", PROGRAM.format(line)]

    def cost() -> float:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S603 - this file
        return float(done.stdout)

    return cost
