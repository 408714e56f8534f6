from __future__ import annotations

from typing import Any

import pytest

from gong_tasks_async.simulator import CursorFlaw, Engine
from tests.simulator.simulator_calls import get_users, small

Page = dict[str, Any]


def walk(engine: Engine, limit: int = 100) -> list[Page]:
    """Read page after page, as long as a cursor comes back."""
    pages = [get_users(engine).json()]
    while (cursor := pages[-1]["records"].get("cursor")) is not None and len(pages) < limit:
        pages.append(get_users(engine, cursor=cursor).json())
    return pages


def cursors(pages: list[Page]) -> list[str | None]:
    return [page["records"].get("cursor") for page in pages]


def test_two_walks_meet_everybody_and_share_no_cursor() -> None:
    engine = small(users=7, page_size=3)
    walks = [walk(engine), walk(engine)]
    for pages in walks:
        assert [user for page in pages for user in page["users"]] == engine.people
    seen = [cursor for pages in walks for cursor in cursors(pages) if cursor is not None]
    assert len(seen) == len(set(seen)) == 4


def test_users_have_what_a_lookup_needs() -> None:
    first, *others = get_users(small(users=20)).json()["users"]
    assert first["managerId"] is None
    assert {user["managerId"] for user in others} == {first["id"]}
    assert all(user["emailAddress"].endswith("@example.com") for user in others)


def test_some_are_inactive_by_chance_or_as_many_as_said() -> None:
    assert {user["active"] for user in small(users=100, tasks_per_user=0).people} == {True, False}
    chosen = small(users=4, inactive_users=3)
    assert [user["active"] for user in chosen.people] == [True, False, False, False]
    assert all(user["active"] for user in small(users=100, tasks_per_user=0, inactive_users=0).people)


def test_people_may_be_changed_while_it_runs() -> None:
    engine = small(users=2)
    engine.people[1]["active"] = False
    assert [user["active"] for user in get_users(engine).json()["users"]][1] is False


@pytest.mark.parametrize("status", [400, 404])
def test_cursors_expire_all_at_once(status: int) -> None:
    engine = small(users=5, page_size=2, expired_cursor_status=status)
    cursor = cursors([get_users(engine).json()])[0]
    assert get_users(engine, cursor=cursor).status == 200
    engine.expire_cursors()
    response = get_users(engine, cursor=cursor)
    assert (response.status, response.json()["errors"]) == (status, ["Cursor has expired"])
    assert len(walk(engine)) == 3


def test_a_cursor_lives_as_long_as_said_after_its_walk_s_last_page() -> None:
    engine = small(users=9, page_size=2, cursor_lifetime=10.0)
    first = get_users(engine, 0.0).json()["records"]["cursor"]
    second = get_users(engine, 9.9, first).json()["records"]["cursor"]
    assert get_users(engine, 19.8, second).status == 200
    assert get_users(engine, 29.8, second).status == 400


def test_a_cursor_of_an_engine_that_was_restarted_has_expired() -> None:
    cursor = cursors([get_users(small(users=5, page_size=2)).json()])[0]
    assert get_users(small(users=5, page_size=2), cursor=cursor).json()["errors"] == ["Cursor has expired"]


def test_a_cursor_that_repeats() -> None:
    engine = small(users=9, page_size=2, cursor_flaw="repeats")
    pages = walk(engine, limit=5)
    assert len(set(cursors(pages))) == 1
    assert pages[1] | {"requestId": ""} == pages[4] | {"requestId": ""}


def test_cursors_that_go_round() -> None:
    engine = small(users=6, page_size=2, cursor_flaw=CursorFlaw.CYCLES)
    one, two, three, four = cursors(walk(engine, limit=4))
    assert one == three != two == four
    assert None not in (one, two)


@pytest.mark.parametrize("flaw", list(CursorFlaw))
def test_one_page_has_no_cursor_whatever_the_flaw(flaw: CursorFlaw) -> None:
    assert cursors(walk(small(users=2, page_size=2, cursor_flaw=flaw))) == [None]
