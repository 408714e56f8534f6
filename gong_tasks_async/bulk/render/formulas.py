"""Cells of CSV files that no spreadsheet runs as a formula, whichever separator it takes for the file's.

Most of Europe's spreadsheets separate at a semicolon, others at a tab or a bar; and some read the full-width signs of
East Asian keyboards as the plain ones. See https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

SIGNS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_SEPARATORS_FIRST: Final = ("\t", "\r", "\n")
_PLAIN_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def escape_formula(text: str | None, separator: str = ",") -> str:
    """The text of a CSV cell, with an apostrophe before each part that a spreadsheet would run as a formula.

    Args:
        text: the cell, before it is quoted.
        separator: the file's own, at which its quotes keep a cell together.
    """
    if not text:
        return ""
    if text.startswith(_SEPARATORS_FIRST):
        text = f"'{text}"
    starts, part = _patterns(separator)
    return starts.sub(lambda found: "" if _is_number(text, part, found.start()) else "'", text)


@cache
def _patterns(separator: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Where a formula may start, and the part up to the next separator.

    Quotes behind a separator of another program's are doubled in the file, which that program reads as an empty quoted
    text and drops: the formula then stands first.
    """
    others = r";|\t\r\n" if separator == "," else r",;|\t\r\n"
    return (
        re.compile(rf'^(?=[{SIGNS}])|(?<=[{others}])(?="*[{SIGNS}])'),
        re.compile(f"[^{others}]*"),
    )


def _is_number(text: str, part: re.Pattern[str], start: int) -> bool:
    found = part.match(text, start)
    return found is not None and _PLAIN_NUMBER.fullmatch(found[0]) is not None
