"""How answers look: Gong's JSON, and the pages of the proxy in front of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from random import Random
from string import ascii_lowercase, digits
from typing import Any

import attrs

from gong_tasks_async.simulator.faults import Fault, InjectedFault
from gong_tasks_async.simulator.pages import HTML, PAGES, Page
from gong_tasks_async.simulator.wire import JSON, RefusedError, Response

_GARBAGE = b'{"requestId":"4al018gzaztcr8nbukw","tasks":[{"id":90679314411938\x00\xff<'


@attrs.frozen
class ResponseWriter:
    """Writes answers, each with a request id and a ray id of its own."""

    random: Random

    def ok(self, body: Mapping[str, Any]) -> Response:
        """Answer a call that went well."""
        return self._json(HTTPStatus.OK, body, {})

    def refusal(self, refused: RefusedError) -> Response:
        """Answer with an error in Gong's envelope."""
        body = {**refused.extra, "errors": list(refused.errors)}
        return self._json(refused.status, body, refused.headers)

    def fault_response(self, injected: InjectedFault) -> Response | None:
        """Answer with a fault that takes the place of the call, if it is one of those."""
        match injected.fault:
            case Fault.RESET_BEFORE:
                return Response(0, {}, b"", Fault.RESET_BEFORE)
            case Fault.SERVER_ERROR:
                refused = RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error occurred")
                return attrs.evolve(self.refusal(refused), fault=injected.fault)
            case Fault.TOO_MANY:
                return attrs.evolve(self.too_many(injected.retry_after or "1"), fault=injected.fault)
            case fault if fault in PAGES:
                return self._page(PAGES[fault], fault)
            case _:
                return None

    def too_many(self, retry_after: str) -> Response:
        """Ask to come back later."""
        return self.refusal(refuse_too_many(retry_after))

    def _json(self, status: HTTPStatus, body: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
        request_id = "".join(self.random.choices(ascii_lowercase + digits, k=19))
        text = json.dumps({"requestId": request_id, **body}, separators=(",", ":"), ensure_ascii=False)
        encoded = text.encode(
            errors="replace"
        )  # a request may hold half a surrogate pair, and is quoted back
        return Response(status, {"Content-Type": JSON, **self._ray(), **headers}, encoded)

    def _page(self, page: Page, fault: Fault) -> Response:
        kind = {"Content-Type": HTML} if page.body else {}
        ray = self._ray() if page.by_cloudflare else {}
        return Response(page.status, {**kind, **ray, **page.headers}, page.body, fault)

    def _ray(self) -> dict[str, str]:
        return {"CF-Ray": f"{self.random.getrandbits(64):016x}-FRA"}


def refuse_too_many(retry_after: str) -> RefusedError:
    """Make the refusal of a call beyond a limit."""
    text = "API rate limit exceeded. Try again later."
    return RefusedError(HTTPStatus.TOO_MANY_REQUESTS, text, headers={"Retry-After": retry_after})


def with_fault(response: Response, fault: Fault) -> Response:
    """Mark an answer with the fault of its delivery."""
    body = _GARBAGE if fault is Fault.GARBLED else response.body
    return attrs.evolve(response, body=body, fault=fault)
