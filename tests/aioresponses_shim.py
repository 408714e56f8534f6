"""aioresponses on aiohttp >= 3.14, whose responses want a ``stream_writer`` that aioresponses 0.7.9 does not give.

May go once a release of aioresponses runs with aiohttp 3.14: https://github.com/pnuckowski/aioresponses/issues
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses, core


class PatientResponse(aiohttp.ClientResponse):
    """A response that also does without a ``stream_writer``: nothing was ever written."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        if "stream_writer" in inspect.signature(aiohttp.ClientResponse.__init__).parameters:
            settings.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*arguments, **settings)


@pytest.fixture
def mocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[aioresponses]:
    """Answers in the place of aiohttp's sessions."""
    monkeypatch.setattr(core, "ClientResponse", PatientResponse)
    with aioresponses() as answers:
        yield answers
