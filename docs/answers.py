"""The table of docs/reference/answers.md, printed from the code: `python docs/answers.py --rewrite`.

A test compares the page with what this prints.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from gong_tasks_async.errors import GongError, Meaning, RateLimitError, TransportError
from gong_tasks_async.errors.meaning import Retries
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.responses import judge

PAGE = Path(__file__).parent / "reference" / "answers.md"
REQUEST = HttpRequest("PATCH", "/v2/tasks/7")
BODIES = {
    True: b'{"requestId": "4al018gzaztcr8nbukw", "errors": ["No."]}',
    False: b"<html><title>Welcome</title></html>",
}
RESULT = b'{"requestId": "4al018gzaztcr8nbukw", "tasks": [{"id": 7}]}'
MEANINGS = {
    Meaning.ROW: "of the row: it failed",
    Meaning.RUN: "of the run: it stops at once, rows stay pending",
    Meaning.RUN_UNTIL_SUCCESS: "of the run while nothing has succeeded: it stops at the third; then of the row",
    Meaning.PAUSE: "no call for now: the run stops or waits, rows stay pending",
    Meaning.LATER: "none: the row stays pending, and counts toward `stop_after`",
}
RETRIES = {
    Retries.NEVER: "no",
    Retries.FEW: "`attempts_on_500`",
    Retries.TWICE: "once",
    Retries.POLICY: "`attempts`",
}
STATUSES = (
    *range(200, 208),
    226,
    *range(300, 309),
    *range(400, 432),
    451,
    *range(500, 512),
    *range(520, 531),
)
INTRODUCTION = """# Responses

What a response means, by its status and by whether it is in Gong's envelope: a JSON object with `requestId`, `errors` or the key of the call.
Only such a response is Gong's verdict on a row; any other comes from a server in between, such as a proxy, and settles nothing.

"""


def page() -> str:
    """The whole page."""
    head = "| status | in Gong's envelope | error | verdict | sent again |\n|---|---|---|---|---|\n"
    return INTRODUCTION + head + "".join(map("| {} |\n".format, map(" | ".join, _rows())))


def _rows() -> Iterator[tuple[str, ...]]:
    yield "2xx", "yes, with a result", "", "of the row: it is done", ""
    inside, outside = _grouped(in_envelope=True), _grouped(in_envelope=False)
    for outcome, statuses in inside.items():
        envelope = "yes, with `errors`" if statuses[0] < 300 else "yes"
        yield _shown(statuses), "yes or no" if outside.get(outcome) == statuses else envelope, *outcome
    for outcome, statuses in outside.items():
        if inside.get(outcome) != statuses:
            yield _shown(statuses), "no", *outcome
    lost = TransportError(reason="")
    yield "none", "", "`TransportError`", MEANINGS[lost.meaning], RETRIES[lost.retries]


def _grouped(*, in_envelope: bool) -> dict[tuple[str, str, str], list[int]]:
    """The statuses by what they mean; a 2xx apart."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for status in STATUSES:
        groups.setdefault(_judged(status, in_envelope=in_envelope), []).append(status)
    return groups


def _judged(status: int, *, in_envelope: bool) -> tuple[str, str, str]:
    outcome = judge(HttpResponse(status, {}, BODIES[in_envelope]), REQUEST)
    assert isinstance(outcome, GongError)  # noqa: S101 - none of the bodies holds a result
    again = "after Retry-After" if isinstance(outcome, RateLimitError) else RETRIES[outcome.retries]
    return f"`{type(outcome).__name__}`", MEANINGS[outcome.meaning], again


def _shown(statuses: list[int]) -> str:
    """Statuses in a row as a range, such as `502 to 504`; those that nobody uses are left out."""
    ranges: list[list[int]] = []
    for status in statuses:
        before = STATUSES[STATUSES.index(status) - 1]
        if ranges and ranges[-1][-1] == before:
            ranges[-1].append(status)
        else:
            ranges.append([status])
    return ", ".join(str(one[0]) if len(one) == 1 else f"{one[0]} to {one[-1]}" for one in ranges)


if __name__ == "__main__":
    if "--rewrite" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
