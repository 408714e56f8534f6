"""Stand-ins for the network, for tests of what happens above it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterable

from attrs import evolve

from gong_tasks_async import Credentials, GongTasksClient, TransportError
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.transport import Transport

Answer = HttpResponse | Exception | Callable[[HttpRequest], HttpResponse]


def answer(status: int = 200, body: object = None, **headers: str) -> HttpResponse:
    """An answer as the transport would hand it up; header names with ``_`` for ``-``."""
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, spelled, json.dumps(body or {"requestId": "r", "tasks": []}).encode())


def html(status: int, **headers: str) -> HttpResponse:
    """A page of somebody in front of Gong."""
    return evolve(answer(status, **headers), body=b"<html><title>Welcome</title></html>")


def task_answer(request: HttpRequest) -> HttpResponse:
    """The answer to a PATCH: just the task's id, which is all that a task must have."""
    return HttpResponse(200, {}, b'{"tasks":[{"id":%s}]}' % request.path.rpartition("/")[2].encode())


def lost() -> TransportError:
    return TransportError(reason="ConnectionResetError: made up")


class ScriptedTransport:
    """Gives the scripted answers in turn, then the last one for ever; remembers what was sent, and when."""

    def __init__(self, *answers: Answer, seconds: float = 0.0) -> None:
        self.answers = list(answers) or [task_answer]
        self.seconds = seconds
        self.sent: list[tuple[float, HttpRequest]] = []
        self.signed: list[Credentials] = []
        self.base_url = "https://api.gong.io"
        self.closed = 0

    @property
    def times(self) -> list[float]:
        return [moment for moment, _ in self.sent]

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ARG002, ASYNC109 - the protocol's
        self.sent.append((asyncio.get_running_loop().time(), request))
        if self.seconds:
            await asyncio.sleep(self.seconds)
        scripted = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(scripted, Exception):
            raise scripted
        return scripted if isinstance(scripted, HttpResponse) else scripted(request)

    def use(self, credentials: Credentials, base_url: str | None = None) -> None:
        self.signed.append(credentials)
        self.base_url = base_url or self.base_url

    async def close(self) -> None:
        self.closed += 1


class ScriptedClient(GongTasksClient):
    """A client whose network is a script."""

    transport: Transport = ScriptedTransport()

    def _open_transport(self) -> Transport:
        return self.transport


def times_between(moments: Iterable[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(moments)]
