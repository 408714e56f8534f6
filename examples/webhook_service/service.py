"""A web service that marks a task as done when it receives a webhook.

    GONG_ACCESS_KEY=... GONG_ACCESS_KEY_SECRET=... GONG_BASE_URL=... WEBHOOK_SECRET=... python service.py

    body='{"taskId": "9067931441193858457", "userId": "234599484848423"}'
    hex=$(printf %s "$body" | openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" -r | cut -d' ' -f1)
    curl -d "$body" -H "X-Signature-256: sha256=$hex" http://localhost:8080/task-done

`gong-tasks simulator` starts a simulated Gong to try it with. FastAPI is the same story: open the client in its
`lifespan`, map the errors in an `exception_handler`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from gong_tasks_async import (
    DeadlineExceeded,
    GongError,
    GongTasksClient,
    RateLimitError,
    TaskNotFoundError,
    TaskStatus,
    TaskUpdate,
)

GONG = web.AppKey("GONG", GongTasksClient)
SECRET = web.AppKey("SECRET", bytes)

# Seconds. Most senders of webhooks time out after 10 to 30 and send again; a later response means doing it twice.
TIMEOUT = 8.0
SOON = 60.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(
    secret: str, make_client: Callable[[], GongTasksClient] = GongTasksClient.from_env
) -> web.Application:
    """Build the service; tests hand in a client of their own."""
    if not secret:
        raise ValueError("WEBHOOK_SECRET is empty: anyone could close tasks")

    async def open_client(app: web.Application) -> AsyncIterator[None]:
        # One client for the whole service: connections are reused, and its quota counts every call.
        async with make_client() as gong:
            app[GONG] = gong.with_options(timeout=TIMEOUT)
            yield

    app = web.Application(middlewares=[explain_errors])
    app[SECRET] = secret.encode()
    app.cleanup_ctx.append(open_client)
    app.router.add_post("/task-done", task_done)
    return app


async def task_done(request: web.Request) -> web.Response:
    """Mark the task as done. A webhook that comes twice does no harm: the second changes nothing."""
    body = await request.read()
    check_signature(request.app[SECRET], body, request.headers.get("X-Signature-256", ""))
    task = await request.app[GONG].update_task(read_update(body))
    # As text: JavaScript loses the digits of ids past 2**53.
    return web.json_response({"taskId": str(task.id), "status": task.status})


def check_signature(secret: bytes, body: bytes, given: str) -> None:
    """Check that a body was signed with our secret."""
    expected = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
    # compare_digest takes constant time, so that a signature cannot be guessed digit by digit.
    if not hmac.compare_digest(expected.encode(), given.encode(errors="replace")):
        raise web.HTTPUnauthorized(text="The signature is missing or wrong")


def read_update(body: bytes) -> TaskUpdate:
    """Parse the update; the library validates its values."""
    try:
        wanted = json.loads(body)
        return TaskUpdate(int(wanted["taskId"]), str(wanted["userId"]), status=TaskStatus.DONE)
    except (ValueError, TypeError, KeyError) as error:
        raise web.HTTPBadRequest(text=f"Expected taskId and userId as JSON: {error}") from None


@web.middleware
async def explain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Map errors to HTTP statuses for the sender."""
    try:
        return await handler(request)
    except TaskNotFoundError as error:
        return problem(HTTPStatus.NOT_FOUND, error)
    except RateLimitError as error:  # a spent day too
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error, error.retry_after or SOON)
    except DeadlineExceeded as error:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error, error.estimate or SOON)
    except GongError as error:  # no response, a server error, wrong credentials
        return problem(HTTPStatus.BAD_GATEWAY, error)


def problem(status: HTTPStatus, error: GongError, retry_after: float | None = None) -> web.Response:
    """Send an error's text, which never holds a credential."""
    headers = {} if retry_after is None else {"Retry-After": str(math.ceil(retry_after))}
    return web.json_response({"error": str(error)}, status=status, headers=headers)


if __name__ == "__main__":
    web.run_app(make_app(os.environ.get("WEBHOOK_SECRET", "")), port=int(os.environ.get("PORT", "8080")))
