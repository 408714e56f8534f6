"""No response came: the connection, the proxy or TLS failed."""

from __future__ import annotations

from attrs import define

from gong_tasks_async.errors.base import GongError, counted_attempts
from gong_tasks_async.errors.meaning import Meaning, Retries


@define(slots=False, eq=False, repr=False, kw_only=True)
class TransportError(GongError):
    """No response came: the connection was refused, reset, timed out, or the response was cut short.

    A change that was in flight may or may not have been made; sending it again is safe, since it sets
    absolute values.

    Attributes:
        reason: what failed on the network.
        retryable: False where another attempt would end the same way, such as a response header that is too long.
        connected: False where no connection was made: refused, no such host, no route. Nothing was sent then.
        garbled: True where a response came that is not HTTP as it should be: most likely the next one is not, either.
    """

    meaning = Meaning.LATER

    reason: str
    retryable: bool = True
    connected: bool = True
    garbled: bool = False

    @property
    def retries(self) -> Retries:
        """By policy, unless another attempt would end the same way; twice in all where it most likely would."""
        if not self.retryable:
            return Retries.NEVER
        return Retries.TWICE if self.garbled else Retries.POLICY

    @property
    def advice(self) -> str:
        """What to do now."""
        if not self.retryable:
            return "Trying again will not help: check base_url and the network."
        return "Check the network and Gong's status page, then send it again: that is safe."

    def _text(self) -> str:
        response = "readable response" if self.garbled else "response"
        return f"{self.request}: no {response} after {counted_attempts(self.attempts)} ({self.reason}). {self.advice}"


@define(slots=False, eq=False, repr=False, kw_only=True)
class ProxyError(TransportError):
    """The proxy did not let the request through: it wants a password (407), refused the tunnel, or is of a kind not supported.

    Attributes:
        retryable: False: the proxy would refuse again.
        connected: False: nothing reached Gong.
        proxy: the proxy's address, without user and password.
        status: what the proxy answered, where it did.
    """

    meaning = Meaning.RUN

    retryable: bool = False
    connected: bool = False
    proxy: str | None = None
    status: int | None = None

    @property
    def advice(self) -> str:
        """What to do now."""
        if self.status == 407:  # noqa: PLR2004 - Proxy Authentication Required
            return "The proxy wants a user and password: write them into its address, http://user:password@host:port."
        return "Check the proxy: proxy=, or HTTPS_PROXY and NO_PROXY in the environment."


@define(slots=False, eq=False, repr=False, kw_only=True)
class TLSError(TransportError):
    """No encrypted connection could be made: the certificate is not trusted, or the server does not speak TLS as needed.

    Attributes:
        retryable: False: the handshake would fail again.
        connected: False: nothing reached Gong.
        problem: ``unknown authority``, ``expired``, ``wrong host``, ``version``, ``no tls``, or ``tls`` for the
            rest.
    """

    meaning = Meaning.RUN

    retryable: bool = False
    connected: bool = False
    problem: str = "tls"

    @property
    def advice(self) -> str:
        """What to do now."""
        return _TLS_ADVICE.get(self.problem, "Check base_url and the certificates of this machine.")


_TLS_ADVICE = {
    "unknown authority": "If a proxy inspects traffic here, add its authority with ca_bundle= or SSL_CERT_FILE.",
    "expired": "Check this machine's clock; if it is right, the server's certificate must be renewed.",
    "wrong host": "Check base_url: another server answers under this name.",
    "version": "The server and this machine share no TLS version: update whichever is older.",
    "no tls": "Check base_url: this port does not speak TLS.",
}
