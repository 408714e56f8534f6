"""No tracker, printer or log sees a secret or a person's data, whichever way a call ends.

Ways: our own errors, a caller's timeout, a cancellation, `wait_for`, the failure of a sibling in a TaskGroup. Eyes: frames
as Sentry walks them, rich's and structlog's tracebacks with locals, DEBUG logs of aiohttp and asyncio, the pickle of an
error, its facts, `str` and `repr`.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import pickle
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any
from urllib.parse import quote

import attrs
import pytest
from aiohttp import web

from gong_tasks_async import (
    AccessKey,
    BearerToken,
    Event,
    GongError,
    GongTasksClient,
    OAuthGrant,
    OAuthToken,
    RedisQuota,
    RetryPolicy,
    TaskUpdate,
    Unlimited,
)
from gong_tasks_async.distributed import Jobs, Worker
from gong_tasks_async.simulator import memory_session

KEY, SECRET, NAME = "QWERTYACCESSKEY", "zxcvbnSECRETlkjh", "Zaphod Beeblebrox"
TOKEN, REFRESH, NEXT = "bearer-TOKEN-4711", "refresh-TOKEN-1", "refresh-TOKEN-2"
PAIR = b64encode(f"{KEY}:{SECRET}".encode()).decode()
PLANTED = (SECRET, PAIR, TOKEN, REFRESH, NEXT, NAME)
UPDATE = TaskUpdate(7, "234", status="DONE")
TASK = {"id": 7, "userId": "234", "title": NAME, "contact": {"data": {"firstName": NAME}}}


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def secrets_of(request: web.Request) -> str:
    """What this request knows, in clear."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    sent = request.query.get("refresh_token", "")
    return f"{value} {b64decode(value).decode() if scheme == 'Basic' else ''} {sent}".strip()


def answering(status: int, body: object, **headers: str) -> Handler:
    """Answer with the body; ``ECHO`` in it stands for the secrets of the request."""

    async def answer(request: web.Request) -> web.Response:
        echo = secrets_of(request)
        text = (body if isinstance(body, str) else json.dumps(body)).replace("ECHO", echo)
        shown = {name: value.replace("ECHO", quote(echo)) for name, value in headers.items()}
        return web.Response(status=status, text=text, headers={"X-Echo": echo, **shown})

    return answer


async def hang(_: web.Request) -> web.Response:
    await asyncio.sleep(10_000)
    raise AssertionError


async def hang_in_body(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "9999"})
    await response.prepare(request)
    await response.write(f'{{"requestId": "r", "tasks": [{{"id": 7, "title": "{NAME}"'.encode())
    await asyncio.sleep(10_000)
    return response


async def cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "9999"})
    await response.prepare(request)
    await response.write(f'{{"requestId": "r", "tasks": [{{"id": 7, "title": "{NAME}"'.encode())
    assert request.transport is not None
    request.transport.close()
    return response


ECHO = {"requestId": "r", "errors": ["bad ECHO"]}
ENDINGS: dict[str, Handler] = {
    **{f"a {status}": answering(status, ECHO) for status in (400, 401, 403, 404, 409, 429, 500, 503)},
    "a page": answering(200, "<html><title>ECHO</title>"),
    "a redirect": answering(302, "", Location="https://elsewhere.example/ECHO"),
    "no tasks": answering(200, {"requestId": "r", "tasks": None, "who": NAME}),
    "a task without an id": answering(200, {"requestId": "r", "tasks": [{**TASK, "id": None}]}),
    "another task": answering(200, {"requestId": "r", "tasks": [{**TASK, "id": 8}]}),
    "an odd field": answering(200, {"requestId": "r", "tasks": [{**TASK, "flow": [NAME]}]}),
    "odd tasks": answering(200, {"requestId": "r", "tasks": NAME}),
    "no JSON": answering(200, f'{{"requestId": "r", "tasks": [{{"title": "{NAME}"'),
    "cut": cut,
}


# --- the eyes


