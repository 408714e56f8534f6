"""Decode a file's bytes."""

from __future__ import annotations

import codecs
from typing import Final

MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; https://www.unicode.org/faq/utf_bom.html#BOM"""

SIGNATURES: Final = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as .xlsx or 'CSV UTF-8' first"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first, as in `gunzip -c FILE | gong-tasks bulk run -`"),
    (
        b"SQLite format 3\x00",
        "a database, maybe a job's journal: `gong-tasks bulk resume NAME` resumes one",
    ),
)
"""How files begin that are not text tables."""


def decoded(data: bytes, encoding: str | None = None) -> str:
    """The text of a file: UTF-8, or by its byte order mark; ``encoding`` is for all others.

    Raises:
        ValueError: the bytes are not text in that encoding.
    """
    for signature, reason in SIGNATURES:
        if data.startswith(signature):
            raise ValueError(f"it is {reason}")
    return _without_nul(_decode(data, encoding or _marked(data) or "utf-8").removeprefix("\ufeff"))


def _marked(data: bytes) -> str | None:
    return next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"line {line} is not {error.encoding} text (byte 0x{data[error.start]:02x}): save the file as "
            "'CSV UTF-8', or name its encoding, such as --encoding cp1252"
        ) from None
    except LookupError:
        raise ValueError(
            f"the encoding {encoding!r} is not known: take one such as utf-8, utf-16 or cp1252"
        ) from None


def _without_nul(text: str) -> str:
    if "\0" not in text:
        return text
    line = text.count("\n", 0, text.index("\0")) + 1
    raise ValueError(
        f"line {line} has NUL characters: it is a binary file, or UTF-16 without its mark "
        "(then add --encoding utf-16-le)"
    )
