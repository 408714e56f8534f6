"""Changes of the configuration file that leave comments and everything else as they are.

A change is made by line, and written only where the file then reads as intended: what was written by hand in another
style is left to the hand that wrote it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from gong_tasks_async.config.config_file import read_config_file
from gong_tasks_async.config.errors import ConfigurationError
from gong_tasks_async.config.private_files import make_private_folder, write_private

Value: TypeAlias = str | int | float

PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_HEADER: Final = re.compile(r"\s*\[")


def set_values(path: Path, profile: str | None, values: Mapping[str, Value]) -> None:
    """Set keys of a profile, or of the file itself, and write the file for its owner alone.

    Raises:
        ConfigurationError: the result would have problems, or the file's style does not allow the change by line.
        OSError: the file cannot be written.
    """
    before = _text(path)
    after = before
    for key, value in values.items():
        after = with_value(after, profile, key, value)
    _check(path, before, after, profile, values)
    make_private_folder(path.parent)
    write_private(path, after)
    _read_back(path, before, profile)


def with_value(text: str, profile: str | None, key: str, value: Value) -> str:
    """The text with one key set, below its header; the header is added where it is missing."""
    line = f"{key} = {_toml(value)}"
    # Not splitlines, which knows more line ends than TOML does.
    lines = text.removesuffix("\n").split("\n") if text else []
    start, end = _section(lines, profile)
    if start is None:
        blank = [""] if lines and lines[-1].strip() else []
        return "\n".join((*lines, *blank, f"[profiles.{_key(profile or '')}]", line)) + "\n"
    for number in range(start, end):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[number]):
            return "\n".join((*lines[:number], line, *lines[number + 1 :])) + "\n"
    gap = [""] if profile is None and lines[start:] and lines[start].strip() else []
    return "\n".join((*lines[:start], line, *gap, *lines[start:])) + "\n"


def _section(lines: list[str], profile: str | None) -> tuple[int | None, int]:
    """The first and the last line of a section, without its header; None where there is none."""
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    if profile is None:
        return 0, headers[0] if headers else len(lines)
    spellings = {f"[profiles.{spelled}]" for spelled in (profile, _key(profile), json.dumps(profile))}
    for number in headers:
        if lines[number].partition("#")[0].strip() in spellings:
            following = [other for other in headers if other > number]
            return number + 1, following[0] if following else len(lines)
    return None, 0


def _key(name: str) -> str:
    return name if PLAIN_NAME.fullmatch(name) else json.dumps(name)


def _toml(value: Value) -> str:
    """A value as TOML writes it; its basic strings escape as JSON's do: https://toml.io/en/v1.0.0#string."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""


def _check(path: Path, before: str, after: str, profile: str | None, values: Mapping[str, Value]) -> None:
    """Refuse a text that does not read as the one before with these values.

    Raises:
        ConfigurationError: it does not.
    """
    try:
        intended: dict[str, Any] = tomllib.loads(before)
        table = intended if profile is None else intended.setdefault("profiles", {}).setdefault(profile, {})
        table.update(values)
        same = tomllib.loads(after) == intended
    except (ValueError, AttributeError, TypeError):
        same = False
    if not same:
        raise ConfigurationError(
            str(path), ("it is written in a style that is left to you: edit it by hand",)
        )


def _read_back(path: Path, before: str, profile: str | None) -> None:
    """Read what was written; put back what was there where it has problems.

    Raises:
        ConfigurationError: it has.
    """
    try:
        file = read_config_file(path)
        if profile is not None:
            file.named(profile)
    except ConfigurationError:
        write_private(path, before)
        raise
