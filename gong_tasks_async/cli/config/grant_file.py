"""The file that an OAuth refresh token lives in, since each use of it brings another one.

It starts as the bare refresh token, and becomes JSON with the access token beside it, so that the commands of one day
need one refresh between them. Where two refresh in the same moment, Gong refuses the second; what the first one saved
stands, and the second works when it is run again.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from attrs import frozen

from gong_tasks_async.auth.token_endpoint import OAuthGrant
from gong_tasks_async.cli.config.secret_sources import NoSecretError, read_private


@frozen
class GrantFile:
    """Where a grant is kept; only its owner may read it."""

    path: Path

    def read(self) -> OAuthGrant:
        """What was saved last; of a bare refresh token, a grant that has ended.

        Raises:
            NoSecretError: it cannot be read, others can read it, or it holds neither of the two.
        """
        text = read_private(self.path)
        if not text.startswith("{"):
            return OAuthGrant(
                access_token="", refresh_token=text, expires_at=datetime.min.replace(tzinfo=UTC)
            )
        try:
            saved = json.loads(text)
            return OAuthGrant(
                access_token=str(saved["access_token"]),
                refresh_token=str(saved["refresh_token"]),
                expires_at=datetime.fromisoformat(saved["expires_at"]).astimezone(UTC),
                base_url=saved.get("base_url"),
            )
        except (ValueError, KeyError, TypeError):  # the text is a secret, and stays out of the message
            raise NoSecretError(
                f"{self.path} holds neither a refresh token nor what was saved: authorize the app again"
            ) from None

    def save(self, grant: OAuthGrant) -> None:
        """Put a grant in the place of the one before, whole or not at all, and on the disk.

        Raises:
            OSError: it cannot be written.
        """
        text = json.dumps(
            {
                "access_token": grant.access_token,
                "refresh_token": grant.refresh_token,
                "expires_at": grant.expires_at.isoformat(),
                "base_url": grant.base_url,
            }
        )
        path = self.path.resolve()  # of a link, its target
        # Temporary files are their owner's alone: https://docs.python.org/3/library/tempfile.html#tempfile.mkstemp
        with NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False) as file:
            unfinished = Path(file.name)
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                unfinished.replace(path)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
