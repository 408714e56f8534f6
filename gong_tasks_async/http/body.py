"""Unpack a response's body piece by piece, within a limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

SLICE = 2**18
"""Bytes that are unpacked in one go, in about a millisecond; the event loop then serves others."""

GZIP, ZLIB, RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
GZIP_MAGIC = b"\x1f\x8b"
MAX_MEMBERS = 64
"""Gzip files in a row; one is usual, and each empty one costs work for 20 bytes."""


class CodingError(Exception):
    """The body is not what its Content-Encoding names, or was cut short."""

    unasked = False
    """Whether the request did not accept the encoding, so that another attempt would get the same."""


class Decoder(Protocol):
    """Unpacks what arrives."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Unpack the next piece, at most ``SLICE`` bytes at a time.

        Raises:
            CodingError: it cannot be unpacked.
        """
        ...

    def finish(self) -> None:
        """Check that the body is whole.

        Raises:
            CodingError: it was cut short.
        """


def decoder(content_encoding: str) -> Decoder:
    """The decoder for a Content-Encoding.

    Raises:
        CodingError: it is one that the request does not accept.
    """
    coding = content_encoding.strip().lower()
    if coding in {"", "identity"}:
        return _Identity()
    if coding in {"gzip", "x-gzip"}:
        return _Deflated(GZIP)
    if coding == "deflate":
        return _Deflated(ZLIB)
    error = CodingError(
        f"it is packed as {coding[:40]!r}, which was not asked for: a proxy on the way ignores Accept-Encoding"
    )
    error.unasked = True
    raise error


class _Identity:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        pass


class _Deflated:
    def __init__(self, window: int) -> None:
        self._window = window
        self._unpacking = zlib.decompressobj(window)
        self._members = 1
        self._fed = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        pending = False  # zlib may hold back output where it has taken all its input
        while data or pending:
            if self._unpacking.eof and not self._begin_member(data):
                return
            piece = self._unpack(data)
            pending = len(piece) == SLICE and not self._unpacking.eof
            data = self._unpacking.unconsumed_tail or self._unpacking.unused_data
            yield piece

    def finish(self) -> None:
        if self._fed and not self._unpacking.eof:
            raise CodingError("it was cut short")

    def _unpack(self, data: bytes) -> bytes:
        first, self._fed = not self._fed, True
        try:
            return self._unpacking.decompress(data, SLICE)
        except zlib.error as error:
            if not first or self._window != ZLIB:
                raise CodingError(f"it cannot be unpacked ({error})") from None
        # Some servers send "deflate" without the header that RFC 9110 asks for.
        self._window = RAW
        self._unpacking = zlib.decompressobj(RAW)
        return self._unpack(data)

    def _begin_member(self, data: bytes) -> bool:
        """Whether another gzip file follows; anything else after the end is padding, which is ignored."""
        if not data.startswith(GZIP_MAGIC):
            return False
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise CodingError(f"it holds more than {MAX_MEMBERS} gzip files")
        self._unpacking = zlib.decompressobj(GZIP)
        return True
