"""Where a credential may go: no data can send it to a host that is neither Gong's nor the user's own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, strategies as st
from yarl import URL

from gong_tasks_async import CredentialsError, GongError, GongTasksClient, OAuthGrant, OAuthToken, Unlimited
from gong_tasks_async.auth.destination import checked_destination, may_receive_credentials
from gong_tasks_async.auth.token_exchange import TOKEN_URL
from gong_tasks_async.simulator import memory_session

GOOD = ["https://us-1.api.gong.io", "https://API.gong.io/", "https://gong.io", "http://localhost:8080",
        "https://127.0.0.1:1", "http://[::1]:7", "https://us-1.api.gong.io/v2"]  # fmt: skip
FOREIGN = ["https://evil.example", "https://gong.io.evil.example", "https://evilgong.io", "https://gong.io:8443",
           "https://xn--gng-tna.io", "https://g\u043eng.io", "https://127.0.0.1.evil.example", "https://evil.example/gong.io",
           "https://localhost.evil.example", "https://[::ffff:8.8.8.8]", "https://gong.io%2eevil.example"]  # fmt: skip
NO_ADDRESS = ["http://us-1.api.gong.io", "https://gong.io@evil.example", "https://evil.example#.gong.io", "gong.io",
              "https://evil.example?.gong.io", "ftp://gong.io", "https://evil.example\\.gong.io", "", "https://", "//gong.io",
              "https://gong.io\n.evil.example"]  # fmt: skip


@pytest.mark.parametrize("base_url", GOOD)
def test_gong_and_this_machine_may_have_credentials(base_url: str) -> None:
    assert checked_destination(base_url)


@pytest.mark.parametrize("base_url", [*FOREIGN, *NO_ADDRESS])
def test_a_foreign_host_may_not(base_url: str) -> None:
    with pytest.raises(ValueError, match=r"credentials|base_url"):
        checked_destination(base_url)


def test_the_exact_configured_address_may_and_no_other_of_its_host() -> None:
    own = ["https://gong.corp.example/api"]
    assert checked_destination("https://gong.corp.example/api/", own)
    for other in (
        "https://gong.corp.example",
        "https://gong.corp.example:8443/api",
        "https://corp.example/api",
    ):
        with pytest.raises(ValueError, match="neither Gong's"):
            checked_destination(other, own)


hosts = st.text("abcgonio.-", min_size=1, max_size=20) | st.sampled_from(
    ["gong.io", "api.gong.io", "localhost"]
)
pieces = st.text("@:/\\#?%[]. \tgong.io012e\u043e\u3002\uff0e", max_size=8)


@given(hosts, pieces, hosts, pieces)
def test_whatever_passes_leads_to_gong_or_to_this_machine(a: str, between: str, b: str, end: str) -> None:
    try:
        checked = checked_destination(f"https://{a}{between}{b}{end}")
    except ValueError:
        return
    host = (URL(checked).host or "").removesuffix(".")  # the root of the names, which leads nowhere else
    assert host in {"localhost", "127.0.0.1", "::1", "gong.io"} or host.endswith(".gong.io")


def test_passing_twice_changes_nothing() -> None:
    for base_url in GOOD:
        assert may_receive_credentials(checked_destination(base_url))


async def signed_hosts(company_url: object, **settings: Any) -> tuple[set[str | None], list[OAuthGrant]]:
    """The hosts that got an Authorization header, where all hosts lead to one server."""
    signed: set[str | None] = set()

    async def anywhere(request: web.Request) -> web.Response:
        if "Authorization" in request.headers:
            signed.add(URL(f"//{request.host}").host)
        if "token" in request.path:
            tokens = {"access_token": "AT", "refresh_token": "NEXT", "expires_in": 1000}
            return web.json_response({**tokens, "api_base_url_for_customer": company_url})
        raise web.HTTPFound("https://evil.example/v2/tasks")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", anywhere)
    saved: list[OAuthGrant] = []
    async with memory_session(app) as session:
        token = OAuthToken("id", "secret", "OLD", save=saved.append, session=session, **settings)
        async with GongTasksClient(token, session=session, quota=Unlimited()) as gong:
            with pytest.raises(GongError):
                await gong.list_tasks("1")
    return signed, saved


@pytest.mark.parametrize("company_url", [url for url in [*FOREIGN, *NO_ADDRESS] if url])
async def test_no_token_response_sends_a_credential_to_a_foreign_host(company_url: str) -> None:
    signed, saved = await signed_hosts(company_url)
    assert signed == {URL(TOKEN_URL).host}
    assert saved[0].refresh_token == "NEXT"


async def test_the_companys_own_address_and_no_redirect_is_followed() -> None:
    signed, _ = await signed_hosts("https://us-7.api.gong.io")
    assert signed == {URL(TOKEN_URL).host, "us-7.api.gong.io"}


async def test_an_address_that_the_user_gave_with_the_token_may_come_back() -> None:
    signed, _ = await signed_hosts("https://gong.corp.example", base_url="https://gong.corp.example")
    assert signed == {URL(TOKEN_URL).host, "gong.corp.example"}


async def test_the_error_names_the_host_and_what_to_do() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(
            {"access_token": "AT", "refresh_token": "R", "api_base_url_for_customer": "https://evil.example"}
        )

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with memory_session(app) as session:
        token = OAuthToken("id", "secret", "OLD", save=lambda _: None, session=session)
        async with GongTasksClient(token, session=session, quota=Unlimited()) as gong:
            with pytest.raises(CredentialsError, match=r"evil\.example .*Set your company's own base URL"):
                await gong.list_tasks("1")
            await asyncio.sleep(0)
