"""A login as an OAuth app: the browser signs in, a code comes back, and its first tokens are stored."""

from __future__ import annotations

import asyncio
import os
import webbrowser
from pathlib import Path
from typing import Final

from gong_tasks_async.auth.code_grant import AUTHORIZE_URL, CodeGrant
from gong_tasks_async.auth.token_exchange import TOKEN_URL
from gong_tasks_async.cli.login.browser_answer import PATH, BrowserAnswer
from gong_tasks_async.cli.output.console import note, note_command
from gong_tasks_async.config.edit_file import set_values
from gong_tasks_async.config.grant_file import GrantFile, SharedGrantFile
from gong_tasks_async.config.private_files import make_private_folder
from gong_tasks_async.config.store_secret import FOLDER, store_secret

SCOPES: Final = ("api:tasks:read", "api:tasks:write", "api:users:read", "api:workspaces:read")
WAIT: Final = 300.0
"""Seconds that a person has to sign in."""


async def login_by_browser(
    file: Path, profile: str, client_id: str, client_secret: str, *, port: int, use_keyring: bool | None
) -> None:
    """Sign in, and write the profile, its secret and its refresh token, each in its place.

    Raises:
        ValueError: the sign-in was refused, or not made in time.
        CredentialsError: the code could not be exchanged.
        OSError: the port is taken, or a file cannot be written.
    """
    # Gong compares the whole address with those of the app, so the port is fixed.
    grant = CodeGrant(client_id=client_id, redirect_uri=f"http://localhost:{port}{PATH}", scopes=SCOPES)
    answer = BrowserAnswer(grant.state)
    url = grant.authorize_url(os.environ.get("GONG_AUTHORIZE_URL", "").strip() or AUTHORIZE_URL)
    async with answer.listening(port):
        note_command("Sign in, in the browser; if none opens, at:", url)
        await asyncio.to_thread(webbrowser.open, url)
        try:
            code = await answer.code(WAIT)
        except TimeoutError:
            raise ValueError(f"no sign-in within {WAIT / 60:.0f} minutes") from None
    token_url = os.environ.get("GONG_TOKEN_URL", "").strip() or TOKEN_URL
    tokens = await grant.exchange(client_secret, code, token_url=token_url)
    path = file.parent / FOLDER / f"{profile}.token"
    make_private_folder(path.parent)
    await SharedGrantFile(GrantFile(path, note)).start(tokens)
    place = store_secret(profile, client_secret, file, use_keyring=use_keyring)
    set_values(file, profile, {"client_id": client_id, "secret": place, "refresh_token_file": str(path)})
