"""Writes JSON in any legal spelling: keys in any order, spaces anywhere, letters escaped or not."""

from __future__ import annotations

import json
from random import Random
from typing import Any

SPACES = ("", "", "", " ", "\n", "\t \r\n  ")


def spelled_text(text: str, random: Random) -> str:
    """A JSON text, some of its characters escaped."""
    units = [
        spelled if random.random() < 0.8 else "".join(f"\\u{unit:04x}" for unit in utf16(letter))
        for letter in text
        for spelled in (json.dumps(letter, ensure_ascii=False)[1:-1],)
    ]
    return '"' + "".join(units) + '"'


def utf16(letter: str) -> list[int]:
    coded = letter.encode("utf-16-be")
    return [int.from_bytes(coded[at : at + 2]) for at in range(0, len(coded), 2)]


def spelled(value: Any, random: Random) -> str:
    """A JSON value with its keys in any order, and spaces anywhere."""
    before, after = random.choice(SPACES), random.choice(SPACES)
    if isinstance(value, str):
        inner = spelled_text(value, random)
    elif isinstance(value, dict):
        parts = [
            f"{random.choice(SPACES)}{spelled_text(key, random)}{random.choice(SPACES)}:{spelled(part, random)}"
            for key, part in random.sample(list(value.items()), len(value))
        ]
        inner = "{" + (",".join(parts) or random.choice(SPACES)) + "}"
    elif isinstance(value, list):
        inner = "[" + (",".join(spelled(part, random) for part in value) or random.choice(SPACES)) + "]"
    else:
        inner = json.dumps(value)
    return before + inner + after
