"""Who works at the company: its users, page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from gong_tasks_async.api import endpoints
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.errors import BadRequestError, DecodeError, TaskNotFoundError
from gong_tasks_async.models import User, UsersAnswer

RESTARTS = 3
"""How often a listing may begin anew; a cursor that never lasts until the next page would cost calls for ever."""


async def iter_users(caller: Caller) -> AsyncGenerator[User]:
    """The users of the company, each once, although pages may shift and cursors expire while one reads."""
    seen: set[str | User] = set()
    async with aclosing(_pages(caller)) as pages:
        async for page in pages:
            for user in page.users:
                who = user.id or user  # those whom Gong sends without an id are not all the same person
                if who not in seen:
                    seen.add(who)
                    yield user


async def find_users(caller: Caller, addresses: Iterable[str]) -> dict[str, User]:
    """The users with these e-mail addresses, by the address as it was given; reads no further than it has to."""
    wanted: dict[str, list[str]] = {}
    for address in (addresses,) if isinstance(addresses, str) else addresses:
        wanted.setdefault(_folded(address), []).append(address)
    wanted.pop("", None)  # it would find whoever has no address
    found: dict[str, User] = {}
    if not wanted:
        return found
    async with aclosing(iter_users(caller)) as users:
        async for user in users:
            spellings = wanted.pop(_folded(user.email_address or ""), ())
            found.update(dict.fromkeys(spellings, user))
            if not wanted:
                break
    return found


def _folded(address: str) -> str:
    return address.strip().casefold()


async def _pages(caller: Caller) -> AsyncGenerator[UsersAnswer]:
    """Page after page, from the first again where a cursor has expired on the way."""
    cursor: str | None = None
    followed: set[str] = set()
    restarts = 0
    while True:
        try:
            page = await _page(caller, cursor, followed)
        except (BadRequestError, TaskNotFoundError):
            # Gong documents no answer for a cursor that has expired; without one, the request itself is wrong.
            restarts += 1
            if cursor is None or restarts > RESTARTS:
                raise
            cursor, followed = None, set()
            continue
        yield page
        cursor = page.records.cursor if page.records else None
        if not cursor:
            return
        followed.add(cursor)


async def _page(caller: Caller, cursor: str | None, followed: set[str]) -> UsersAnswer:
    request = endpoints.list_users(cursor)
    response = await caller.call(request)
    try:
        return _leading_on(endpoints.read_users(response, caller.on_unreadable), followed)
    except DecodeError as error:
        raise caller.about(request, error, response.attempts)  # noqa: B904 - the same error, completed


def _leading_on(page: UsersAnswer, followed: set[str]) -> UsersAnswer:
    """Refuse a page that leads back to one that was read, since that would have no end."""
    if page.records and page.records.cursor in followed:
        found = "the cursor of an earlier page, which would never end"
        raise DecodeError(
            path="$.records.cursor", expected="a new cursor", found=found, request_id=page.request_id
        )
    return page