def tracebacks(error: BaseException) -> Iterator[TracebackType]:
    """All that a tracker follows from an error."""
    seen: list[BaseException] = []
    queue = [error]
    while queue:
        one = queue.pop()
        if one in seen:
            continue
        seen.append(one)
        before = one.__cause__ if one.__suppress_context__ else one.__context__
        queue += [] if before is None else [before]
        queue += list(one.exceptions) if isinstance(one, BaseExceptionGroup) else []
        if one.__traceback__ is not None:
            yield one.__traceback__


def frames(error: BaseException) -> Iterator[FrameType]:
    for traceback in tracebacks(error):
        step: TracebackType | None = traceback
        while step is not None:
            if Path(step.tb_frame.f_code.co_filename) != Path(__file__):  # this file knows the secrets
                yield step.tb_frame
            step = step.tb_next


def sentry(error: BaseException) -> str:
    """Variables, of containers also what is inside, by `repr`."""

    def shown(value: object, depth: int = 3) -> str:
        if depth and isinstance(value, dict):
            return "".join(shown(part, depth - 1) for pair in value.items() for part in pair)
        if depth and isinstance(value, list | tuple | set):
            return "".join(shown(part, depth - 1) for part in value)
        return repr(value)

    return "\n".join(
        f"{frame.f_code.co_qualname} {k} = {shown(v)}"
        for frame in frames(error)
        for k, v in dict(frame.f_locals).items()
    )


def rich(error: BaseException) -> str:
    pretty = pytest.importorskip("rich.pretty")
    return "\n".join(
        pretty.pretty_repr(value, max_depth=6)
        for frame in frames(error)
        for value in dict(frame.f_locals).values()
    )


def structlog(error: BaseException) -> str:
    tracebacks = pytest.importorskip("structlog.tracebacks")
    stacks = tracebacks.extract(
        type(error), error, error.__traceback__, show_locals=True, locals_max_string=10_000
    )
    own = [frame for stack in stacks.stacks for frame in stack.frames if frame.filename != __file__]
    return "\n".join([str(stack.exc_value) for stack in stacks.stacks] + [str(frame.locals) for frame in own])


def text(error: BaseException) -> str:
    return f"{error} {error!r} {error.args}"


def facts(error: BaseException) -> str:
    return str(attrs.asdict(error)) if attrs.has(type(error)) else ""  # type: ignore[arg-type]  # an attrs class


def pickled(error: BaseException) -> str:
    return pickle.dumps(error, 0).decode("latin-1") if isinstance(error, GongError) else ""


EYES: dict[str, Callable[[BaseException], str]] = {
    "sentry": sentry,
    "rich": rich,
    "structlog": structlog,
    "text": text,
    "facts": facts,
    "pickle": pickled,
}


def leaks(seen: str) -> list[str]:
    return [word for word in PLANTED if word in seen]


# --- the ways


@asynccontextmanager
async def client(
    handler: Handler, credentials: Any = None, **settings: Any
) -> AsyncIterator[GongTasksClient]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    usual: dict[str, Any] = {
        "base_url": "http://localhost",
        "quota": Unlimited(),
        "retry": RetryPolicy(attempts=1, attempts_on_500=1, max_wait=0.0),
    }
    async with (
        memory_session(app) as session,
        GongTasksClient(credentials or AccessKey(KEY, SECRET), session=session, **usual | settings) as gong,
    ):
        yield gong


async def ended(call: Awaitable[object]) -> BaseException | None:
    try:
        await call
    except BaseException as error:  # noqa: BLE001 - of a cancellation too
        return error
    return None


async def by_timeout(call: Awaitable[object]) -> BaseException | None:
    async def timed() -> None:
        async with asyncio.timeout(0.5):
            await call

    return await ended(timed())


async def by_wait_for(call: Awaitable[object]) -> BaseException | None:
    return await ended(asyncio.wait_for(call, 0.5))


async def by_cancel(call: Awaitable[object]) -> BaseException | None:
    task = asyncio.ensure_future(call)
    await asyncio.wait({task}, timeout=0.5)
    task.cancel()
    return await ended(task)


