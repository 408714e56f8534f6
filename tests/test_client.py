from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from gong_tasks_async import (
    AccessKey,
    AuthenticationError,
    BearerToken,
    ClientStateError,
    DeadlineExceeded,
    DecodeError,
    Event,
    FieldUnreadable,
    GongTasksClient,
    InactiveCompanyError,
    Lane,
    LocalQuota,
    MissingScopeError,
    ProxyError,
    QuotaLimits,
    RateLimitError,
    RedirectError,
    RetryPolicy,
    ServerError,
    Task,
    TaskFilter,
    TaskNotFoundError,
    TaskStatus,
    TaskType,
    TaskUpdate,
    TransportError,
    Unlimited,
    UpdateMismatchError,
)
from gong_tasks_async.simulator import Account, EmptyAs, Engine, Fault, SecondLimit
from tests.conftest import Connect, credentials_of
from tests.fakes import ScriptedClient, ScriptedTransport, answer, task_answer

QUICK = RetryPolicy(backoff=0.01, max_backoff=0.02)


def engine(**settings: Any) -> Engine:
    usual: dict[str, Any] = {"second_limit": SecondLimit.NONE, "tasks_per_user": 20}
    return Engine(**usual | settings)


def open_tasks(gong: Engine, user_id: str) -> set[int]:
    return {
        number
        for number, task in gong.tasks.items()
        if str(task["userId"]) == user_id and task["status"] == "OPEN"
    }


