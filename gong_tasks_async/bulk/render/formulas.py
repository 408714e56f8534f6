"""Cells of CSV files that no spreadsheet runs as a formula, whichever separator it takes for the file's.

Most of Europe's spreadsheets separate at a semicolon, others at a tab or a bar; and some read the full-width signs of
East Asian keyboards as the plain ones. See https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import re
from typing import Final

SIGNS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_STARTS: Final = re.compile(rf"(?:^|(?<=[;|\t\r\n]))(?=[{SIGNS}])")
_SEPARATORS_FIRST: Final = ("\t", "\r", "\n")
_PLAIN_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_PART: Final = re.compile(r"[^;|\t\r\n]*")


def escape_formula(text: str | None) -> str:
    """The text of a CSV cell, with an apostrophe before each part that a spreadsheet would run as a formula."""
    if not text:
        return ""
    if text.startswith(_SEPARATORS_FIRST):
        text = f"'{text}"
    return _STARTS.sub(lambda found: "" if _is_number(text, found.start()) else "'", text)


def _is_number(text: str, start: int) -> bool:
    part = _PART.match(text, start)
    return part is not None and _PLAIN_NUMBER.fullmatch(part[0]) is not None
