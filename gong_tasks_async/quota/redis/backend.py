"""What the shared quota wants of a server. Only ``server.py`` knows that it is Redis."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Subscription(Protocol):
    """What can be heard."""

    async def heard(self, seconds: float) -> str | None:
        """The next message, or "" for another sign of life; None when nothing came for so long."""

    async def ping(self) -> None:
        """Ask for a sign of life."""


class Backend(Protocol):
    """Runs the script, and passes on news."""

    place: str
    """Where it is, fit to be shown."""

    async def run(self, asked: str) -> list[object]:
        """Take one step of the script.

        Raises:
            QuotaUnavailable: no answer came, or it was an error.
        """

    def news(self) -> AbstractAsyncContextManager[Subscription]:
        """Listen to what other processes tell.

        Raises:
            QuotaUnavailable: it cannot be listened to, or no longer.
        """

    async def close(self) -> None:
        """Close what was opened here."""
