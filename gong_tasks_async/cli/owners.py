"""Names of owners, where a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from gong_tasks_async.errors import GongError
from gong_tasks_async.models import User

if TYPE_CHECKING:
    from gong_tasks_async.client import GongTasksClient

LOOKED_UP: Final = 3
"""Users that were named by id are looked up one by one, a call for each; more of them stay ids."""


async def with_names(client: GongTasksClient, owners: Mapping[str, User | None]) -> dict[str, User | None]:
    """The same users, those without a name looked up while they are few; a name is worth no error."""
    known = dict(owners)
    unnamed = [user_id for user_id, user in known.items() if user is None]
    if len(unnamed) <= LOOKED_UP:
        for user_id in unnamed:
            with suppress(GongError):
                known[user_id] = await client.get_user(user_id)
    return known
