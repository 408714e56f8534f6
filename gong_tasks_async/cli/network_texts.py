"""What faults of the network are to an operator: Gong was not reached, or another server answered."""

from __future__ import annotations

import re
from typing import Any, Final

PROXY_AUTHENTICATION: Final = 407

Text = tuple[str, str]
"""What happened, and what to do."""


def foreign(error: Any) -> Text:
    """A response that is not Gong's."""
    who = error.responder or "a proxy, or another server"
    title = f", {error.title!r}" if error.title else ""
    return (
        f"The response ({error.status}{title}) is not Gong's, but most likely from {who}",
        "Check the company's address, and what stands between this machine and Gong: a proxy, a firewall, a login page.",
    )


def redirect(error: Any) -> Text:
    """An address that redirects."""
    return (
        f"The address redirects ({error.status}) to {error.location or 'elsewhere'}",
        "Sign in to the network if it asks for that, or correct the company's address.",
    )


_CLASSES: Final = re.compile(r"\b[A-Z]\w*(?:Error|Exception|Timeout|Disconnected)\b:? ?")
_OF_PYTHON: Final = re.compile(r"\[(?:Errno -?\d+|[A-Z_:() \d]+)\] ?| ssl:\w+| \(_ssl\.c:\d+\)")


def plain_reason(text: str) -> str:
    """The reason of a fault of the network without the classes and error numbers of Python's libraries."""
    plain = _OF_PYTHON.sub("", _CLASSES.sub("", text)).strip(" :,")
    return " ".join(plain.split()) or "the connection broke"


def transport(error: Any) -> Text:
    """No response."""
    tries = f" after {error.attempts} attempts" if error.attempts > 1 else ""
    advice = (
        "Check the network, then run it again: that is safe."
        if error.retryable
        else "Check the company's address and the network."
    )
    return f"No response from Gong{tries} ({plain_reason(error.reason)})", advice


def proxy(error: Any) -> Text:
    """A proxy that lets no call through."""
    where = f" {error.proxy}" if error.proxy else ""
    if error.status == PROXY_AUTHENTICATION:
        return (
            f"The proxy{where} asks for a user and password (407)",
            "Write them into its address, in HTTPS_PROXY or the profile's proxy: http://USER:PASSWORD@HOST:PORT.",
        )
    return (
        f"The proxy{where} does not let calls through ({plain_reason(error.reason)})",
        "Check HTTPS_PROXY and NO_PROXY.",
    )


def tls(error: Any) -> Text:
    """No secure connection."""
    reason = _TLS_PROBLEMS.get(error.problem) or plain_reason(error.reason)
    return f"No secure connection to Gong ({reason})", _TLS_ADVICE.get(error.problem, _TLS_USUAL)


_TLS_PROBLEMS: Final = {
    "unknown authority": "this machine does not know who signed the certificate",
    "expired": "the certificate has expired",
    "wrong host": "the certificate is of another server",
    "version": "the two sides have no version of TLS in common",
    "no tls": "that port does not speak TLS",
}
_TLS_USUAL: Final = "Check the company's address and the certificates of this machine."
_TLS_ADVICE: Final = {
    "unknown authority": "If a proxy inspects traffic here, name its certificate in SSL_CERT_FILE.",
    "expired": "Check this machine's clock; if it is right, the server's certificate has to be renewed.",
    "wrong host": "Check the company's address: another server answers under this name.",
    "no tls": "Check the company's address: this port does not speak TLS.",
}
