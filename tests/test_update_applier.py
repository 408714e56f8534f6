"""What a bulk run makes of a caller: updates, the listings that it looks by, and a sleep that can be cut short."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, cast

import pytest

from gong_tasks_async import (
    BadRequestError,
    GongError,
    Lane,
    LocalQuota,
    MissingScopeError,
    QuotaLimits,
    RetryPolicy,
    ServerError,
    TaskStatus,
    TaskUpdate,
    Unlimited,
)
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.api.updates import UpdateApplier
from gong_tasks_async.auth.renewal import Refresher
from gong_tasks_async.events import EventSink
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.retry import Resend
from tests.fakes import Answer, ScriptedTransport, answer, task_answer

pytestmark = pytest.mark.virtual

ALL = ["OPEN", "DONE", "DISMISSED"]
UPDATE = TaskUpdate(7, "1", status="DONE")


def applier(network: ScriptedTransport, **changes: Any) -> UpdateApplier:
    settings: dict[str, Any] = {
        "transport": network,
        "quota": Unlimited(),
        "retry": RetryPolicy(attempts=1),
        "lane": Lane.BULK,
        "timeout": None,
        "events": EventSink(),
        "haltable": True,
    }
    return UpdateApplier(Caller(**settings | changes))


def listed(*task_ids: int) -> HttpResponse:
    return answer(200, {"requestId": "r", "tasks": [{"id": number} for number in task_ids]})


def statuses_asked_for(network: ScriptedTransport) -> list[tuple[str, list[str]]]:
    """Of each listing, whose tasks in which states."""
    filters = [json.loads(request.body or b"")["filter"] for _, request in network.sent]
    return [(wanted["userId"], wanted["status"]) for wanted in filters]


async def looked(applying: UpdateApplier, *user_ids: str) -> list[list[int] | type[GongError]]:
    """What a look at each user's tasks finds, one after the other."""
    found = list[list[int] | type[GongError]]()
    for user_id in user_ids:
        try:
            found.append([task.id for task in await applying.list_owned(user_id)])
        except GongError as error:
            found.append(type(error))
    return found


@pytest.mark.parametrize(
    ("answers", "found", "asked"),
    [
        ((listed(5, 6),), [[5, 6], [5, 6]], [("1", ALL), ("2", ALL)]),
        ((answer(404), listed(6)), [[], [6]], [("1", ALL), ("2", ALL)]),
        (  # Gong lists open tasks only: found out once, and remembered
            (answer(400), listed(5), listed(6)),
            [[5], [6]],
            [("1", ALL), ("1", ["OPEN"]), ("2", ["OPEN"])],
        ),
        (  # it is this user that Gong refuses: the next is asked for in all states again
            (answer(400), answer(400), listed(6)),
            [BadRequestError, [6]],
            [("1", ALL), ("1", ["OPEN"]), ("2", ALL)],
        ),
        (  # open ones alone are refused for no other reason
            (answer(400), listed(5), answer(400)),
            [[5], BadRequestError],
            [("1", ALL), ("1", ["OPEN"]), ("2", ["OPEN"])],
        ),
        ((answer(503), listed(6)), [ServerError, [6]], [("1", ALL), ("2", ALL)]),
    ],
)
async def test_a_look_lists_all_states_or_the_open_ones_where_gong_lists_no_others(
    answers: Sequence[Answer], found: list[object], asked: list[tuple[str, list[str]]]
) -> None:
    network = ScriptedTransport(*answers)
    applying = applier(network)
    assert await looked(applying, "1", "2") == found
    assert statuses_asked_for(network) == asked
    assert applying.listings == applying.calls == len(asked)


def test_all_states_are_all_that_gong_names() -> None:
    assert [status.value for status in TaskStatus] == ALL


async def test_a_scope_that_a_look_misses_is_named_as_that_of_a_look_and_an_update_s_is_not() -> None:
    missing = "You don't have permission to use 'api:tasks:read' in your app."
    applying = applier(ScriptedTransport(answer(401, {"requestId": "r", "errors": [missing]})))
    with pytest.raises(MissingScopeError) as looking:
        await applying.list_owned("1")
    with pytest.raises(MissingScopeError) as updating:
        await applying.apply(UPDATE)
    assert (looking.value.for_look, updating.value.for_look) == (True, False)
    assert applying.listings == 1


class OnceMore:
    """Asked before an update is sent again; remembers what it was asked and told."""

    is_due = False

    def __init__(self) -> None:
        self.notes = list[object]()

    def sending(self) -> None:
        self.notes.append("sending")

    def failed(self, error: GongError) -> None:
        self.notes.append(type(error))

    async def look(self) -> None:
        self.notes.append("look")


async def test_an_update_is_sent_with_what_is_to_be_asked_before_it_is_sent_again() -> None:
    resend: Resend = (once_more := OnceMore())
    applying = applier(ScriptedTransport(answer(503), task_answer), retry=RetryPolicy())
    applied = await applying.apply(UPDATE, resend)
    assert (applied.task and applied.task.id, applied.attempts) == (7, 2)
    assert once_more.notes == ["sending", ServerError, "sending"]
    assert (applying.calls, applying.listings) == (2, 0)


async def test_it_counts_the_requests_and_those_that_were_rate_limited() -> None:
    network = ScriptedTransport(answer(429, retry_after="1"), answer(429, retry_after="1"), task_answer)
    applying = applier(network, quota=LocalQuota(QuotaLimits(adaptive=False)))
    await applying.apply(UPDATE)
    assert (applying.calls, applying.rate_limited) == (3, 2)
    assert applying.base_url == network.base_url


async def test_a_run_s_length_is_estimated_by_its_own_quota() -> None:
    applying = applier(ScriptedTransport(), quota=LocalQuota(QuotaLimits(adaptive=False)))
    few, many = await applying.estimate(3), await applying.estimate(3_000)
    assert few.seconds < 5
    assert many.seconds > 900


async def test_it_is_ready_once_its_credentials_are() -> None:
    class Renewing:
        asked = 0

        async def ready(self) -> None:
            self.asked += 1

    renewing = Renewing()
    await applier(ScriptedTransport(), renewal=cast("Refresher", renewing)).ready()
    assert renewing.asked == 1
    await applier(ScriptedTransport()).ready()  # fixed ones always are


async def test_a_halt_cuts_a_sleep_short_and_lets_the_request_in_flight_finish() -> None:
    def task(request: HttpRequest) -> HttpResponse:
        return task_answer(request)

    applying = applier(ScriptedTransport(task, seconds=2.0))
    in_flight = asyncio.create_task(applying.apply(UPDATE))
    sleeping = asyncio.create_task(applying.sleep(3600.0))
    await asyncio.sleep(1)
    applying.halt()
    await asyncio.wait([in_flight, sleeping])
    assert (in_flight.cancelled(), sleeping.cancelled()) == (False, True)
    assert asyncio.get_running_loop().time() == pytest.approx(2, abs=0.01)
    with pytest.raises(asyncio.CancelledError):
        await applying.apply(UPDATE)  # no further request is made
    assert applying.calls == 1


async def test_it_sleeps_as_long_as_it_is_asked_to() -> None:
    await applier(ScriptedTransport()).sleep(90.0)
    assert asyncio.get_running_loop().time() == pytest.approx(90, abs=0.01)
