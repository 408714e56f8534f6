"""Single users and workspaces, against the simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gong_tasks_async import (
    AccessKey,
    Event,
    FieldUnreadable,
    GongTasksClient,
    InvalidValueError,
    QuotaLimits,
    Task,
    TaskFilter,
)
from gong_tasks_async.errors import MissingScopeError, TaskNotFoundError
from gong_tasks_async.simulator import Engine, SecondLimit, Simulator
from tests.fakes import ScriptedClient, ScriptedTransport, answer


@pytest.fixture
def engine() -> Engine:
    return Engine(users=2, tasks_per_user=4, second_limit=SecondLimit.NONE)


def client(gong: Simulator) -> GongTasksClient:
    key = AccessKey(gong.access_key, gong.access_key_secret)
    return GongTasksClient(key, base_url=gong.base_url, limits=QuotaLimits(per_second=1000))


async def test_one_user_is_the_one_of_the_listing(engine: Engine) -> None:
    async with Simulator(engine) as gong, client(gong) as calls:
        listed = [user async for user in calls.iter_users()]
        assert await calls.get_user(listed[1].id) == listed[1]


@pytest.mark.parametrize("user_id", ["a/../b", "x?y", "ä", "", "ana@example.com", 7, None])
async def test_what_is_no_user_s_id_is_never_sent(user_id: Any, engine: Engine) -> None:
    async with Simulator(engine) as gong, client(gong) as calls:
        with pytest.raises(InvalidValueError, match="user_id"):
            await calls.get_user(user_id)
    assert not engine.ledger.entries


async def test_a_user_that_is_not_there(engine: Engine) -> None:
    async with Simulator(engine) as gong, client(gong) as calls:
        with pytest.raises(TaskNotFoundError):
            await calls.get_user("7")
    assert engine.ledger.entries[-1].path.startswith("/v2/users/")


@pytest.mark.parametrize("addresses", [[None], [7], [b"a@example.com"], ["a@example.com", None]])
async def test_an_address_that_is_not_text_is_refused_before_a_call(addresses: Any, engine: Engine) -> None:
    async with Simulator(engine) as gong, client(gong) as calls:
        with pytest.raises(InvalidValueError, match="find_users refused: an address must be text"):
            await calls.find_users(addresses)
    assert not engine.ledger.entries


@pytest.mark.parametrize("as_filter", [False, True])
async def test_a_single_id_lists_one_user(as_filter: bool, engine: Engine) -> None:
    [user, _] = engine.user_ids
    async with Simulator(engine) as gong, client(gong) as calls:
        listed = [found async for found in calls.list_many(TaskFilter(user) if as_filter else user)]
    assert [found.filter.user_id for found in listed] == [user]
    assert len(engine.ledger.entries) == 1


@pytest.mark.parametrize("rows", [[None], {"taskId": 7}, "rows.csv", [Task(id=7, user_id="1")]])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("journal", [False, True])
async def test_what_is_no_update_is_refused_before_a_call(
    rows: Any, streamed: bool, journal: bool, engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "job.gong" if journal else None
    async with Simulator(engine) as gong, client(gong) as calls:
        with pytest.raises(InvalidValueError, match="it must be a TaskUpdate, not "):
            await calls.update_many((row for row in rows) if streamed else rows, journal=path)
    assert not engine.ledger.entries
    assert path is None or not path.exists()


async def test_a_workspace_s_id_filters_tasks(engine: Engine) -> None:
    async with Simulator(engine) as gong, client(gong) as calls:
        workspaces = await calls.list_workspaces()
        assert [workspace.id for workspace in workspaces] == list(engine.workspace_ids)
        assert all(workspace.name for workspace in workspaces)
        assert await calls.list_tasks(TaskFilter(engine.user_ids[0], workspaces[0].id)) is not None


@pytest.mark.parametrize(
    ("words", "is_empty"),
    [("No records found corresponding to the provided filters", True), ("No such call", False)],
)
async def test_a_404_that_finds_nothing_is_an_empty_listing(words: str, is_empty: bool) -> None:
    client = ScriptedClient(AccessKey("k", "s"))
    client.transport = ScriptedTransport(answer(404, {"requestId": "r1", "errors": [words]}))
    async with client as gong:
        for listing in (gong.list_workspaces(), gong.find_users(["ana@acme.example"])):
            if is_empty:
                assert not await listing
            else:
                with pytest.raises(TaskNotFoundError, match=words):
                    await listing


async def test_workspaces_have_a_scope_of_their_own(engine: Engine) -> None:
    engine.scopes = ["api:users:read"]
    async with Simulator(engine) as gong, client(gong) as calls:
        with pytest.raises(MissingScopeError) as refused:
            await calls.list_workspaces()
    assert refused.value.scope == "api:workspaces:read"


async def test_an_odd_field_of_a_user_or_a_workspace_costs_that_field_alone() -> None:
    events = list[Event]()
    client = ScriptedClient(AccessKey("k", "s"), on_event=events.append)
    client.transport = ScriptedTransport(
        answer(200, {"user": {"id": 7, "active": "yes", "title": "Seller"}}),
        answer(200, {"workspaces": [{"id": 5, "name": 7}, {"id": "6", "name": "EMEA"}]}),
    )
    async with client as gong:
        user = await gong.get_user("7")
        assert (user.id, user.active, user.title) == ("7", None, "Seller")
        assert [(found.id, found.name) for found in await gong.list_workspaces()] == [
            ("5", None),
            ("6", "EMEA"),
        ]
    odd = [event.path for event in events if isinstance(event, FieldUnreadable)]
    assert odd == ["$.user.active", "$.workspaces[0].name"]
