"""E-mail addresses, and when two of them are the same."""

from __future__ import annotations

import unicodedata


def address_key(address: str) -> str:
    """Return what is equal for two spellings of one address: letters' case, blanks around, composed accents.

    Not ``casefold``: it takes ``stra\u00dfe@`` for ``strasse@``, and those are two mailboxes.
    """
    return unicodedata.normalize("NFC", address.strip()).lower()
