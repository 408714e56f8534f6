"""E-mail addresses and names, and when two of them are the same."""

from __future__ import annotations

import unicodedata


def address_key(address: str) -> str:
    """Return what is equal for two spellings of one address: letters' case, blanks around, composed accents.

    Not ``casefold``: it takes ``stra\u00dfe@`` for ``strasse@``, and those are two mailboxes.
    """
    return unicodedata.normalize("NFC", address.strip()).lower()


def name_key(name: str) -> str:
    """Return what is equal for two spellings of a name: those of an address, and blanks inside.

    So Strau\u00df and Strauss are two people.
    """
    return " ".join(address_key(name).split())