@pytest.mark.both_ways
class TestBothWays:
    async def test_lists_the_open_tasks_of_a_user(self, connect: Connect) -> None:
        gong = engine()
        client = await connect(gong, quota=Unlimited())
        user = gong.user_ids[0]
        tasks = await client.list_tasks(user)
        assert {task.id for task in tasks} == open_tasks(gong, user)
        assert {task.user_id for task in tasks} == {user}
        assert all(task.due_date is None or task.due_date.tzinfo for task in tasks)
        assert [task async for task in client.iter_tasks(user)] == tasks

    async def test_a_filter_reaches_gong_as_it_is(self, connect: Connect) -> None:
        gong = engine(tasks_per_user=60)
        client = await connect(gong, quota=Unlimited())
        wanted = TaskFilter(gong.user_ids[0], types=[TaskType.MANUAL], statuses=["OPEN", "DONE"])
        tasks = await client.list_tasks(wanted)
        assert {task.type for task in tasks} == {TaskType.MANUAL}
        assert {task.status for task in tasks} == {TaskStatus.OPEN, TaskStatus.DONE}

    async def test_an_update_changes_the_task_and_returns_it(self, connect: Connect) -> None:
        gong = engine()
        client = await connect(gong, quota=Unlimited())
        task = (await client.list_tasks(gong.user_ids[0]))[0]
        due = datetime(2027, 1, 2, 9, 30, tzinfo=timezone(timedelta(hours=-7)))
        changed = await client.update_task(task.update(status="DONE", due_date=due, priority="HIGH"))
        assert (changed.id, changed.status, changed.due_date) == (task.id, TaskStatus.DONE, due)
        assert gong.tasks[task.id]["status"] == "DONE"

    async def test_lists_many_users_and_one_s_error_does_not_stop_the_others(self, connect: Connect) -> None:
        gong = engine(users=5)
        client = await connect(gong, quota=Unlimited(), retry=RetryPolicy(attempts=1))
        gong.inject_fault(Fault.BAD_GATEWAY)
        listed = [each async for each in client.list_many(gong.user_ids)]
        assert {each.filter.user_id for each in listed} == set(gong.user_ids)
        failed = [each for each in listed if each.error]
        assert [type(each.error) for each in failed] == [ServerError]
        with pytest.raises(ServerError):
            failed[0].unwrap()
        for each in listed:
            if not each.error:
                assert {task.id for task in each.unwrap()} == open_tasks(gong, each.filter.user_id)

    async def test_updates_many_and_reports(self, connect: Connect) -> None:
        gong = engine()
        client = await connect(gong, quota=Unlimited())
        tasks = await client.list_tasks(gong.user_ids[0])
        updates = [task.update(status="DISMISSED") for task in tasks]
        report = await client.update_many([*updates, TaskUpdate(1, gong.user_ids[0], status="DONE")])
        assert (report.updated, report.failed, report.pending) == (len(tasks), 1, 0)
        assert report.calls == len(tasks) + 1
        assert isinstance(report.failures[0].error, TaskNotFoundError)
        assert {gong.tasks[task.id]["status"] for task in tasks} == {"DISMISSED"}

    @pytest.mark.parametrize("fault", list(Fault))
    async def test_a_fault_that_passes_is_got_over_and_one_that_stays_is_typed(
        self, connect: Connect, fault: Fault
    ) -> None:
        gong = engine(slow_seconds=0.2)
        client = await connect(gong, limits=QuotaLimits(per_second=50), retry=QUICK)
        task = next(iter(gong.tasks.values()))
        update = TaskUpdate(int(task["id"]), str(task["userId"]), status="DONE")
        gong.inject_fault(fault, retry_after="0.01")
        outcome = await asyncio.gather(client.update_task(update), return_exceptions=True)
        stays = {Fault.PORTAL_REDIRECT: RedirectError, Fault.PROXY_LOGIN: ProxyError}.get(fault)
        assert type(outcome[0]) is (stays or Task)
        assert gong.tasks[update.task_id]["status"] == ("OPEN" if stays else "DONE")

    async def test_the_three_faces_of_401(self, connect: Connect) -> None:
        gong = engine(scopes=("api:tasks:read",))
        client = await connect(gong, quota=Unlimited())
        update = TaskUpdate(1, "2", status="DONE")
        with pytest.raises(MissingScopeError) as missing:
            await client.update_task(update)
        assert missing.value.scope == "api:tasks:write"
        gong.account = Account.INACTIVE
        with pytest.raises(InactiveCompanyError):
            await client.update_task(update)
        gong.access_key_secret = "another"
        with pytest.raises(AuthenticationError, match="Validate credentials failed") as wrong:
            await client.update_task(update)
        assert type(wrong.value) is AuthenticationError
        assert len(gong.ledger.entries) == 3  # none of them was repeated

    async def test_a_company_without_engage_costs_few_calls_and_is_named(self, connect: Connect) -> None:
        gong = engine(account=Account.WITHOUT_ENGAGE)
        client = await connect(gong, quota=Unlimited(), retry=QUICK)
        with pytest.raises(ServerError, match="may not have Gong Engage"):
            await client.list_tasks(gong.user_ids[0])
        assert gong.ledger.calls == 2

    async def test_a_bearer_token_is_as_good_as_a_key(self, connect: Connect) -> None:
        gong = engine()
        client = await connect(gong, quota=Unlimited(), credentials=BearerToken(gong.access_token))
        assert await client.list_tasks(gong.user_ids[0])

    @pytest.mark.parametrize("reading", list(EmptyAs))
    async def test_a_user_without_tasks_in_all_three_readings(
        self, connect: Connect, reading: EmptyAs
    ) -> None:
        gong = engine(tasks_per_user=0, empty_as=reading)
        client = await connect(gong, quota=Unlimited(), missing_is_empty=True)
        assert await client.list_tasks(gong.user_ids[0]) == []

    async def test_a_404_to_a_listing_is_an_error_unless_told_otherwise(self, connect: Connect) -> None:
        gong = engine(tasks_per_user=0, empty_as=EmptyAs.NOT_FOUND)
        client = await connect(gong, quota=Unlimited())
        with pytest.raises(TaskNotFoundError, match="missing_is_empty=True"):
            await client.list_tasks(gong.user_ids[0])

    async def test_the_limit_is_kept_in_every_sliding_second(self, connect: Connect) -> None:
        gong = engine(second_limit=SecondLimit.SLIDING)
        client = await connect(gong)
        report = await client.update_many(
            TaskUpdate(int(task["id"]), str(task["userId"]), status="DONE")
            for task in list(gong.tasks.values())[:9]
        )
        assert (report.updated, gong.ledger.refused) == (9, 0)
        assert gong.ledger.most_in_window(1.0) <= 3

    async def test_views_share_the_session_and_the_quota_but_not_the_options(self, connect: Connect) -> None:
        gong = engine()
        client = await connect(gong)
        view = client.with_options(lane=Lane.BULK, timeout=30.0, retry=RetryPolicy(attempts=1))
        assert view.quota is client.quota
        gong.inject_fault(Fault.TOO_MANY, retry_after="60")
        with pytest.raises(DeadlineExceeded):
            await view.list_tasks(gong.user_ids[0])
        with pytest.raises(RateLimitError):  # the pause is the client's as well
            await client.with_options(retry=RetryPolicy(max_wait=1.0)).list_tasks(gong.user_ids[0])
        assert gong.ledger.calls == 1


