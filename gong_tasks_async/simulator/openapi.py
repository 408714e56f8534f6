"""The document that the simulator's answers are held against."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def openapi_document() -> dict[str, Any]:
    """Read the OpenAPI document of the simulated calls."""
    text = files("gong_tasks_async.simulator").joinpath("openapi.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
