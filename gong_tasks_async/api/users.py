"""List users, following cursors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing

from attrs import define, field

from gong_tasks_async.api import endpoints
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.errors import BadRequestError, DecodeError, TaskNotFoundError
from gong_tasks_async.errors.checks import refuse
from gong_tasks_async.http.responses import means_nothing_found
from gong_tasks_async.models import User, UsersAnswer
from gong_tasks_async.models.addresses import address_key
from gong_tasks_async.models.checks import ids_problem, not_text_problem

BARREN = 10
"""Pages in a row without a user that was not on the pages before; with ever new cursors they could cost a day's calls."""
RESTARTS = 3
"""How often a listing may restart; a cursor that never lasts until the next page would cost calls for ever."""


async def iter_users(caller: Caller) -> AsyncGenerator[User]:
    """The users of the company, each once."""
    async with aclosing(iter_pages(caller)) as pages:
        async for page in pages:
            for user in page:
                yield user


async def iter_pages(caller: Caller) -> AsyncGenerator[tuple[User, ...]]:
    """The users by pages, each user once, although pages may shift and cursors expire while one reads."""
    seen: set[str | User] = set()
    async with aclosing(_pages(caller)) as pages:
        async for page in pages:
            unseen: list[User] = []
            for user in page.users:
                who = user.id or user  # users without an id are not all the same one
                if who not in seen:
                    seen.add(who)
                    unseen.append(user)
            yield tuple(unseen)


async def find_users(caller: Caller, addresses: Iterable[str]) -> dict[str, User]:
    """Find the users with these e-mail addresses, by the address as it was given.

    An active user comes before an inactive one, an address of a user's own before an alias. Reads no further than the
    first page with an active user for each.

    Raises:
        InvalidValueError: an address is not text.
    """
    wanted: dict[str, list[str]] = {}
    refuse("find_users", [ids_problem(addresses, "addresses", example="['ana@acme.example']")])
    given = (addresses,) if isinstance(addresses, str) else tuple(addresses)
    refuse("find_users", map(not_text_problem, given))
    for address in given:
        wanted.setdefault(address_key(address), []).append(address)
    wanted.pop("", None)  # it would find users without an address
    best: dict[str, tuple[tuple[bool, bool], User]] = {}
    unsettled = set(wanted)
    if unsettled:
        async with aclosing(iter_users(caller)) as users:
            async for user in users:
                for key, rank in _ranked_addresses(user):
                    if key in unsettled and (key not in best or rank < best[key][0]):
                        best[key] = rank, user
                        if rank == BEST:
                            unsettled.discard(key)
                if not unsettled:
                    break
    return {spelling: user for key, (_, user) in best.items() for spelling in wanted[key]}


BEST = (False, False)


def _ranked_addresses(user: User) -> Iterator[tuple[str, tuple[bool, bool]]]:
    """Yield the keys of a user's addresses, each with its rank: inactive? an alias? The least is the best."""
    inactive = user.active is False
    if user.email_address:
        yield address_key(user.email_address), (inactive, False)
    for address in user.other_addresses:
        yield address_key(address), (inactive, True)


async def _pages(caller: Caller) -> AsyncGenerator[UsersAnswer]:
    """Page after page, from the first again where a cursor has expired on the way."""
    cursor: str | None = None
    walk = _Walk()
    restarts = 0
    while True:
        try:
            page = await _page(caller, cursor, walk)
        except (BadRequestError, TaskNotFoundError):
            # Gong documents no response to a cursor that has expired; without one, the request itself is wrong.
            restarts += 1
            if cursor is None or restarts > RESTARTS:
                raise
            cursor, walk = None, _Walk()
            continue
        yield page
        cursor = page.records.cursor if page.records else None
        if not cursor:
            return


async def _page(caller: Caller, cursor: str | None, walk: _Walk) -> UsersAnswer:
    request = endpoints.list_users(cursor)
    try:
        response = await caller.call(request)
    except TaskNotFoundError as error:
        if means_nothing_found(error):
            return UsersAnswer()
        raise
    try:
        return walk.leading_on(endpoints.read_users(response, caller.on_unreadable))
    except DecodeError as error:
        raise caller.about(request, error, response.attempts)  # noqa: B904 - the same error, completed


@define
class _Walk:
    """One walk over the pages, from the first on, and what shows that it would never end."""

    _followed: set[str] = field(factory=set[str], init=False)
    _met: set[str | User] = field(factory=set[str | User], init=False)
    _barren: int = field(default=0, init=False)

    def leading_on(self, page: UsersAnswer) -> UsersAnswer:
        """Refuse a page that leads back to one that was read, or on and on without another user.

        Raises:
            DecodeError: it does.
        """
        users: set[str | User] = {user.id or user for user in page.users}
        self._barren = 0 if users - self._met else self._barren + 1
        self._met |= users
        cursor = page.records.cursor if page.records else None
        if not cursor:
            return page
        found = None
        if cursor in self._followed:
            found = "the cursor of an earlier page, which would never end"
        elif self._barren >= BARREN:
            found = f"the cursor of a page after {BARREN} without another user, which may never end"
        if found is not None:
            raise DecodeError(
                path="$.records.cursor", expected="a new cursor", found=found, request_id=page.request_id
            )
        self._followed.add(cursor)
        return page
