"""Whether a client may be used now: after it was opened, before its close, in the loop that opened it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gong_tasks_async.api.overdue import Overdue
from gong_tasks_async.auth.renewal import CredentialSource, Refresher
from gong_tasks_async.errors import ClientStateError
from gong_tasks_async.http.retry import Streak
from gong_tasks_async.http.transport import Transport


class Connection:
    """A transport that is open in one event loop at a time; a closed one may be opened again."""

    def __init__(
        self,
        open_transport: Callable[[], Transport],
        source: CredentialSource | None,
        *,
        follows_grant: bool,
    ) -> None:
        self._open_transport = open_transport
        self._source = source
        self._follows_grant = follows_grant
        self.renewal: Refresher | None = None
        self.overdue = Overdue()
        self.streak = Streak()
        self._transport: Transport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @property
    def base_url(self) -> str | None:
        """Where the open transport sends; None where it is not open."""
        return None if self._transport is None else self._transport.base_url

    @property
    def transport(self) -> Transport:
        """The open transport.

        Raises:
            ClientStateError: not opened yet, closed, or opened in another event loop.
        """
        if self._closed:
            raise ClientStateError(reason="This client is closed: open it again with `await gong.open()`.")
        if self._transport is None:
            raise ClientStateError(
                reason="This client is not open yet: write `async with GongTasksClient(...) as gong:`, or `await gong.open()`."
            )
        if self._loop is not asyncio.get_running_loop():
            raise ClientStateError(
                reason="This client was opened in another event loop: make one client in each loop."
            )
        return self._transport

    def open(self) -> None:
        """Open the transport in the running loop.

        Raises:
            ClientStateError: it is open already.
        """
        if self._transport is not None:
            raise ClientStateError(
                reason="This client is open already: enter `async with` once, and share it."
            )
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._transport = self._open_transport()
        self.overdue, self.streak = Overdue(), Streak()  # their times are the loop's
        if self._source is not None:
            self.renewal = Refresher(self._source, self._transport, follows_grant=self._follows_grant)

    async def close(self) -> None:
        """Close the transport; a second time does nothing."""
        transport, self._transport, self._closed = self._transport, None, True
        try:
            if self.renewal is not None:
                await self.renewal.finish()
        finally:
            if transport is not None:
                await transport.close()
