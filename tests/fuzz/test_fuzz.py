"""Foreign and damaged data, some of it each time, with a fixed seed; `nox -s fuzz` takes longer and another one."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest

from tests.fuzz.run import examine
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the bound on time needs SIGALRM")
MOST_MEMORY = 200
"""MiB that a target may add."""


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_data_is_read_or_refused_with_a_documented_error(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(target.examples):
        examine(target, 0, number, tmp_path)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MOST_MEMORY
