"""TLS: which certificates are trusted, and why a connection could not be encrypted."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Final

from gong_tasks_async.errors.checks import refuse

# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
_CERTIFICATE_PROBLEMS: Final[Mapping[int, str]] = {
    **dict.fromkeys((2, 18, 19, 20, 21), "unknown authority"),
    **dict.fromkeys((9, 10), "expired"),
    **dict.fromkeys((62, 63, 64), "wrong host"),
}
_HANDSHAKE_PROBLEMS: Final = (
    (
        ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "PACKET_LENGTH"),
        "no tls",
    ),
    (("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE", "VERSION_TOO_LOW"), "version"),
)
_PASSING: Final = ("UNEXPECTED_EOF", "EOF occurred", "SYSCALL")
"""A server or balancer that restarts hangs up in the middle of a handshake."""


_UNREADABLE: Final = (OSError, ValueError, RuntimeError)
"""What OpenSSL raises, a null character in a path, and a home that is not known."""


def bundle_problem(ca_bundle: str | PathLike[str]) -> str | None:
    """What is wrong with a file or folder of certificates (PEM); None where it can be trusted."""
    return _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ca_bundle)


def trust(ca_bundle: str | PathLike[str]) -> ssl.SSLContext:
    """A context that trusts the authorities of a file or folder (PEM) beside those of this machine.

    Raises:
        InvalidValueError: no certificate can be read there.
    """
    context = ssl.create_default_context()
    refuse("network settings", [_load(context, ca_bundle)])
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load(context: ssl.SSLContext, ca_bundle: str | PathLike[str]) -> str | None:
    """Trust what stands at a path; what is wrong with it, if anything is."""
    shown = f"ca_bundle {str(ca_bundle)!r}"
    try:
        path = Path(ca_bundle).expanduser()
        if path.is_dir():
            context.load_verify_locations(capath=path)
        elif path.is_file() or not path.exists():
            context.load_verify_locations(cafile=path)
        else:  # the writer of a pipe would be waited for
            return f"{shown} is no regular file"
    except _UNREADABLE as error:
        return f"{shown}: no certificate can be read there ({error})"
    return None


def tls_problem(error: BaseException) -> str | None:
    """What is wrong, in the words of :attr:`TLSError.problem`; None where it may pass, or is not about TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE_PROBLEMS.get(error.verify_code, "tls")
    if not isinstance(error, ssl.SSLError):
        return None
    text = f"{getattr(error, 'reason', None) or ''} {error}"
    if any(mark in text for mark in _PASSING):
        return None
    return next((problem for marks, problem in _HANDSHAKE_PROBLEMS if any(m in text for m in marks)), "tls")
