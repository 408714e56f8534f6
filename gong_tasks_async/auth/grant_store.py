"""Where the grants of a refresh token are kept, since each use of it brings another one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Protocol

from gong_tasks_async.auth.patience import NoResultError, call_within
from gong_tasks_async.auth.token_endpoint import OAuthGrant
from gong_tasks_async.errors import CredentialsError

SAVE_TIMEOUT = 30.0
"""Seconds that a user's ``save`` may take."""

Save = Callable[[OAuthGrant], Awaitable[None] | None]


__all__ = ["GrantStore"]


class GrantStore(Protocol):
    """A place of grants that several processes share."""

    def refreshing(self) -> AbstractAsyncContextManager[OAuthGrant | None]:
        """Keep every other process from refreshing, and give what was saved last; None where that is not known.

        Raises:
            CredentialsError: another process does not end its refresh, or what was saved cannot be read.
        """
        ...

    async def prepare(self) -> None:
        """Make sure that a new grant can be saved, before the old refresh token is spent.

        Raises:
            CredentialsError: it cannot.
        """

    async def load(self) -> OAuthGrant | None:
        """Read again what was saved last."""
        ...

    async def save(self, grant: OAuthGrant) -> None:
        """Save a grant in the place of the one before.

        Args:
            grant: the tokens to keep.

        Raises:
            CredentialsError: it cannot be saved.
        """


class FunctionStore:
    """A ``save`` function of the user's, which alone knows where grants are kept."""

    def __init__(self, save: Save) -> None:
        self._save = save

    @asynccontextmanager
    async def refreshing(self) -> AsyncGenerator[None]:
        """Lock nothing: one refresh token belongs to one process."""
        yield None

    async def prepare(self) -> None:
        """Trust the function."""

    async def load(self) -> None:
        """Know of nothing but what this process got."""

    async def save(self, grant: OAuthGrant) -> None:
        """Call the function."""
        try:
            await call_within(partial(self._save, grant), SAVE_TIMEOUT)
        except NoResultError as problem:
            raise _not_saved(str(problem)) from None
        except Exception as error:
            raise _not_saved(f"raised {type(error).__name__}") from error


def _not_saved(problem: str) -> CredentialsError:
    return CredentialsError(
        reason=f"your `save` {problem}, so the new tokens are not used yet",
        advice="Fix it and call again: `save` gets them again.",
        unsaved=True,
    )