@pytest.mark.virtual
async def test_a_whole_day_of_calls_at_full_pace_loses_nothing_and_is_hardly_ever_refused(
    connect: Connect,
) -> None:
    gong = Engine(users=1, tasks_per_user=2000, second_limit=SecondLimit.SLIDING)
    client = await connect(gong, latency=(0.040, 0.120))
    wanted = [TaskUpdate(number, gong.user_ids[0], status="DISMISSED") for number in gong.tasks]
    report = await client.update_many(update for update in wanted)
    assert (report.updated, report.pending, report.failed) == (2000, 0, 0)
    assert gong.ledger.refused <= 1
    assert 2000 / report.elapsed >= 0.93 * 3
    assert {task["status"] for task in gong.tasks.values()} == {"DISMISSED"}


async def test_before_open_after_close_and_opened_twice_are_told_apart() -> None:
    client = ScriptedClient(AccessKey("k", "s"))
    client.transport = ScriptedTransport(answer(200))
    with pytest.raises(ClientStateError, match="not open yet: write `async with"):
        await client.list_tasks("1")
    async with client:
        with pytest.raises(ClientStateError, match="open already"):
            await client.__aenter__()
        assert await client.list_tasks("1") == []
    with pytest.raises(ClientStateError, match="closed"):
        await client.update_task(TaskUpdate(1, "2", status="DONE"))
    await client.close()  # once more does no harm


async def test_a_closed_client_can_be_opened_again_without_a_with_block() -> None:
    client = ScriptedClient(AccessKey("k", "s"))
    client.transport = ScriptedTransport(answer(200))
    for _ in range(2):
        assert await client.open() is client
        assert await client.list_tasks("1") == []
        await client.close()


@pytest.mark.usefixtures("swept")
def test_one_client_serves_consecutive_event_loops(recwarn: pytest.WarningsRecorder) -> None:
    client = ScriptedClient(AccessKey("k", "s"))
    client.transport = ScriptedTransport(answer(200))

    async def job() -> int:
        async with client:
            await client.list_tasks("1")
            return (await client.quota.snapshot()).used

    assert [asyncio.run(job()) for _ in range(3)] == [1, 2, 3]
    assert not recwarn.list


def test_another_event_loop_is_refused() -> None:
    client = ScriptedClient(AccessKey("k", "s"))
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(client.__aenter__())
        with pytest.raises(ClientStateError, match="another event loop"):
            second.run(client.list_tasks("1"))
        first.run(client.close())


async def test_a_client_is_closed_with_its_view_and_closes_its_transport_once() -> None:
    client = ScriptedClient(AccessKey("k", "s"))
    client.transport = network = ScriptedTransport(answer(200))
    async with client.with_options(timeout=5) as view:
        await view.list_tasks("1")
        await client.list_tasks("1")
    with pytest.raises(ClientStateError):
        await client.list_tasks("1")
    assert network.closed == 1


