"""Text from outside as it is drawn: whatever a terminal would obey becomes visible, and nothing is read as markup.

Every listing, bar, prompt, message and log line passes through here: names, titles and Gong's messages hold what others typed
into a CRM, and an escape sequence among them could retitle the window, write to the clipboard or hide what is on screen.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

KEPT: Final = frozenset("\n\t\u200c\u200d")
"""Line breaks and tabs of our own messages; joiners, without which Persian and emoji families fall apart."""

LAST_OF_BMP: Final = 0xFFFF
_SPACES: Final = re.compile(r"\s+")


def visible(text: str) -> str:
    """The text with each control, C1, bidi and other invisible character as its escape, such as U+202E."""
    if text.isprintable():
        return text
    return "".join(sign if _is_harmless(sign) else _escape(sign) for sign in text)


def visible_line(text: str) -> str:
    """The same in one line: line breaks, tabs and runs of blanks are one blank."""
    return visible(_SPACES.sub(" ", text).strip())


def visible_json(text: str) -> str:
    """JSON with the same characters escaped as JSON does, which loses nothing; they stand in its strings alone."""
    if text.isprintable():
        return text
    return "".join(sign if _is_harmless(sign) else _escape_json(sign) for sign in text)


def _is_harmless(sign: str) -> bool:
    return sign.isprintable() or sign in KEPT or unicodedata.category(sign) == "Zs"


def _escape(sign: str) -> str:
    code = ord(sign)
    return f"\\u{code:04x}" if code <= LAST_OF_BMP else f"\\U{code:08x}"


def _escape_json(sign: str) -> str:
    """See https://www.rfc-editor.org/rfc/rfc8259#section-7 : two escapes for what is beyond U+FFFF."""
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
