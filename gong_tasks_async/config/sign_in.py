"""Credentials out of the environment or a profile, and where they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import attrs

from gong_tasks_async.auth.destination import checked_destination
from gong_tasks_async.auth.oauth import OAuthToken
from gong_tasks_async.auth.token_exchange import TOKEN_URL
from gong_tasks_async.config.errors import NoCredentialsError, NoSecretError
from gong_tasks_async.config.folders import expand_home
from gong_tasks_async.config.grant_file import GrantFile, SharedGrantFile
from gong_tasks_async.config.profile import Profile
from gong_tasks_async.config.secret_sources import SecretSource
from gong_tasks_async.credentials import AccessKey, BearerToken, Credentials
from gong_tasks_async.events import logger
from gong_tasks_async.settings import credentials_from

_KEY_OR_TOKEN = ("GONG_ACCESS_KEY", "GONG_ACCESS_KEY_SECRET", "GONG_ACCESS_TOKEN")
_APP = ("GONG_CLIENT_ID", "GONG_CLIENT_SECRET", "GONG_REFRESH_TOKEN_FILE")


Notify: TypeAlias = Callable[[str], object]
"""Receives a line for operators, such as where new tokens were saved."""


@attrs.frozen(repr=False)
class SignIn:
    """Who is calling."""

    credentials: Credentials | OAuthToken
    identity: str | None
    """What is the same in each run and no secret, where there is such a thing: the access key, the client's id."""
    source: str
    base_url: str | None = None
    """The company's own address, where the grant names it."""


def environment_has_credentials(environment: Mapping[str, str]) -> bool:
    """Whether any of the variables is set that say who is calling."""
    return bool(_said(environment, (*_KEY_OR_TOKEN, *_APP)))


def _said(environment: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Those of the variables that are set."""
    values = {name: environment.get(name, "").strip() for name in names}
    return {name: value for name, value in values.items() if value}


def sign_in_from_environment(
    environment: Mapping[str, str], file: Path, notify: Notify = logger.warning
) -> SignIn:
    """The credentials of the environment.

    Raises:
        NoCredentialsError: there are none, half of them, or two kinds.
    """
    if not environment_has_credentials(environment):
        raise NoCredentialsError(
            "no credentials",
            (
                f"set GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET, or GONG_ACCESS_TOKEN, or make a profile in {file}",
            ),
        )
    try:
        return _from_environment(environment, notify)
    except ValueError as error:
        raise NoCredentialsError("the environment", (str(error),)) from None


def _from_environment(environment: Mapping[str, str], notify: Notify) -> SignIn:
    source = "the environment"
    app = _said(environment, _APP)
    if not app:
        key = environment.get("GONG_ACCESS_KEY", "").strip()
        return SignIn(credentials_from(environment), key or None, source)
    if _said(environment, _KEY_OR_TOKEN):
        raise ValueError(f"set either {', '.join(_APP)}, or an access key or token, not both")
    if len(app) < len(_APP):
        raise ValueError(f"{', '.join(_APP)} go together: set all three")
    return _as_app(_App(*(app[name] for name in _APP)), source, environment, notify)


def sign_in_from_profile(
    profile: Profile, environment: Mapping[str, str], notify: Notify = logger.warning
) -> SignIn:
    """The credentials of a profile, their secret fetched from its place.

    Raises:
        NoCredentialsError: the profile has none, or the secret is out of reach.
    """
    source = f"profile {profile.name!r}"
    try:
        return _from_profile(profile, source, environment, notify)
    except ValueError as error:
        raise NoCredentialsError(source, (str(error),)) from None


def _from_profile(profile: Profile, source: str, environment: Mapping[str, str], notify: Notify) -> SignIn:
    def read(place: SecretSource) -> str:
        return place.read(environment, profile.name)

    if profile.access_key and profile.secret:
        return SignIn(AccessKey(profile.access_key, read(profile.secret)), profile.access_key, source)
    if profile.access_token:
        return SignIn(BearerToken(read(profile.access_token)), None, source)
    if profile.client_id and profile.secret:
        app = _App(profile.client_id, read(profile.secret), str(profile.refresh_token_file))
        return _as_app(app, source, environment, notify)
    raise NoSecretError('it has no credentials: give it access_key = "..." and secret = "env:NAME"')


@attrs.frozen(repr=False)
class _App:
    """What an OAuth app signs in with."""

    client_id: str
    client_secret: str
    refresh_token_file: str


def _as_app(app: _App, source: str, environment: Mapping[str, str], notify: Notify) -> SignIn:
    """Sign in as an OAuth app, whose tokens live in a file.

    Raises:
        ValueError: the file is out of reach, or one of the texts cannot be sent.
    """
    file = GrantFile(expand_home(app.refresh_token_file), notify)
    grant = file.read()
    token = OAuthToken(
        app.client_id,
        app.client_secret,
        grant.refresh_token,
        store=SharedGrantFile(file),
        access_token=grant.access_token or None,
        expires_at=grant.expires_at,
        token_url=environment.get("GONG_TOKEN_URL", "").strip() or TOKEN_URL,
    )
    return SignIn(token, app.client_id, source, _safe(grant.base_url))


def _safe(base_url: str | None) -> str | None:
    """The address out of a file of tokens, which is data: none where credentials must not go there."""
    try:
        return checked_destination(base_url) if base_url else None
    except ValueError:
        return None
