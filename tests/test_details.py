"""`with_details`: the plain calls' values, with what came beside them."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from attrs import evolve

from gong_tasks_async import (
    AccessKey,
    Answer,
    CrmType,
    GongTasksClient,
    QuotaLimits,
    RetryPolicy,
    TaskFilter,
    TaskStatus,
    Unlimited,
)
from gong_tasks_async.api.details import DetailedCalls
from gong_tasks_async.client.single_calls import SingleCalls
from gong_tasks_async.errors import TaskNotFoundError
from gong_tasks_async.simulator import DayLimit, Engine, Fault, SecondLimit
from tests.conftest import Connect
from tests.fakes import Answer as Scripted, ScriptedClient, ScriptedTransport, answer

SECRET = "v3ry-s3cret"
OF_SEVERAL_CALLS = {"iter_tasks", "list_many", "watch", "with_details"}
"""One listing read slowly, and what makes many calls, whose items know their own."""


def engine(**settings: Any) -> Engine:
    return Engine(
        users=3, tasks_per_user=2, second_limit=SecondLimit.NONE, day_limit=DayLimit.NONE, **settings
    )


class Scripts(ScriptedClient):
    def __init__(self, *answers: Scripted, **settings: Any) -> None:
        super().__init__(AccessKey("key", SECRET), quota=Unlimited(), **settings)
        self.transport = ScriptedTransport(*answers)


def test_each_single_call_has_its_details() -> None:
    plain = {name for name in vars(SingleCalls) if not name.startswith("_")} - OF_SEVERAL_CALLS
    assert {name for name in vars(DetailedCalls) if not name.startswith("_")} == plain
    for name in plain:
        one, other = (inspect.signature(getattr(kind, name)) for kind in (SingleCalls, DetailedCalls))
        assert one.parameters == other.parameters


@pytest.mark.virtual
async def test_the_value_is_that_of_the_plain_call(connect: Connect) -> None:
    gong = engine(crm_type="SALESFORCE")
    client = await connect(gong)
    details, user = client.with_details, gong.user_ids[0]
    listed = await details.list_tasks(user)
    assert listed.value == await client.list_tasks(user)
    assert (listed.attempts, listed.crm_type) == (1, CrmType("SALESFORCE"))
    assert listed.request_id
    assert listed.headers["content-type"].startswith("application/json")
    change = listed.value[0].update(status=TaskStatus.DONE)
    updated = await details.update_task(change)
    assert (updated.value.id, updated.value.status) == (change.task_id, TaskStatus.DONE)
    assert updated.request_id != listed.request_id
    assert (await details.get_user(user)).value == await client.get_user(user)
    assert (await details.list_workspaces()).value == await client.list_workspaces()
    found = await details.find_users(["nobody@example.com"])
    assert (found.value, found.attempts) == ({}, 1)


@pytest.mark.virtual
async def test_users_come_by_pages_each_with_its_own_details(connect: Connect) -> None:
    gong = Engine(users=250, tasks_per_user=0, second_limit=SecondLimit.NONE)
    client = await connect(gong, quota=Unlimited())
    pages = [page async for page in client.with_details.iter_users()]
    assert [user for page in pages for user in page.value] == [user async for user in client.iter_users()]
    assert len(pages) == 3
    assert {page.attempts for page in pages} == {1}
    assert len({page.request_id for page in pages}) == 3


@pytest.mark.virtual
async def test_repetitions_and_the_wait_for_permits_are_added_up(connect: Connect) -> None:
    gong = engine()
    client = await connect(gong, limits=QuotaLimits(per_second=2), retry=RetryPolicy(attempts=3))
    await client.list_tasks(gong.user_ids[0])
    gong.inject_fault(Fault.BAD_GATEWAY)
    answered = await client.with_details.list_tasks(gong.user_ids[0])
    assert answered.attempts == 2
    assert 0.5 <= answered.waited <= 2  # two permits, the second at a pace that a failure may lower


async def test_headers_hold_no_secret_and_the_trace_is_gong_s() -> None:
    headers = {
        "X-TraceId": "4al018gz",
        "CF-Ray": "8f3-FRA",
        "X-Echo": f"you sent {SECRET}",
        "Set-Cookie": "session=1",
        "X-CSRF-Token": "t0ken",
        "Proxy-Authorization": "Basic eDp5",
        "X-Amz-Security-Token": "t0ken",
        "X-Api-Key": "k3y",
        "Content-Type": "application/json",
    }
    response = answer()
    response.headers = headers
    response.conceal = lambda text: text.replace(SECRET, "***")
    async with Scripts(response) as gong:
        got = await gong.with_details.list_tasks("1")
    assert dict(got.headers) == {
        "x-traceid": "4al018gz",
        "cf-ray": "8f3-FRA",
        "x-echo": "you sent ***",
        "content-type": "application/json",
    }
    assert (got.request_id, got.trace_id) == ("r", "4al018gz")
    assert "8f3" not in repr(got)  # headers are for programs


async def test_a_404_that_means_nothing_there_has_its_details_too() -> None:
    nothing = {"requestId": "r7", "errors": ["No tasks found corresponding to the provided filters"]}
    async with Scripts(answer(404, nothing)) as gong:
        got = await gong.with_details.list_tasks("1")
    assert evolve(got, waited=0.0) == Answer(value=[], request_id="r7", attempts=1)


async def test_errors_are_those_of_the_plain_call() -> None:
    async with Scripts(answer(404, {"requestId": "r8", "errors": ["Gone"]})) as gong:
        with pytest.raises(TaskNotFoundError) as refused:
            await gong.with_details.list_tasks("1")
    assert refused.value.request_id == "r8"


async def test_without_a_request_there_are_none() -> None:
    async with Scripts() as gong:
        assert await gong.with_details.find_users([]) == Answer(value={})


async def test_the_options_of_the_client_hold() -> None:
    late = json.loads('{"requestId": "r", "tasks": []}')
    async with Scripts(answer(502), answer(200, late)) as gong:
        once: GongTasksClient = gong.with_options(retry=RetryPolicy(attempts=1))
        with pytest.raises(Exception, match="502"):
            await once.with_details.list_tasks(TaskFilter("1"))
