"""Companies, each with its own simulated Gong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.company import Company, Found, companies


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Found]:
    with ExitStack() as stack:
        yield companies(tmp_path, stack)


@pytest.fixture
def company(found: Found) -> Company:
    return found()
