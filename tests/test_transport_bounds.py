"""What a hostile or broken server can do to this process: little."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest

from gong_tasks_async.errors import TransportError
from gong_tasks_async.http import body, transport
from gong_tasks_async.http.body import CodingError, decoder
from gong_tasks_async.http.messages import HttpRequest
from gong_tasks_async.http.network import network_settings
from gong_tasks_async.http.transport import AiohttpTransport
from tests.test_transport import (
    CHUNKED,
    OK,
    PATCH,
    Serve,
    answer,
    failed,
    opened,
    request_of,
    saying,
    sent,
    server,
    sized,
    zipped,
)

MEGABYTE = 2**20
CONTENT = b'{"requestId":"r","tasks":[]}' * 500


def raw_deflate(content: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(content) + packing.flush()


PACKED: dict[str, tuple[str, bytes]] = {
    "plain": ("", CONTENT),
    "identity": ("identity", CONTENT),
    "gzip": ("gzip", gzip.compress(CONTENT)),
    "gzip, another name": ("x-GZIP", gzip.compress(CONTENT)),
    "two gzip files": ("gzip", gzip.compress(CONTENT[:99]) + gzip.compress(CONTENT[99:])),
    "gzip and padding": ("gzip", gzip.compress(CONTENT) + b"\0" * 9),
    "zlib": ("deflate", zlib.compress(CONTENT)),
    "raw deflate": ("deflate", raw_deflate(CONTENT)),
    "nothing": ("gzip", b""),
}


def unpacked(coding: str, packed: bytes, size: int) -> bytes:
    unpacking = decoder(coding)
    pieces = [packed[start : start + size] for start in range(0, len(packed), size)]
    content = b"".join(part for piece in pieces for part in unpacking.feed(piece))
    unpacking.finish()
    return content


@pytest.mark.parametrize("size", [7, 1_000, MEGABYTE])
@pytest.mark.parametrize(("coding", "packed"), PACKED.values(), ids=PACKED)
def test_a_body_is_unpacked_whatever_its_coding_and_its_pieces(coding: str, packed: bytes, size: int) -> None:
    assert unpacked(coding, packed, size) == (CONTENT if packed else b"")


@pytest.mark.parametrize("kept", [1, 10, 50])
@pytest.mark.parametrize(("coding", "packed"), [PACKED["gzip"], PACKED["zlib"], PACKED["raw deflate"]])
def test_a_packed_body_that_was_cut_is_noticed(coding: str, packed: bytes, kept: int) -> None:
    with pytest.raises(CodingError, match="cut short"):
        unpacked(coding, packed[:kept], MEGABYTE)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "x" * 9_999])
def test_a_coding_that_was_not_asked_for_is_an_error(coding: str) -> None:
    with pytest.raises(CodingError) as caught:
        decoder(coding)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("content", [b"abcd", gzip.compress(CONTENT)[:-9] + b"xxxxxxxxx"])
def test_what_is_not_packed_so_is_an_error(content: bytes) -> None:
    with pytest.raises(CodingError, match=r"cannot be unpacked|cut short"):
        unpacked("gzip", content, MEGABYTE)


@pytest.mark.parametrize("size", [1_000, MEGABYTE])
def test_a_bomb_is_unpacked_slice_by_slice(size: int) -> None:
    unpacking, largest, total = decoder("gzip"), 0, 0
    for start in range(0, len(bomb := gzip.compress(bytes(50 * MEGABYTE))), size):
        for piece in unpacking.feed(bomb[start : start + size]):
            largest, total = max(largest, len(piece)), total + len(piece)
    assert (largest, total) == (body.SLICE, 50 * MEGABYTE)


def test_many_empty_gzip_files_in_a_row_are_refused() -> None:
    with pytest.raises(CodingError, match="more than 64 gzip files"):
        unpacked("gzip", gzip.compress(b"") * 1_000, MEGABYTE)


@pytest.mark.parametrize("status", [b"400 X", b"502 X", b"302 X"])
@pytest.mark.parametrize("coding", [None, b"gzip"])
async def test_of_what_is_no_success_only_a_little_is_read(status: bytes, coding: bytes | None) -> None:
    page = bytes(50 * MEGABYTE)
    head = status + (b"\r\nContent-Encoding: " + coding if coding else b"")
    async with server(saying(sized(head, gzip.compress(page) if coding else page))) as base_url:
        response = await sent(base_url, limit=100 * MEGABYTE)
    assert (len(response.body), response.truncated) == (transport.MAX_ERROR_BYTES, True)


PIECE = bytes(2**16)
BOMB = gzip.compress(bytes(20 * MEGABYTE))


def streaming(head: bytes, piece: bytes, times: int) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(answer(head))
        for _ in range(times):
            writer.write(piece)
            await writer.drain()

    return serve


@pytest.mark.parametrize(
    "serve",
    [
        streaming(b"200 OK\r\nContent-Encoding: gzip", BOMB, 1),
        streaming(CHUNKED, b"10000\r\n%b\r\n" % PIECE, 320),
        streaming(b"200 OK", PIECE, 320),
    ],
    ids=["gzip", "chunked", "to the end"],
)
async def test_a_body_beyond_the_limit_takes_less_memory_than_twice_the_limit(serve: Serve) -> None:
    limit = 4 * MEGABYTE
    async with server(serve) as base_url:
        tracemalloc.start()
        try:
            response = await sent(base_url, limit=limit)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (len(response.body), response.truncated) == (limit, True)
    assert peak < 2 * limit


async def test_each_call_may_have_a_limit_of_its_own() -> None:
    small = HttpRequest(PATCH.method, PATCH.path, PATCH.body, max_response_bytes=9)
    async with server(saying(sized(b"200 OK", b"x" * 10))) as base_url, opened(base_url) as gong:
        response = await gong.send(small, 120.0)
    assert (response.body, response.truncated) == (b"x" * 9, True)


async def test_a_cut_gzip_in_an_intact_frame_is_worth_another_attempt() -> None:
    packed = gzip.compress(CONTENT)
    async with server(saying(zipped(b"gzip", packed[: len(packed) // 2]))) as base_url:
        error = await failed(base_url)
    assert (error.reason, error.retryable) == ("the response cannot be read: it was cut short", True)


@pytest.mark.parametrize(
    ("head", "framed"),
    [(b"200 OK\r\nContent-Length: 2", True), (CHUNKED, True), (b"200 OK", False)],
    ids=["length", "chunked", "to the end"],
)
async def test_a_response_says_whether_its_end_can_be_trusted(head: bytes, framed: bool) -> None:
    content = b"2\r\n{}\r\n0\r\n\r\n" if head is CHUNKED else b"{}"
    async with server(saying(answer(head, content))) as base_url:
        assert (await sent(base_url)).framed is framed


def with_header(length: int) -> bytes:
    return OK.replace(b"\r\n", b"\r\nContent-Security-Policy: " + b"x" * length + b"\r\n", 1)


async def test_a_long_header_is_no_failure_and_a_longer_one_is_not_worth_another_attempt() -> None:
    async with server(saying(with_header(60_000))) as base_url:
        assert (await sent(base_url)).status == 200
    async with server(saying(with_header(70_000))) as base_url:
        assert not (await failed(base_url)).retryable
        network = network_settings(max_header_bytes=100_000)
        assert (await sent(base_url, network=network)).status == 200


@asynccontextmanager
async def opened_on(base_url: str, *, borrowed: bool) -> AsyncIterator[AiohttpTransport]:
    """A transport on its own session, or on a borrowed one that aiohttp has made as usual."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession()) if borrowed else None
        yield await stack.enter_async_context(opened(base_url, session=session))


