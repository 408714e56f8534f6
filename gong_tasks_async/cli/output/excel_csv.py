"""CSV as spreadsheets open it with a double click: Excel asks nothing, and takes its own defaults for granted."""

from __future__ import annotations

import locale
import os
import sys
from typing import Final

from gong_tasks_async.cli.local_time import local_time
from gong_tasks_async.models.date_times import parse_date_time

BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it Excel takes UTF-8 for the machine's code page, and spells M\u00fcller M\u00c3\u00bcller."""

_COMMA: Final = frozenset(
    [
        "bg",
        "cs",
        "da",
        "de",
        "el",
        "es",
        "et",
        "fi",
        "fr",
        "hr",
        "hu",
        "id",
        "it",
        "lt",
        "lv",
        "nb",
        "nl",
        "nn",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sr",
        "sv",
        "tr",
        "uk",
        "vi",
    ]
)
"""Languages that write a decimal comma: https://cldr.unicode.org"""
SHOWN_DIGITS: Final = 11
"""Excel shows longer numbers as 5.67E+18, and keeps 15 digits of them:
https://support.microsoft.com/office/excel-specifications-and-limits."""


def excel_cell(text: str, *, is_date: bool) -> str:
    """A cell whose date sorts, by this machine's clock, and whose id keeps all its digits."""
    if is_date and (moment := parse_date_time(text)):
        return local_time(moment)
    if text.isdecimal() and len(text) > SHOWN_DIGITS:
        return f"\t{text}"  # makes it text; blanks around an id are not read
    return text


def list_separator() -> str:
    """What Excel takes for the separator on this machine: a semicolon where numbers have a decimal comma."""
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - Windows only

        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, r"Control Panel\International") as key:
            return str(winreg.QueryValueEx(key, "sList")[0])  # the very value that Excel reads
    return ";" if _decimal_sign() == "," else ","


def _decimal_sign() -> str:
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        locale.setlocale(locale.LC_NUMERIC, "")
        return str(locale.localeconv()["decimal_point"])
    except locale.Error:  # a language that is not installed, as in most containers
        name = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_NUMERIC", "LANG"))), "")
        return "," if name[:2] in _COMMA else "."
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)
