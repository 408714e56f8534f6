"""Credentials of the user's own making."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from aiohttp import web

from gong_tasks_async import AccessDeniedError, BearerToken, GongTasksClient
from gong_tasks_async.simulator import memory_session

pytestmark = pytest.mark.virtual


class Signer:
    """Credentials that other libraries can call."""

    authorization = "Bearer t0ken"
    secrets = ("t0ken",)

    def __call__(self, request: object) -> object:
        return request


class Open:
    """Credentials with nothing to hide, such as for a proxy that adds its own."""

    authorization = "Bearer none"
    secrets: tuple[str, ...] = ()


class Blank(Open):
    secrets = ("",)


@dataclass
class Vault:
    """A function with a memory; not hashable, as dataclasses are."""

    path: str

    def __call__(self) -> BearerToken:
        return BearerToken("t0ken")


@pytest.mark.parametrize(
    "credentials", [Signer(), Open(), Blank(), Vault("gong/token")], ids=lambda one: type(one).__name__
)
async def test_credentials_of_any_make_sign_and_leave_messages_whole(
    credentials: Signer | Open | Vault,
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"errors": [request.headers["Authorization"].partition(" ")[0]]}, status=403)

    app = web.Application()
    app.router.add_post("/v2/tasks", refuse)
    async with (
        memory_session(app) as session,
        GongTasksClient(credentials, base_url="http://localhost", session=session) as gong,
    ):
        with pytest.raises(AccessDeniedError) as caught:
            await gong.list_tasks("1")
    assert caught.value.errors == ("Bearer",)