async def by_sibling(call: Awaitable[object]) -> BaseException | None:
    async def fail() -> None:
        await asyncio.sleep(0.5)
        raise ZeroDivisionError

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())
            await call

    return await ended(group())


WAYS = {"timeout": by_timeout, "wait_for": by_wait_for, "cancel": by_cancel, "sibling": by_sibling}


def calls(gong: GongTasksClient) -> dict[str, Callable[[], Awaitable[object]]]:
    return {
        "list": lambda: gong.list_tasks("234"),
        "update": lambda: gong.update_task(UPDATE),
        "users": lambda: gong.find_users(["a@x.example"]),
    }


def assert_unseen(error: BaseException | None, eye: str) -> None:
    if error is not None:
        seen = EYES[eye](error)
        assert leaks(seen) == [], [line for line in f"{error!r}\n{seen}".splitlines() if leaks(line)]


@pytest.mark.virtual
@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("ending", ENDINGS)
async def test_our_own_errors_show_nothing(ending: str, eye: str) -> None:
    for credentials in (AccessKey(KEY, SECRET), BearerToken(TOKEN)):
        for settings in ({}, {"strict": True}):
            async with client(ENDINGS[ending], credentials, **settings) as gong:
                for make in calls(gong).values():
                    assert_unseen(await ended(make()), eye)


@pytest.mark.virtual
@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", ["before the response", "in its body"])
async def test_a_call_that_is_broken_off_shows_nothing(where: str, way: str, eye: str) -> None:
    handler = hang if where == "before the response" else hang_in_body
    for credentials in (AccessKey(KEY, SECRET), BearerToken(TOKEN)):
        async with client(handler, credentials) as gong:
            for make in calls(gong).values():
                error = await WAYS[way](make())
                assert error is not None
                assert_unseen(error, eye)


def token_app(status: int, body: object) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        if "token" in request.path:
            return await answering(status, body)(request)
        return await answering(401, ECHO)(request)

    return answer


TOKEN_BODIES: dict[str, tuple[int, object]] = {
    "used up": (400, {"error": "invalid_grant", "error_description": "ECHO"}),
    "half": (200, {"access_token": TOKEN, "expires_in": 60}),
    "foreign address": (
        200,
        {"access_token": TOKEN, "refresh_token": NEXT, "api_base_url_for_customer": "https://evil.example"},
    ),
    "refused later": (200, {"access_token": TOKEN, "refresh_token": NEXT}),
}


@pytest.mark.virtual
@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("body", TOKEN_BODIES)
async def test_a_refresh_that_fails_shows_nothing(body: str, eye: str) -> None:
    def fails(_: OAuthGrant) -> None:
        raise ZeroDivisionError

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", token_app(*TOKEN_BODIES[body]))
    async with memory_session(app) as session:
        for save in (fails, lambda _: None):
            token = OAuthToken("client-id", SECRET, REFRESH, save=save, session=session)
            async with GongTasksClient(token, session=session, quota=Unlimited()) as gong:
                error = await ended(gong.list_tasks("234"))
                assert isinstance(error, GongError)
                assert_unseen(error, eye)


