"""A token endpoint that answers as none should, and functions of the user's that misbehave."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, quote_plus

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from gong_tasks_async import (
    ClientStateError,
    CredentialsError,
    GongTasksClient,
    OAuthGrant,
    OAuthToken,
    TaskUpdate,
    Unlimited,
)
from gong_tasks_async.simulator import memory_session
from tests.fakes import ScriptedClient, ScriptedTransport

pytestmark = pytest.mark.virtual

START = datetime(2026, 3, 1, tzinfo=UTC)
REFRESH_TOKEN = "ab/cd+ef:gh=="
DONE = TaskUpdate(7, "1", status="DONE")


def now() -> datetime:
    """The virtual clock, as a date."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


class Office:
    """A token endpoint that answers what it is told to, beside a Gong that takes every token."""

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        self.session = session
        self.status = 200
        self.headers: dict[str, str] = {}
        self.text = '{"access_token": "4ccess", "refresh_token": "an0ther"}'
        self.exchanges = 0
        self.saved: list[OAuthGrant] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/token", self._exchange)
        app.router.add_patch("/v2/tasks/7", self._update)
        return app

    def token(self, **settings: Any) -> OAuthToken:
        usual: dict[str, Any] = {
            "save": self.saved.append,
            "token_url": "http://localhost/token",
            "session": self.session,
            "wall_clock": now,
        }
        return OAuthToken("client", "hush-hush", REFRESH_TOKEN, **usual | settings)

    def client(self, credentials: Any, **settings: Any) -> GongTasksClient:
        usual: dict[str, Any] = {
            "base_url": "http://localhost",
            "session": self.session,
            "quota": Unlimited(),
        }
        return GongTasksClient(credentials, **usual | settings)

    async def failure(self, **settings: Any) -> CredentialsError:
        async with self.client(self.token(**settings)) as gong:
            with pytest.raises(CredentialsError) as caught:
                await gong.update_task(DONE)
        return caught.value

    async def _exchange(self, _: web.Request) -> web.Response:
        self.exchanges += 1
        await asyncio.sleep(1)
        return web.Response(text=self.text, status=self.status, headers=self.headers)

    async def _update(self, _: web.Request) -> web.Response:
        return web.json_response({"tasks": [{"id": 7}]})


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    built = Office()
    async with memory_session(built.app()) as built.session:
        yield built


async def test_a_refresh_token_that_stays_the_same_is_saved_as_it_is(office: Office) -> None:
    office.text = f'{{"access_token": "4ccess", "refresh_token": "{REFRESH_TOKEN}"}}'
    async with office.client(office.token()) as gong:
        await gong.update_task(DONE)
    assert office.saved[0].refresh_token == REFRESH_TOKEN


@pytest.mark.parametrize(
    "text",
    [
        "access_token=4ccess&refresh_token=an0ther",
        '{"access_token": "4ccess", "refresh_token": "an0th',
        '["4ccess", "an0ther"]',
        '"4ccess an0ther"',
        '{"access_token": "4ccess", "refresh_token": ["an0ther"]}',
        '{"access_token": "4ccess"}',
    ],
)
async def test_an_answer_that_cannot_be_read_is_not_quoted(office: Office, text: str) -> None:
    office.text = text
    shown = "".join(traceback.format_exception(await office.failure()))
    assert "cannot be read" in shown
    assert "4ccess" not in shown
    assert "an0th" not in shown


DEEP = 2_000
"""Levels; parsers give up at about 1,000."""


