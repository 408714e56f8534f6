"""How long a response asks to wait: its Retry-After header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MAX_RETRY_AFTER: Final = 86_400.0
"""Seconds; no limit of Gong's lasts longer than a day, and a longer Retry-After must not close the gate for a week."""

SECONDS: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,18})?")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, from a number or an HTTP-date, a day at the most; None where it is missing or nonsense.

    Gong documents whole seconds; a proxy may send what https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    allows. A date is held against the response's own Date, so that a wrong clock here does no harm.

    >>> retry_after({"retry-after": "7"}, datetime.now(UTC))
    7.0
    """
    value = headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(value):
        return min(float(value), MAX_RETRY_AFTER)
    moment = _http_date(value)
    if moment is None:
        return None
    seconds = (moment - (_http_date(headers.get("date", "")) or now)).total_seconds()
    return min(max(0.0, seconds), MAX_RETRY_AFTER)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text[:100])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
