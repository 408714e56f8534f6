"""Credentials of the user's own making."""

from __future__ import annotations

import pytest
from aiohttp import web

from gong_tasks_async import AccessDeniedError, GongTasksClient
from gong_tasks_async.simulator import memory_session

pytestmark = pytest.mark.virtual


class Open:
    """Credentials with nothing to hide, such as for a proxy that adds its own."""

    authorization = "Bearer none"
    secrets: tuple[str, ...] = ()


class Blank(Open):
    secrets = ("",)


@pytest.mark.parametrize("credentials", [Open(), Blank()], ids=lambda one: type(one).__name__)
async def test_credentials_of_any_make_sign_and_leave_messages_whole(
    credentials: Open,
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