async def test_the_middlewares_of_a_borrowed_session_are_kept() -> None:
    seen: list[str] = []

    async def note(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        seen.append(request.method)
        return await handler(request)

    async with (
        server(saying(OK)) as base_url,
        aiohttp.ClientSession(middlewares=(note,)) as session,
        opened(base_url, session=session) as gong,
    ):
        assert (await gong.send(PATCH, 120.0)).body == b"{}"
    assert seen == ["PATCH"]


def keeping(late: bytes, wait: float) -> Serve:
    """A keeper of connections that sends a second response after the first, unasked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(9):
            await request_of(reader)
            writer.write(OK if number else OK + late)
            await writer.drain()
            if wait and not number:
                await asyncio.sleep(wait)
                writer.write(OK.replace(b"{}", b"[]"))

    return serve


STALE = OK.replace(b"{}", b"[]")


@pytest.mark.parametrize("borrowed", [False, True])
@pytest.mark.parametrize(("late", "wait"), [(STALE, 0.0), (STALE[:20], 0.0), (b"", 0.02)])
async def test_a_connection_that_received_something_unasked_is_not_used_again(
    late: bytes, wait: float, borrowed: bool
) -> None:
    """The canary of the connector: it fails where aiohttp's ``should_close`` no longer says so."""
    async with server(keeping(late, wait)) as base_url, opened_on(base_url, borrowed=borrowed) as gong:
        await gong.send(PATCH, 120.0)
        await asyncio.sleep(3 * wait)
        assert (await gong.send(PATCH, 120.0)).body == b"{}"


@pytest.mark.parametrize("borrowed", [False, True])
async def test_what_the_socket_holds_is_seen_before_the_next_request_however_late_the_loop_is(
    borrowed: bool,
) -> None:
    waits_for_the_late_one = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(OK)
        await waits_for_the_late_one.wait()
        writer.write(STALE)
        await request_of(reader)
        writer.write(OK)

    async with server(serve) as base_url, opened_on(base_url, borrowed=borrowed) as gong:
        await gong.send(PATCH, 120.0)
        waits_for_the_late_one.set()
        await asyncio.sleep(0)  # the server writes, and this loop has not read it yet
        assert (await gong.send(PATCH, 120.0)).body == b"{}"


@pytest.mark.parametrize("borrowed", [False, True])
async def test_a_server_that_speaks_first_is_an_error_after_a_few_connections(borrowed: bool) -> None:
    connections = 0

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(OK)
        await asyncio.sleep(1)

    async with server(serve) as base_url:
        outcome: object
        try:
            async with opened_on(base_url, borrowed=borrowed) as gong:
                outcome = (await gong.send(PATCH, 120.0)).body
        except TransportError as error:
            outcome = error.reason
    assert outcome in {b"{}", "ClientConnectionError: the server sends before it is asked"}
    assert connections <= 10
