"""Secrets are fetched from where they are kept, and from nowhere that others can look."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from gong_tasks_async.auth.token_endpoint import OAuthGrant
from gong_tasks_async.config.errors import NoSecretError
from gong_tasks_async.config.grant_file import GrantFile
from gong_tasks_async.config.secret_sources import SecretSource

SECRET = "s3cret"


def kept(path: Path, text: str | bytes = f"{SECRET}\n", mode: int = 0o600) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def test_from_the_environment() -> None:
    source = SecretSource.parse("env:ACME")
    assert source.read({"ACME": f" {SECRET}\n"}, "acme") == SECRET
    with pytest.raises(NoSecretError, match="has no ACME: set it"):
        source.read({"ACME": " "}, "acme")


def test_from_a_file_of_its_owner_s(tmp_path: Path) -> None:
    assert SecretSource.parse(f"file:{kept(tmp_path / 'key')}").read({}, "acme") == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_reach_is_refused(mode: int, tmp_path: Path) -> None:
    path = kept(tmp_path / "key", mode=mode)
    with pytest.raises(NoSecretError, match=f"\n  chmod 600 {path}$"):
        SecretSource.parse(f"file:{path}").read({}, "acme")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b" \n", "is empty: put the secret into it"), (b"\xff\xfe", "holds no text")],
)
def test_a_file_without_a_secret_is_told(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    if content is not None:
        kept(path, content)
    with pytest.raises(NoSecretError, match=said):
        SecretSource.parse(f"file:{path}").read({}, "acme")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key", 0o600)
    with pytest.raises(NoSecretError, match="no regular file"):
        SecretSource.parse(f"file:{tmp_path / 'key'}").read({}, "acme")


def test_a_byte_order_mark_is_no_part_of_the_secret(tmp_path: Path) -> None:
    path = kept(tmp_path / "key", b"\xef\xbb\xbf" + SECRET.encode())
    assert SecretSource.parse(f"file:{path}").read({}, "acme") == SECRET


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
class TestOwners:
    def test_another_user_s_file_is_refused(self, tmp_path: Path) -> None:
        path = kept(tmp_path / "key")
        os.chown(path, 65534, 65534)
        with pytest.raises(NoSecretError, match=f"belongs to another user.*\n  chown 0 {path}$"):
            SecretSource.parse(f"file:{path}").read({}, "acme")

    def test_a_container_s_secret_is_root_s_and_readable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = kept(tmp_path / "key", mode=0o444)
        monkeypatch.setattr("os.geteuid", lambda: 1000)
        assert SecretSource.parse(f"file:{path}").read({}, "acme") == SECRET
        path.chmod(0o646)
        with pytest.raises(NoSecretError, match="can be written by others"):
            SecretSource.parse(f"file:{path}").read({}, "acme")


class TestKeyring:
    @pytest.fixture
    def keyring(self, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
        """The module as far as it is used, in the place of the machine's own."""
        pytest.importorskip("keyring")
        entries: dict[tuple[str, str], str] = {}
        monkeypatch.setattr("keyring.get_password", lambda service, name: entries.get((service, name)))
        return entries

    def test_has_it_under_the_profile_s_name(self, keyring: dict[tuple[str, str], str]) -> None:
        keyring["gong-tasks", "acme"] = SECRET
        assert SecretSource.parse("keyring").read({}, "acme") == SECRET

    def test_has_none(self, keyring: dict[tuple[str, str], str]) -> None:
        keyring.clear()
        with pytest.raises(NoSecretError, match=r"\n  gong-tasks login --profile acme$"):
            SecretSource.parse("keyring").read({}, "acme")

    def test_is_locked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        errors = pytest.importorskip("keyring.errors")

        def locked(*_: str) -> str:
            raise errors.KeyringLocked("locked")

        monkeypatch.setattr("keyring.get_password", locked)
        with pytest.raises(NoSecretError, match="the keyring cannot be read: locked"):
            SecretSource.parse("keyring").read({}, "acme")

    def test_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        absent: dict[str, ModuleType | None] = {"keyring": None}
        monkeypatch.setattr(sys, "modules", sys.modules | absent)
        monkeypatch.setattr("gong_tasks_async.config.secret_sources.find_spec", lambda _: None)
        with pytest.raises(NoSecretError, match=r"install gong_tasks_async\[keyring\]"):
            SecretSource.parse("keyring").read({}, "acme")


class TestGrantFile:
    def test_begins_with_the_bare_token_and_keeps_what_follows(self, tmp_path: Path) -> None:
        file = GrantFile(kept(tmp_path / "token", "refresh-1\n"))
        first = file.read()
        assert (first.refresh_token, first.access_token) == ("refresh-1", "")
        assert first.expires_at < datetime.now(UTC)
        grant = OAuthGrant(
            access_token="access-2",
            refresh_token="refresh-2",
            expires_at=datetime(2026, 3, 1, tzinfo=UTC),
            base_url="https://us-1.api.gong.io",
        )
        file.save(grant)
        assert file.read() == grant
        assert file.path.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.iterdir()) == [file.path]

    @pytest.mark.parametrize(
        "text",
        ["{", '{"access_token": "s3cret"}', '{"refresh_token": 1, "access_token": 1, "expires_at": 7}'],
    )
    def test_what_is_neither_is_told_and_not_shown(self, text: str, tmp_path: Path) -> None:
        with pytest.raises(NoSecretError, match="authorize the app again") as refused:
            GrantFile(kept(tmp_path / "token", text)).read()
        assert SECRET not in str(refused.value)
