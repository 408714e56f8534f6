"""Keep credentials out of what is shown: log lines, errors, tracebacks."""

from __future__ import annotations

import re
from collections.abc import Iterable

REMEMBERED = 8
"""Secrets that are masked: those in use, and those before them, which a response in flight may still repeat."""

SHORT = 8
"""Letters below which a secret is masked only as a word: a part of each id would look like one of three letters."""

NOTHING = "(?!)"
"""A pattern that is found nowhere; an empty one would be everywhere."""


class Mask:
    """Masks secrets in texts that are to be shown, in any spelling of JSON or of a URL."""

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()
        self._pattern = re.compile(NOTHING)

    def add(self, secrets: Iterable[str]) -> None:
        """Mask these too; those of before stay masked for a while."""
        fresh = [secret for secret in secrets if secret and secret not in self._known]
        self._known = (*fresh, *self._known)[:REMEMBERED]
        # The longest first: one may be a part of another.
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_in_any_spelling, longest_first)) or NOTHING)

    def conceal(self, text: str) -> str:
        """The text with ``***`` for each secret."""
        return self._pattern.sub("***", text)

    def __repr__(self) -> str:
        return "Mask(...)"


def _in_any_spelling(secret: str) -> str:
    """A pattern for a text, also where JSON or a URL has escaped it, or some letters of it."""
    pattern = "".join(
        rf"(?:\\?{re.escape(letter)}|(?i:\\u{ord(letter):04x}|%{ord(letter):02x}))" for letter in secret
    )
    return pattern if len(secret) >= SHORT else rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"