async def test_closing_while_calls_wait_ends_them_with_an_error(connect: Connect) -> None:
    gong = engine()
    client = await connect(gong, limits=QuotaLimits(per_second=0.1))
    calls = [asyncio.create_task(client.list_tasks(gong.user_ids[0])) for _ in range(3)]
    await calls[0]
    await client.close()
    outcomes = await asyncio.gather(*calls[1:], return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {ClientStateError, TransportError}


@pytest.mark.parametrize(
    ("tasks", "kind", "found"),
    [
        ([], DecodeError, "no task"),
        ([{"id": 8}], UpdateMismatchError, "tasks: 8"),
        (None, DecodeError, "no task"),
    ],
)
async def test_an_update_answered_with_no_task_or_another_one_is_an_error(
    tasks: object, kind: type[DecodeError | UpdateMismatchError], found: str
) -> None:
    client = ScriptedClient(AccessKey("k", "s"), quota=Unlimited())
    client.transport = ScriptedTransport(answer(200, {"tasks": tasks}))
    async with client:
        with pytest.raises(kind, match=r"PATCH .*/v2/tasks/7.*expected task 7") as error:
            await client.update_task(TaskUpdate(7, "1", status="DONE"))
    assert isinstance(error.value, kind)
    assert error.value.found == found


async def test_a_listing_that_cannot_be_read_names_the_call_and_the_place() -> None:
    client = ScriptedClient(AccessKey("k", "s"), quota=Unlimited())
    client.transport = ScriptedTransport(
        answer(200, {"requestId": "r7", "tasks": [{"id": 2.5}, {"id": None}]})
    )
    async with client:
        with pytest.raises(
            DecodeError, match=r"^POST https://api.gong.io/v2/tasks: .*request id r7"
        ) as error:
            await client.list_tasks("1")
    assert (error.value.path, error.value.attempts) == ("$.tasks[0].id", 1)


async def test_a_large_answer_lets_the_loop_go_round_while_it_is_decoded() -> None:
    client = ScriptedClient(AccessKey("k", "s"), quota=Unlimited())
    client.transport = ScriptedTransport(answer(200, {"tasks": [{"id": number} for number in range(20_000)]}))
    rounds = 0

    async def count_rounds() -> None:
        nonlocal rounds
        while True:
            await asyncio.sleep(0)
            rounds += 1

    async with client:
        counting = asyncio.create_task(count_rounds())
        tasks = await client.list_tasks("1")
        counting.cancel()
    assert len(tasks) == 20_000
    assert rounds >= 3


async def test_leaving_a_listing_of_many_early_leaves_nothing_running() -> None:
    client = ScriptedClient(AccessKey("k", "s"), quota=Unlimited())
    client.transport = ScriptedTransport(answer(200))
    before = asyncio.all_tasks()
    async with client:
        listing = client.list_many(str(number) for number in range(1, 1000))
        assert (await anext(listing)).tasks == ()
        await listing.aclose()
    assert asyncio.all_tasks() == before


async def test_a_listing_of_many_stops_with_the_error_of_a_bad_filter() -> None:
    client = ScriptedClient(AccessKey("k", "s"), quota=Unlimited())
    client.transport = ScriptedTransport(answer(200))
    async with client:
        with pytest.raises(ValueError, match="user_id is empty"):
            [_ async for _ in client.list_many(["1", " "])]


@pytest.mark.virtual
async def test_one_quota_can_serve_two_clients(connect: Connect) -> None:
    gong = engine()
    quota = LocalQuota(QuotaLimits(per_second=20))
    first, second = await connect(gong, quota=quota), await connect(gong, quota=quota)
    await asyncio.gather(*(client.list_tasks(gong.user_ids[0]) for client in (first, second) * 5))
    assert gong.ledger.most_in_window(0.45) <= 10


def test_two_clients_of_one_company_without_a_shared_quota_are_warned_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    key = AccessKey("shared-by-two", "TOPSECRET")
    clients = [
        GongTasksClient(key),
        GongTasksClient(BearerToken("another")),
        GongTasksClient(key, quota=LocalQuota()),
    ]
    assert caplog.records == []
    clients += [GongTasksClient(key), GongTasksClient(key)]
    assert len(caplog.records) == 1
    assert "quota=..." in caplog.text
    assert "TOPSECRET" not in caplog.text
    assert len(clients) == 5


@pytest.mark.virtual
async def test_a_client_tells_how_its_quota_stands(connect: Connect) -> None:
    gong = engine()
    client = await connect(gong, limits=QuotaLimits(per_second=50))
    await client.list_tasks(gong.user_ids[0])
    snapshot = await client.quota.snapshot()
    assert (snapshot.used, snapshot.left, snapshot.reserve) == (1, 9_999, 500)
    assert (await client.quota.estimate(8_000)).seconds == pytest.approx(8_000 * 1.03 / 50, rel=0.01)


def test_from_env_reads_either_kind_of_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GONG_ACCESS_KEY", "GONG_ACCESS_KEY_SECRET", "GONG_ACCESS_TOKEN", "GONG_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="set GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET, or"):
        GongTasksClient.from_env()
    monkeypatch.setenv("GONG_ACCESS_KEY", " key\n")
    with pytest.raises(ValueError, match="set GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET, or"):
        GongTasksClient.from_env()
    monkeypatch.setenv("GONG_ACCESS_KEY_SECRET", "TOPSECRET")
    monkeypatch.setenv("GONG_BASE_URL", "https://us-1.api.gong.io/")
    client = GongTasksClient.from_env(retry=RetryPolicy(attempts=1))
    assert repr(client) == "<GongTasksClient of https://us-1.api.gong.io>"
    other = GongTasksClient.from_env(base_url="https://x.example", credentials=BearerToken("t"))
    assert repr(other) == "<GongTasksClient of https://x.example>"
    monkeypatch.setenv("GONG_ACCESS_TOKEN", "token")
    with pytest.raises(ValueError, match="not both") as both:
        GongTasksClient.from_env()
    assert "TOPSECRET" not in str(both.value)
    monkeypatch.delenv("GONG_ACCESS_KEY")
    monkeypatch.delenv("GONG_ACCESS_KEY_SECRET")
    assert repr(GongTasksClient.from_env()) == "<GongTasksClient of https://us-1.api.gong.io>"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_url": "http://api.gong.io"}, "use https"),
        ({"max_response_bytes": 0}, "max_response_bytes"),
    ],
)
def test_a_client_that_would_be_unsafe_or_useless_is_not_built(settings: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        GongTasksClient(AccessKey("k", "s"), **settings)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_that_is_none_is_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout must be more than 0"):
        GongTasksClient(AccessKey("k", "s")).with_options(timeout=timeout)


async def test_an_update_is_sent_exactly_as_documented() -> None:
    client = ScriptedClient(AccessKey("k", "s"), quota=Unlimited())
    client.transport = network = ScriptedTransport(task_answer)
    async with client:
        await client.update_task(TaskUpdate(7, "1", due_date=datetime(2027, 1, 1, tzinfo=UTC)))
        await client.update_task(TaskUpdate(7, "1", status="OPEN", priority="MEDIUM"))
    assert [(sent.method, sent.path, sent.body) for _, sent in network.sent] == [
        ("PATCH", "/v2/tasks/7", b'{"userId":"1","dueDate":"2027-01-01T00:00:00+00:00"}'),
        ("PATCH", "/v2/tasks/7", b'{"userId":"1","status":"OPEN","priority":"MEDIUM"}'),
    ]


def test_credentials_of_the_fake_are_made_up() -> None:
    assert "SIMULATED" in credentials_of(Engine(users=1, tasks_per_user=0)).access_key


@pytest.mark.virtual
async def test_an_odd_field_is_reported_and_costs_that_field_alone(connect: Connect) -> None:
    gong, events = engine(users=1), list[Event]()
    client = await connect(gong, quota=Unlimited(), on_event=events.append)
    [user] = gong.user_ids
    for task in gong.tasks.values():
        task |= {"opportunity": {"amount": 12.5}, "dueDate": 1518863400}
    found = await client.list_tasks(user)
    assert {task.id for task in found} == open_tasks(gong, user)
    assert {task.due_date for task in found} == {datetime.fromtimestamp(1518863400, UTC)}
    assert {task.opportunity.extra["amount"] for task in found if task.opportunity} == {12.5}
    [event] = (event for event in events if isinstance(event, FieldUnreadable))
    assert (event.path, event.found) == ("$.tasks[0].opportunity.amount", "12.5")


@pytest.mark.virtual
async def test_a_strict_client_raises_for_an_odd_field(connect: Connect) -> None:
    gong = engine(users=1)
    client = await connect(gong, quota=Unlimited(), strict=True)
    for task in gong.tasks.values():
        task["dueDate"] = 1518863400
    for call in (client.list_tasks(gong.user_ids[0]), client.update_task(next(iter_updates(gong)))):
        with pytest.raises(DecodeError, match="dueDate"):
            await call


def iter_updates(gong: Engine) -> Iterator[TaskUpdate]:
    return (TaskUpdate(number, str(task["userId"]), status="DONE") for number, task in gong.tasks.items())
