"""Credentials: sign requests, and never show the secret."""

from __future__ import annotations

from base64 import b64encode
from typing import Protocol, cast

from attrs import field, frozen

from gong_tasks_async.errors.checks import conceals_fields, refuse
from gong_tasks_async.errors.kinds import is_collection


class Credentials(Protocol):
    """Anything that can sign a request."""

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that must never be shown, should a response repeat them."""
        ...


class MaskedText(str):
    """A text that is sent as it is, and shown as ``***`` where a traceback, a logger or a tracker shows its ``repr``.

    Those look at the fields of objects and at the variables of frames, not only at what classes choose to show.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"


@frozen
class Grant:
    """Credentials, and the base URL that came with them, if any."""

    credentials: Credentials = field(repr=False)
    base_url: str | None = None
    configured: tuple[str, ...] = field(default=(), eq=False)
    """The base URLs that the user has configured, to which these may be sent wherever they are."""


def masked_text(value: object) -> str:
    """Mask a part of the credentials; what is no text is refused together with all other problems."""
    return MaskedText(value) if isinstance(value, str) else cast("str", value)


def secret_problem(name: str, value: object) -> str | None:
    """A part of the credentials that can be sent. The value is never part of a message: messages end up in logs."""
    if not isinstance(value, str):  # None from a missing setting would be sent as "None"
        return f"{name} must be text, not {type(value).__name__}"
    if not value:
        return f"{name} is empty: give the text that Gong shows under Company settings > Ecosystem > API"
    if not value.isascii() or not value.isprintable() or " " in value:
        return f"{name} holds a blank, a line break or another character that cannot be sent: copy it again"
    return None


def key_problem(name: str, value: object) -> str | None:
    """A key that HTTP Basic can carry before its colon."""
    if problem := secret_problem(name, value):
        return problem
    colon = isinstance(value, str) and ":" in value
    return f"{name} holds a colon, which HTTP Basic cannot carry: copy it again" if colon else None


def can_sign(value: object) -> bool:
    """Whether an object of anybody's can sign requests: a header that can be sent, and texts to be masked."""
    try:
        header, secrets = getattr(value, "authorization", None), getattr(value, "secrets", None)
    except Exception:  # noqa: BLE001 - a property of a user's class may raise anything
        return False
    if not isinstance(header, str) or not is_collection(secrets):
        return False
    return (
        bool(header)
        and header.isascii()
        and header.isprintable()
        and all(isinstance(text, str) for text in secrets)
    )


@conceals_fields
@frozen(repr=False)
class AccessKey:
    """An access key and its secret, from Gong's Company settings > Ecosystem > API.

    Attributes:
        access_key: the key's public half.
        access_key_secret: its secret; shown as ``***``.
        authorization: the header's value, made of both; shown as ``***``.

    Raises:
        InvalidValueError: one of the two is no text, is empty, or holds a character that cannot be sent.
    """

    access_key: str = field(repr=False, converter=masked_text)
    access_key_secret: str = field(repr=False, converter=masked_text)
    authorization: str = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Check that both can be sent, and build the header once."""
        secret = secret_problem("access_key_secret", self.access_key_secret)
        refuse("AccessKey", [key_problem("access_key", self.access_key), secret])
        pair = f"{self.access_key}:{self.access_key_secret}".encode()
        object.__setattr__(self, "authorization", MaskedText(f"Basic {b64encode(pair).decode()}"))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret, and the pair as it is sent."""
        return MaskedText(self.authorization.removeprefix("Basic ")), self.access_key_secret

    def __repr__(self) -> str:
        return "AccessKey(...)"


@conceals_fields
@frozen(repr=False)
class BearerToken:
    """An OAuth access token that your own code refreshes.

    Attributes:
        token: the access token; shown as ``***``.

    Raises:
        InvalidValueError: it is no text, is empty, or holds a character that cannot be sent.
    """

    token: str = field(repr=False, converter=masked_text)

    def __attrs_post_init__(self) -> None:
        """Check that it can be sent."""
        refuse("BearerToken", [secret_problem("token", self.token)])

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return MaskedText(f"Bearer {self.token}")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token."""
        return (self.token,)

    def __repr__(self) -> str:
        return "BearerToken(...)"
