"""What all events have."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import field, frozen


def _now() -> datetime:
    return datetime.now(UTC)


@frozen(kw_only=True)
class Event:
    """Something that happened, and when (UTC).

    Attributes:
        at: when it happened (UTC).
    """

    at: datetime = field(factory=_now)
