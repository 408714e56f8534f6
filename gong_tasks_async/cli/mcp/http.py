"""Streamable HTTP for the MCP server: on loopback by default, behind a bearer token, for known origins."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from hmac import compare_digest
from ipaddress import ip_address
from typing import Any, Self

import click
import uvicorn
from attrs import field, frozen
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

SHORTEST_TOKEN = 16

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


@frozen
class HttpSettings:
    """Where to listen, and the token that clients must send."""

    host: str
    port: int
    token: str = field(repr=False)

    @classmethod
    def read(cls, host: str, port: int, variable: str) -> Self:
        """The settings, with the token from the environment.

        Raises:
            click.UsageError: the variable is not set, or too short to be a secret.
        """
        token = os.environ.get(variable, "")
        if len(token) < SHORTEST_TOKEN:
            raise click.UsageError(
                f"--http needs a bearer token of at least {SHORTEST_TOKEN} characters in the environment variable {variable}"
            )
        return cls(host, port, token)

    @property
    def security(self) -> TransportSecuritySettings:
        """The Host and Origin headers that are accepted: those of this address, so that no web page reaches it."""
        names = [self.host, *(["localhost"] if _is_loopback(self.host) else [])]
        hosts = [f"{name}:*" for name in names]
        return TransportSecuritySettings(
            allowed_hosts=[*names, *hosts], allowed_origins=[f"http://{host}" for host in (*names, *hosts)]
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def app_of(server: MCPServer[Any], settings: HttpSettings) -> App:
    """The ASGI application of a server, which refuses requests without the token."""
    return _bearer_only(
        server.streamable_http_app(transport_security=settings.security, host=settings.host), settings.token
    )


def _bearer_only(app: App, token: str) -> App:
    expected = f"Bearer {token}".encode()

    async def guarded(
        scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] != "lifespan" and not compare_digest(_authorization(scope), expected):
            headers = [(b"www-authenticate", b"Bearer"), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await app(scope, receive, send)

    return guarded


def _authorization(scope: Scope) -> bytes:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return headers.get(b"authorization", b"")


async def serve_http(server: MCPServer[Any], settings: HttpSettings) -> None:
    """Serve until a signal asks for the end."""
    config = uvicorn.Config(
        app_of(server, settings), host=settings.host, port=settings.port, log_level="warning", lifespan="on"
    )
    await uvicorn.Server(config).serve()
