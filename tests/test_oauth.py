from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from gong_tasks_async import (
    AccessKey,
    AuthenticationError,
    BearerToken,
    Credentials,
    CredentialsError,
    DeadlineExceeded,
    GongTasksClient,
    InactiveCompanyError,
    MissingScopeError,
    OAuthGrant,
    OAuthToken,
    TaskNotFoundError,
    TaskUpdate,
    Unlimited,
)
from gong_tasks_async.simulator import (
    Account,
    Engine,
    Fault,
    SecondLimit,
    TokenArguments,
    make_app,
    memory_session,
)

pytestmark = pytest.mark.virtual

START = datetime(2026, 3, 1, tzinfo=UTC)


def now() -> datetime:
    """The virtual clock, as a date."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


class House:
    """An app and its company: the engine, the session, what was saved."""

    def __init__(self, session: aiohttp.ClientSession, engine: Engine) -> None:
        self.session = session
        self.engine = engine
        self.saved: list[OAuthGrant] = []

    def save(self, grant: OAuthGrant) -> None:
        self.saved.append(grant)

    def token(self, **settings: Any) -> OAuthToken:
        usual: dict[str, Any] = {
            "save": self.save,
            "token_url": "http://localhost/oauth2/generate-customer-token",
            "session": self.session,
            "wall_clock": now,
        }
        return OAuthToken(
            self.engine.client_id, self.engine.client_secret, self.engine.refresh_token, **usual | settings
        )

    def client(self, credentials: Any, **settings: Any) -> GongTasksClient:
        usual: dict[str, Any] = {
            "session": self.session,
            "base_url": "http://localhost",
            "quota": Unlimited(),
        }
        return GongTasksClient(credentials, **usual | settings)

    def update(self) -> TaskUpdate:
        number, task = next(iter(self.engine.tasks.items()))
        return TaskUpdate(number, str(task["userId"]), status="DONE")

    @property
    def exchanges(self) -> int:
        return self.engine.ledger.token_calls


@pytest.fixture
async def house() -> AsyncIterator[Callable[..., Any]]:
    async with AsyncExitStack() as stack:

        async def built(latency: tuple[float, float] = (0.1, 0.1), **settings: Any) -> House:
            usual: dict[str, Any] = {"second_limit": SecondLimit.NONE, "tasks_per_user": 4}
            engine = Engine(**usual | settings)
            session = await stack.enter_async_context(memory_session(make_app(engine, latency)))
            return House(session, engine)

        yield built


async def test_the_first_call_gets_a_token_and_later_ones_use_it(house: Callable[..., Any]) -> None:
    home = await house()
    async with home.client(home.token()) as gong:
        for user in home.engine.user_ids:
            await gong.list_tasks(user)
    assert home.exchanges == 1
    assert home.saved[0].refresh_token == home.engine.refresh_token
    assert abs(home.saved[0].expires_at - (START + timedelta(days=1))) < timedelta(seconds=5)


async def test_a_token_that_is_still_good_is_used_first(house: Callable[..., Any]) -> None:
    home = await house()
    given = home.engine.issue_token(asyncio.get_running_loop().time())
    async with home.client(home.token(access_token=given, expires_at=now() + timedelta(days=1))) as gong:
        await gong.update_task(home.update())
    assert home.exchanges == 0


async def test_the_address_that_a_saved_token_came_with_is_used(house: Callable[..., Any]) -> None:
    home = await house()
    given = home.engine.issue_token(asyncio.get_running_loop().time())
    token = home.token(access_token=given, base_url="http://127.0.0.1:1/us-7")
    async with home.client(token, base_url="https://api.gong.io") as gong:
        with pytest.raises(TaskNotFoundError) as caught:
            await gong.update_task(home.update())
    assert caught.value.url.startswith("http://127.0.0.1:1/us-7/v2/tasks/")


async def test_a_setting_that_is_wrong_does_not_condemn_the_token(house: Callable[..., Any]) -> None:
    home = await house(token_arguments="form")
    token = home.token()
    async with home.client(token) as gong:
        with pytest.raises(CredentialsError):
            await gong.update_task(home.update())
        home.engine.token_arguments = TokenArguments.QUERY
        await gong.update_task(home.update())


async def test_it_is_exchanged_shortly_before_its_end(house: Callable[..., Any]) -> None:
    home = await house(token_lifetime=3600.0)
    async with home.client(home.token()) as gong:
        await gong.update_task(home.update())
        await asyncio.sleep(3600 - 301)
        await gong.update_task(home.update())
        assert home.exchanges == 1
        await asyncio.sleep(2)
        await gong.update_task(home.update())
    assert home.exchanges == 2
    assert [entry.status for entry in home.engine.ledger.entries] == [200, 200, 200]


async def test_a_401_that_means_expiry_costs_one_exchange_however_many_wait(
    house: Callable[..., Any],
) -> None:
    home = await house()
    async with home.client(home.token()) as gong:
        await gong.update_task(home.update())
        home.engine.expire_tokens()
        await asyncio.gather(*(gong.update_task(home.update()) for _ in range(50)))
    assert home.exchanges == 2
    assert home.engine.ledger.calls == 1 + 50 + 50


async def test_two_clients_share_one_exchange(house: Callable[..., Any]) -> None:
    home = await house()
    token = home.token()
    async with home.client(token) as one, home.client(token) as other:
        await asyncio.gather(one.update_task(home.update()), other.update_task(home.update()))
        home.engine.expire_tokens()
        await asyncio.gather(one.update_task(home.update()), other.update_task(home.update()))
    assert home.exchanges == 2


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"scopes": {"api:tasks:read"}}, MissingScopeError),
        ({"account": Account.INACTIVE}, InactiveCompanyError),
    ],
)
async def test_no_exchange_helps_against_a_missing_scope_or_an_inactive_company(
    house: Callable[..., Any], settings: dict[str, Any], error: type[Exception]
) -> None:
    home = await house(**settings)
    async with home.client(home.token()) as gong:
        with pytest.raises(error):
            await gong.update_task(home.update())
    assert home.exchanges == 1
    assert home.engine.ledger.calls == 1


async def test_a_token_that_is_refused_right_away_is_no_endless_loop(house: Callable[..., Any]) -> None:
    home = await house(token_lifetime=0.0)
    async with home.client(home.token()) as gong:
        with pytest.raises(AuthenticationError) as caught:
            await gong.update_task(home.update())
    assert caught.value.attempts == 2
    assert home.exchanges <= 3


async def test_the_new_refresh_token_is_saved_before_it_is_used(house: Callable[..., Any]) -> None:
    home = await house()
    order: list[str] = []

    async def save(grant: OAuthGrant) -> None:
        order.append("asked")
        await asyncio.sleep(1)
        assert home.engine.ledger.calls == 0
        order.append(grant.refresh_token)

    async with home.client(home.token(save=save)) as gong:
        await gong.update_task(home.update())
    assert order == ["asked", home.engine.refresh_token]


async def test_what_could_not_be_saved_is_not_used_and_not_lost(house: Callable[..., Any]) -> None:
    home = await house()
    disk_is_full = True

    def save(grant: OAuthGrant) -> None:
        if disk_is_full:
            raise OSError(28, "No space left on device")
        home.save(grant)

    async with home.client(home.token(save=save)) as gong:
        with pytest.raises(CredentialsError) as caught:
            await gong.update_task(home.update())
        assert isinstance(caught.value.__cause__, OSError)
        assert home.engine.ledger.calls == 0
        disk_is_full = False
        await gong.update_task(home.update())
    assert home.exchanges == 1
    assert home.saved[0].refresh_token == home.engine.refresh_token


async def test_somebody_who_stops_waiting_does_not_lose_the_token(house: Callable[..., Any]) -> None:
    home = await house(latency=(5.0, 5.0))
    async with home.client(home.token()) as gong:
        with pytest.raises(DeadlineExceeded):
            await gong.with_options(timeout=1).update_task(home.update())
        hasty = asyncio.create_task(gong.update_task(home.update()))
        await asyncio.sleep(1)
        hasty.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hasty
    assert home.exchanges == 1
    assert home.saved[0].refresh_token == home.engine.refresh_token


@pytest.mark.parametrize("moment", [number / 10 for number in range(1, 40)])
async def test_cancelled_at_any_moment_the_newest_refresh_token_is_saved(
    house: Callable[..., Any], moment: float
) -> None:
    home = await house(latency=(0.3, 0.3))

    async def save(grant: OAuthGrant) -> None:
        await asyncio.sleep(1)
        home.save(grant)

    async with home.client(home.token(save=save)) as gong:
        calls = [asyncio.create_task(gong.update_task(home.update())) for _ in range(3)]
        await asyncio.sleep(moment)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
    assert [grant.refresh_token for grant in home.saved] == [home.engine.refresh_token]


async def test_a_refresh_that_fails_reaches_everybody_who_waits_each_with_its_request(
    house: Callable[..., Any],
) -> None:
    home = await house()
    other = OAuthToken(
        home.engine.client_id,
        home.engine.client_secret,
        "used-up",
        save=home.save,
        token_url="http://localhost/oauth2/generate-customer-token",
        session=home.session,
        wall_clock=now,
    )
    async with home.client(other) as gong:
        outcomes = await asyncio.gather(
            *(gong.update_task(TaskUpdate(n, "1", status="DONE")) for n in range(1, 9)),
            return_exceptions=True,
        )
    errors = [outcome for outcome in outcomes if isinstance(outcome, CredentialsError)]
    assert [error.url.rpartition("/")[2] for error in errors] == [str(n) for n in range(1, 9)]
    assert all("Authorize the app again" in str(error) for error in errors)
    assert home.exchanges == 1
    assert home.engine.ledger.calls == 0


async def test_a_refused_refresh_token_is_not_offered_again(house: Callable[..., Any]) -> None:
    home = await house()
    token = home.token()
    home.engine.refresh_token = "another-process-has-been-here"
    async with home.client(token) as gong:
        for _ in range(3):
            with pytest.raises(CredentialsError):
                await gong.update_task(home.update())
    assert home.exchanges == 1


async def test_an_endpoint_that_is_down_for_a_while_is_asked_again(house: Callable[..., Any]) -> None:
    home = await house()
    home.engine.inject_token_fault(Fault.UNAVAILABLE, times=2)
    async with home.client(home.token()) as gong:
        await gong.update_task(home.update())
    assert home.exchanges == 3


async def test_a_lost_answer_that_used_the_token_up_is_told_as_such(house: Callable[..., Any]) -> None:
    home = await house()
    home.engine.inject_token_fault(Fault.RESET_AFTER)
    async with home.client(home.token()) as gong:
        with pytest.raises(CredentialsError, match="an earlier attempt got no response"):
            await gong.update_task(home.update())


async def test_while_the_token_is_still_good_a_failing_endpoint_does_no_harm(
    house: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    home = await house(token_lifetime=3600.0)
    async with home.client(home.token()) as gong:
        await gong.update_task(home.update())
        await asyncio.sleep(3600 - 200)
        home.engine.inject_token_fault(Fault.UNAVAILABLE, times=3)
        with caplog.at_level(logging.WARNING):
            await gong.update_task(home.update())
            await gong.update_task(home.update())
        assert home.exchanges == 1 + 3
        assert len(caplog.records) == 1
        await asyncio.sleep(40)
        await gong.update_task(home.update())
    assert home.exchanges == 1 + 3 + 1


async def test_after_its_end_a_failing_endpoint_is_an_error(house: Callable[..., Any]) -> None:
    home = await house(token_lifetime=3600.0)
    async with home.client(home.token()) as gong:
        await gong.update_task(home.update())
        await asyncio.sleep(3601)
        home.engine.inject_token_fault(Fault.UNAVAILABLE, times=3)
        with pytest.raises(CredentialsError, match="answered 503"):
            await gong.update_task(home.update())


async def test_the_companys_address_is_taken_over(house: Callable[..., Any]) -> None:
    home = await house(api_base_url="http://127.0.0.1:1/us-7")
    async with home.client(home.token(), base_url="https://api.gong.io") as gong:
        with pytest.raises(TaskNotFoundError) as caught:
            await gong.update_task(home.update())
    assert caught.value.url.startswith("http://127.0.0.1:1/us-7/v2/tasks/")


async def test_an_address_that_you_have_named_is_kept(house: Callable[..., Any]) -> None:
    home = await house(api_base_url="http://127.0.0.1:1")
    async with home.client(home.token()) as gong:
        await gong.update_task(home.update())


async def test_an_address_without_encryption_is_not_followed(house: Callable[..., Any]) -> None:
    home = await house(api_base_url="http://gong.example.com")
    async with home.client(home.token(), base_url="https://api.gong.io") as gong:
        with pytest.raises(CredentialsError, match="unencrypted"):
            await gong.update_task(home.update())
    assert home.engine.ledger.calls == 0


async def test_arguments_may_go_into_the_body(house: Callable[..., Any]) -> None:
    home = await house(token_arguments="form")
    async with home.client(home.token()) as gong:
        with pytest.raises(CredentialsError):
            await gong.update_task(home.update())
    async with home.client(home.token(arguments="form")) as gong:
        await gong.update_task(home.update())


async def test_no_secret_is_ever_told(house: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    home = await house()
    secrets = {home.engine.client_secret, home.engine.refresh_token}
    shown = []
    with caplog.at_level(logging.DEBUG):
        for fault in (Fault.RESET_AFTER, Fault.GARBLED, Fault.SERVER_ERROR, Fault.FORBIDDEN_HTML):
            token = home.token()
            home.engine.inject_token_fault(fault, times=5)
            async with home.client(token) as gong:
                with pytest.raises(CredentialsError) as caught:
                    await gong.update_task(home.update())
            secrets.add(home.engine.refresh_token)
            shown += [*traceback.format_exception(caught.value), repr(token), repr(caught.value.__dict__)]
        shown += [repr(grant) for grant in home.saved]
    text = "\n".join([*shown, caplog.text])
    assert not [secret for secret in secrets if secret in text]


async def test_bulk_stops_when_there_are_no_credentials(house: Callable[..., Any]) -> None:
    home = await house()
    token = home.token()
    home.engine.refresh_token = "another-process-has-been-here"
    async with home.client(token) as gong:
        report = await gong.update_many(TaskUpdate(n, "1", status="DONE") for n in range(1, 1000))
    assert (report.failed, report.updated) == (0, 0)
    assert "Authorize the app again" in str(report.stopped_because)


class TestVault:
    async def test_a_function_is_asked_once_and_again_after_a_refusal(
        self, house: Callable[..., Any]
    ) -> None:
        home = await house()
        asked = 0

        async def vault() -> Credentials:
            nonlocal asked
            asked += 1
            await asyncio.sleep(1)
            return BearerToken(home.engine.issue_token(asyncio.get_running_loop().time()))

        async with home.client(vault) as gong:
            await asyncio.gather(*(gong.update_task(home.update()) for _ in range(5)))
            assert asked == 1
            home.engine.expire_tokens()
            await asyncio.gather(*(gong.update_task(home.update()) for _ in range(5)))
        assert asked == 2

    async def test_a_plain_function_may_do(self, house: Callable[..., Any]) -> None:
        home = await house()
        async with home.client(
            lambda: AccessKey(home.engine.access_key, home.engine.access_key_secret)
        ) as gong:
            await gong.update_task(home.update())

    async def test_the_same_credentials_again_are_not_tried_again(self, house: Callable[..., Any]) -> None:
        home = await house()
        async with home.client(lambda: AccessKey("wrong", "wrong")) as gong:
            with pytest.raises(AuthenticationError):
                await gong.update_task(home.update())
        assert home.engine.ledger.calls == 1

    async def test_what_it_raises_is_the_cause(self, house: Callable[..., Any]) -> None:
        home = await house()

        def vault() -> Credentials:
            raise LookupError("sealed")

        async with home.client(vault) as gong:
            with pytest.raises(CredentialsError, match="LookupError") as caught:
                await gong.update_task(home.update())
        assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.parametrize(
    ("values", "settings", "named"),
    [
        (("", "s", "r"), {}, "client_id"),
        (("c", "s s", "r"), {}, "client_secret"),
        (("c", "s", ""), {}, "refresh_token"),
        (("c", "s", "r"), {"expires_at": datetime(2026, 1, 1)}, "expires_at"),  # noqa: DTZ001 - the point
        (("c", "s", "r"), {"token_url": "http://app.gong.io/x"}, "unencrypted"),
        (("c", "s", "r"), {"arguments": "header"}, "header"),
    ],
)
def test_what_makes_no_sense_is_refused_early(
    values: tuple[str, str, str], settings: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        OAuthToken(*values, save=lambda _: None, **settings)