@pytest.mark.parametrize(
    "value",
    ["[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, '[{"]": "[{"},' * DEEP + "0" + "]" * DEEP],
)
@pytest.mark.parametrize(
    "place",
    [
        '{"x": %s, "access_token": "4ccess", "refresh_token": "an0ther"}',
        '{"access_token": "4ccess", "refresh_token": "an0ther", "x": %s}',
    ],
)
async def test_nothing_nested_however_deeply_loses_the_tokens_beside_it(
    office: Office, value: str, place: str
) -> None:
    office.text = place.replace("%s", value)
    grant = await office.token().refresh(None)
    assert grant.credentials.authorization == "Bearer 4ccess"
    assert [saved.refresh_token for saved in office.saved] == ["an0ther"]


@pytest.mark.parametrize("value", ["[" * DEEP + "]" * DEEP, "[" * DEEP, "]" * DEEP, '{"a":' * DEEP])
async def test_tokens_that_are_nested_deeply_are_one_typed_error_and_the_token_of_before_is_used_on(
    office: Office, value: str
) -> None:
    office.text = f'{{"access_token": {value}, "refresh_token": "an0ther"}}'
    soon = now() + timedelta(minutes=2)
    token = office.token(access_token="0lder", expires_at=soon)
    assert (await token.refresh(None)).credentials.authorization == "Bearer 0lder"
    assert isinstance(await office.failure(), CredentialsError)
    assert office.saved == []


@pytest.mark.parametrize("lifetime", ['"nan"', '"soon"', "[]", "1e300", "-1", '"3600"'])
async def test_no_lifetime_however_odd_loses_the_tokens(office: Office, lifetime: str) -> None:
    office.text = f'{{"access_token": "4ccess", "refresh_token": "an0ther", "expires_in": {lifetime}}}'
    async with office.client(office.token()) as gong:
        await gong.update_task(DONE)
    assert office.saved[0].refresh_token == "an0ther"


@pytest.mark.parametrize("access_token", ["4cc\\ness", "4cc ess", "\\u00fc"])
async def test_an_access_token_that_cannot_be_sent_is_an_error_of_ours(
    office: Office, access_token: str
) -> None:
    office.text = f'{{"access_token": "{access_token}", "refresh_token": "an0ther"}}'
    assert "cannot be sent" in str(await office.failure())
    assert office.saved[0].refresh_token == "an0ther"


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}])
async def test_a_429_of_the_endpoint_is_not_obeyed_for_ever(office: Office, headers: dict[str, str]) -> None:
    office.status, office.headers = 429, headers
    assert "answered 429" in str(await office.failure())
    assert office.exchanges == 3


async def cancelled(*_: object) -> Any:
    """Such as the task of a connection that is being closed."""
    raise asyncio.CancelledError


@pytest.mark.parametrize("kind", ["save", "vault"])
async def test_a_function_that_ends_cancelled_stops_a_bulk_run_as_an_error(office: Office, kind: str) -> None:
    credentials = office.token(save=cancelled) if kind == "save" else cancelled
    async with office.client(credentials) as gong:
        report = await gong.update_many(TaskUpdate(n, "1", status="DONE") for n in range(1, 20))
    assert "CancelledError" in str(report.stopped_because)


async def test_an_error_that_comes_again_does_not_grow(office: Office) -> None:
    office.status = 400
    lengths = []
    async with office.client(office.token()) as gong:
        for _ in range(5):
            with pytest.raises(CredentialsError) as caught:
                await gong.update_task(DONE)
            first = caught.value.__context__
            assert first is not None
            lengths.append(len(list(traceback.walk_tb(first.__traceback__))))
    assert lengths[-1] <= lengths[1]


async def test_a_failure_that_does_no_harm_yet_is_told_once_with_its_reason(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    token = office.token(save=cancelled, access_token="old", expires_at=now() + timedelta(minutes=2))
    async with office.client(token) as gong:
        await asyncio.gather(*(gong.update_task(DONE) for _ in range(20)))
    assert len(caplog.records) == 1
    assert "your `save` raised CancelledError" in caplog.text


async def test_a_close_that_is_cancelled_still_closes_the_session(office: Office) -> None:
    client = ScriptedClient(office.token(), quota=Unlimited())
    client.transport = transport = ScriptedTransport()
    await client.__aenter__()
    call = asyncio.create_task(client.update_task(DONE))
    await asyncio.sleep(0.1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.close(), 0.1)
    assert transport.closed == 1
    await call


async def test_no_spelling_of_a_refresh_token_is_told(office: Office) -> None:
    address = URL("http://localhost/token").with_query(refresh_token=REFRESH_TOKEN)
    office.status = 400
    office.text = json.dumps(
        {"errors": [f"{address} {quote(REFRESH_TOKEN, safe='').lower()} {REFRESH_TOKEN}"]}
    )
    said = str(await office.failure())
    assert said.count("***") == 3
    assert "cd" not in said


async def test_a_form_is_not_among_the_variables_of_a_traceback(office: Office) -> None:
    async with aiohttp.ClientSession() as session:
        pass
    async with office.client(office.token(session=session, arguments="form")) as gong:
        with pytest.raises(ClientStateError) as caught:
            await gong.update_task(DONE)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "request = HttpRequest" in shown
    assert quote_plus(REFRESH_TOKEN) not in shown


async def test_tokens_of_a_few_minutes_are_used_for_half_of_them(office: Office) -> None:
    office.text = '{"access_token": "4ccess", "refresh_token": "an0ther", "expires_in": 240}'
    async with office.client(office.token()) as gong:
        for _ in range(3):
            await gong.update_task(DONE)
        assert office.exchanges == 1
        await asyncio.sleep(120)
        await gong.update_task(DONE)
    assert office.exchanges == 2


async def test_the_words_of_a_standard_refusal_are_told(office: Office) -> None:
    office.status, office.text = (
        400,
        '{"error": "invalid_grant", "error_description": "Refresh token was used"}',
    )
    assert "answered 400, invalid_grant; Refresh token was used" in str(await office.failure())
