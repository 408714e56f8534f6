"""Names of owners, where a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final

from gong_tasks_async.errors import GongError
from gong_tasks_async.models import User

if TYPE_CHECKING:
    from gong_tasks_async.client import GongTasksClient

LOOKED_UP: Final = 3
"""Users that were named by id are looked up one by one, a call for each; more of them stay ids."""

USERS_A_PAGE: Final = 100
OWNERS_A_PAGE: Final = 10
"""Owners whose tasks were listed, a call for each, for which one more call for a page of users is little."""


async def with_names(client: GongTasksClient, owners: Mapping[str, User | None]) -> dict[str, User | None]:
    """The same users, those without a name looked up while they are few; a name is worth no error."""
    known = dict(owners)
    unnamed = [user_id for user_id, user in known.items() if user is None]
    if len(unnamed) <= LOOKED_UP:
        for user_id in unnamed:
            with suppress(GongError):
                known[user_id] = await client.get_user(user_id)
    return known


def price_of_names(owners: int) -> int:
    """The most calls that :func:`with_all_names` makes."""
    return owners if owners <= LOOKED_UP else max(1, owners // OWNERS_A_PAGE)


async def with_all_names(
    client: GongTasksClient, owners: Mapping[str, User | None]
) -> dict[str, User | None]:
    """The same users, with names: a call for each of a few, else a page of users for every ten of them, and no more."""
    known = dict(owners)
    unnamed = {user_id for user_id, user in known.items() if user is None}
    if len(unnamed) <= LOOKED_UP:
        return await with_names(client, owners)
    users_left = USERS_A_PAGE * price_of_names(len(unnamed))
    with suppress(GongError):
        async with aclosing(client.iter_users()) as users:
            async for user in users:
                if user.id in unnamed:
                    known[user.id] = user
                    unnamed.discard(user.id)
                users_left -= 1
                if not (unnamed and users_left):
                    break
    return known