REFUSED: dict[str, Callable[[], object]] = {
    "a secret with a line break": lambda: AccessKey(KEY, f"{SECRET}\n"),
    "a secret without a key": lambda: AccessKey("", SECRET),
    "a token with a blank": lambda: BearerToken(f"{TOKEN} "),
    "an app without an id": lambda: OAuthToken("", SECRET, REFRESH, save=lambda _: None),
    "an app with a secret in its address": lambda: OAuthToken(
        "id", SECRET, REFRESH, save=lambda _: None, token_url=f"https://u:{SECRET}@h"
    ),
    "credentials that are text": lambda: GongTasksClient(SECRET),  # type: ignore[arg-type]  # refused
    "a secret in the address": lambda: GongTasksClient(
        AccessKey(KEY, SECRET), base_url=f"https://u:{SECRET}@h"
    ),
    "a secret in the proxy": lambda: GongTasksClient(
        AccessKey(KEY, SECRET), proxy=f"socks5://u:{SECRET}@h:1"
    ),
    "an environment without a key": GongTasksClient.from_env,
    "a profile that is not there": lambda: GongTasksClient.from_profile("nobody"),
    "a quota's password": lambda: RedisQuota(f"redis://:a/{SECRET}@h/0", company="acme"),
    "the jobs' password": lambda: Jobs(f"redis://:{SECRET}@h/0?nonsense=1", company="acme"),
    "a worker's credentials": lambda: Worker(
        f"redis://:{SECRET}@h:p/0",
        company="acme",
        credentials={"default": {"credentials": AccessKey(KEY, SECRET)}},
    ),
}


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("refused", REFUSED)
def test_a_refused_setting_shows_nothing(refused: str, eye: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONG_ACCESS_KEY_SECRET", SECRET)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - whose text is another test's
        REFUSED[refused]()
    assert_unseen(caught.value, eye)


@pytest.mark.virtual
@pytest.mark.parametrize("ending", [*ENDINGS, "good"])
async def test_no_log_and_no_event_shows_anything(ending: str, caplog: pytest.LogCaptureFixture) -> None:
    events: list[Event] = []
    handler = ENDINGS.get(ending, answering(200, {"requestId": "r", "tasks": [TASK]}))
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    try:
        with caplog.at_level(logging.DEBUG):
            async with client(handler, on_event=events.append) as gong:
                for make in calls(gong).values():
                    await ended(make())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(gong.list_tasks("234"), 0)
    finally:
        loop.set_debug(False)
    own = "\n".join(f"{r.getMessage()} {r.__dict__}" for r in caplog.records if r.name != "aiohttp.access")
    assert leaks(own) == []
    assert leaks("\n".join(f"{event!r} {attrs.asdict(event)}" for event in events)) == []


VALUES = [
    AccessKey(KEY, SECRET),
    BearerToken(TOKEN),
    OAuthGrant(access_token=TOKEN, refresh_token=NEXT, expires_at=None),  # type: ignore[arg-type]  # shown, not used
    OAuthToken("client-id", SECRET, REFRESH, save=lambda _: None, access_token=TOKEN),
    GongTasksClient(AccessKey(KEY, SECRET), quota=Unlimited()),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_no_printer_shows_the_secrets_of_a_value(value: Any) -> None:
    console = pytest.importorskip("rich.console").Console(file=io.StringIO(), width=200)
    console.print(value, [value], {"it": value})
    parts = (
        attrs.asdict(value) if attrs.has(type(value)) else vars(value) if hasattr(value, "__dict__") else {}
    )
    shown = f"{value!r} {value} {[value]} {parts} {console.file.getvalue()}"
    assert leaks(shown) == []


@pytest.mark.parametrize("value", VALUES[:3], ids=lambda value: type(value).__name__)
def test_no_field_that_holds_a_secret_is_in_a_repr(value: Any) -> None:
    for attribute in attrs.fields(type(value)):
        held = getattr(value, attribute.name)
        if any(word == held or (isinstance(held, str) and word in str(held)) for word in PLANTED):
            assert attribute.repr is False
            assert leaks(repr(held)) == []


@pytest.mark.parametrize("eye", EYES)
async def test_a_proxy_that_cannot_be_reached_shows_no_password(eye: str) -> None:
    proxy = f"http://proxy-user:{SECRET}@127.0.0.1:1"
    settings: dict[str, Any] = {"retry": RetryPolicy(attempts=1), "quota": Unlimited(), "proxy": proxy}
    async with GongTasksClient(BearerToken(TOKEN), **settings) as gong:
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: gong.list_tasks("234"),
            lambda: asyncio.wait_for(gong.list_tasks("234"), 0.001),
        ]
        for call in calls:
            error = await ended(call())
            assert error is not None
            assert_unseen(error, eye)
