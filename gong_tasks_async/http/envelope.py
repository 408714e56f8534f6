"""Gong's envelope: whether a body is in it, and the texts of a body that may be shown."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from gong_tasks_async import codec
from gong_tasks_async.errors import DecodeError
from gong_tasks_async.errors.kinds import is_list
from gong_tasks_async.http.messages import HttpRequest, HttpResponse

MAX_PARSED: Final = 64 * 2**10
"""Bytes that are parsed to look for the envelope, in a third of a millisecond; a longer body is searched at its ends."""
MAX_PARSED_IN_DOUBT: Final = 2**18
"""The same where neither end of a longer body names a key of the envelope."""
EDGE: Final = 4096
"""Bytes at either end in which a key of the envelope or the title of a page is looked for."""
REQUEST_ID: Final = re.compile(rb'"requestId"\s{0,9}:\s{0,9}"([^"\\]{1,100})"')
CRM_TYPE: Final = re.compile(rb'"crmType"\s{0,9}:\s{0,9}"([^"\\]{1,100})"')

MAX_MESSAGES, MAX_MESSAGE, MAX_ID, MAX_HEADER = 10, 300, 100, 1_000
"""Messages of an error, and characters of one, of an id, of a header: a proxy's page is worth no more."""
MAX_LOOKED_AT: Final = 8 * 2**10
"""Characters of a text that are searched for secrets, at 60 ms a megabyte."""
MAX_SECRET: Final = 2 * 2**10
"""Characters of a secret; a longer one cannot be sent in a header."""


def envelope_of(response: HttpResponse, request: HttpRequest) -> tuple[dict[str, Any] | None, bool]:
    """Gong's envelope, None where the body is not in it; and whether it is the whole body, read exactly.

    Of a long body it is what its ends show. An odd number or character makes no response another's.
    """
    body = response.body
    if response.truncated or len(body) > MAX_PARSED:
        seen = _seen_at_ends(body, {"requestId", "errors", request.result_key, request.error_key})
        if request.result_key in seen or (seen and response.truncated):
            return seen, False
    if response.truncated or len(body) > MAX_PARSED_IN_DOUBT:
        return None, False
    exact = _object(body)
    root = exact or _object(body, lenient=True)
    return (root, bool(exact)) if _is_envelope(root, request) else (None, False)


def _is_envelope(root: dict[str, Any], request: HttpRequest) -> bool:
    if request.result_key in root or "errors" in root or request.error_key in root:
        return True
    return isinstance(root.get("requestId"), str)


def _object(body: bytes, *, lenient: bool = False) -> dict[str, Any]:
    """The JSON object that a body is; empty where it is none."""
    try:
        return codec.json_object(body, lenient=lenient)
    except DecodeError:
        return {}


def is_cut(response: HttpResponse) -> bool:
    """Whether a body that the end of the connection ended is the beginning of a JSON object."""
    if response.framed or response.truncated or not _opens_object(response.body):
        return False
    if not response.body[-EDGE:].rstrip().endswith(b"}"):
        return True
    return len(response.body) <= MAX_PARSED_IN_DOUBT and not _object(response.body, lenient=True)


def reference(pattern: re.Pattern[bytes], body: bytes) -> str | None:
    """What a pattern finds at either end of a body."""
    found = pattern.search(body[:EDGE]) or pattern.search(body[-EDGE:])
    return found[1].decode("utf-8", "replace") if found else None


def request_id_of(response: HttpResponse) -> str | None:
    """Gong's reference for a request, from the body or, as it sends the same, from the header."""
    found = (response.envelope or {}).get("requestId") or reference(REQUEST_ID, response.body)
    if not isinstance(found, str):
        found = response.headers.get("x-traceid")
    return found and shown(found, MAX_ID, response.conceal)


def messages(
    envelope: Mapping[str, Any] | None, body: bytes, conceal: Callable[[str], str]
) -> tuple[str, ...]:
    """The messages of an error, or what a page is called, as they may be shown."""
    if envelope is None:
        return tuple(filter(None, (page_title(body, conceal),)))
    texts = (shown(text, MAX_MESSAGE, conceal) for text in _texts(envelope))
    return tuple(dict.fromkeys(filter(None, texts)))[:MAX_MESSAGES]


def page_title(body: bytes, conceal: Callable[[str], str]) -> str:
    """The title of a page, or the beginning of its text."""
    text = body[:EDGE].decode("utf-8", "replace")
    lower = text.lower()  # a pattern would be slow on a page that is made to make it so
    start = lower.find("<title")
    opened = lower.find(">", start) if start >= 0 else -1
    closed = lower.find("</title", opened) if opened >= 0 else -1
    if closed >= 0:
        return shown(text[opened + 1 : closed], MAX_MESSAGE, conceal)
    return shown(text, MAX_MESSAGE, conceal, cut=len(body) > EDGE)


def shown(text: str, longest: int, conceal: Callable[[str], str], *, cut: bool = False) -> str:
    """A text from outside as it may be shown: one line, no control characters, no secrets, not long.

    Args:
        text: what it holds.
        longest: characters that are shown.
        conceal: masks secrets.
        cut: whether the text was cut off: what is left may then end in a part of a secret.
    """
    if len(text) <= longest and not cut and text.isprintable() and "  " not in text:
        return conceal(text).strip()
    cut = cut or len(text) > MAX_LOOKED_AT
    printable = "".join(letter if letter.isprintable() else " " for letter in text[:MAX_LOOKED_AT])
    words = printable.split()
    if not cut:
        return conceal(" ".join(words))[:longest]
    if len(words) > 1:
        return conceal(" ".join(words[:-1]))[:longest]
    word = "".join(words)
    masked = conceal(word)
    if masked != word:
        return masked[: masked.rfind("*") + 1][:longest]
    return word[:longest] if len(word) > MAX_SECRET + longest else ""


def _seen_at_ends(body: bytes, keys: set[str]) -> dict[str, Any]:
    """A stand-in for the envelope of a long body: the keys that its ends name."""
    if not _opens_object(body):
        return {}
    pattern = re.compile(rb'"(%b)"\s{0,9}:' % "|".join(map(re.escape, keys)).encode())
    seen = {found.decode() for end in (body[:EDGE], body[-EDGE:]) for found in pattern.findall(end)}
    return {**dict.fromkeys(seen, True), **({"requestId": reference(REQUEST_ID, body)} if seen else {})}


def _opens_object(body: bytes) -> bool:
    return head(body).startswith(b"{")


def head(body: bytes) -> bytes:
    """The beginning of a body, without the blanks and the byte order mark before it."""
    return body[:EDGE].lstrip(b" \t\r\n\xef\xbb\xbf")


def looks_like_data(body: bytes) -> bool:
    """Whether a body that is no page may hold records, in whatever encoding."""
    start = head(body)
    return not start.startswith(b"<") and any(mark in start for mark in b"{[\0")


def _texts(envelope: Mapping[str, Any]) -> Iterator[str]:
    """Gong's messages, and those of a token endpoint: https://www.rfc-editor.org/rfc/rfc6749#section-5.2 ."""
    for key in ("error", "error_description"):
        if isinstance(text := envelope.get(key), str):
            yield text
    errors: object = envelope.get("errors")
    found: list[Any] = [errors] if isinstance(errors, str) else errors if is_list(errors) else []
    for error in found[:MAX_MESSAGES]:
        yield error if isinstance(error, str) else reprlib.repr(error)
    if isinstance(text := envelope.get("userFacingError"), str):
        yield text
