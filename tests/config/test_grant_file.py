"""The file of a refresh token: never lost, whoever else uses it, and wherever it can be written."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gong_tasks_async import CredentialsError, GongTasksClient, OAuthGrant, OAuthToken, Unlimited
from gong_tasks_async.config import grant_file
from gong_tasks_async.config.errors import NoSecretError
from gong_tasks_async.config.file_lock import LockTimeoutError, locked
from gong_tasks_async.config.grant_file import GrantFile, SharedGrantFile
from gong_tasks_async.simulator import Engine, SecondLimit, make_app, memory_session

NEXT = OAuthGrant(
    access_token="access-2",
    refresh_token="refresh-2",
    expires_at=datetime(2126, 3, 1, tzinfo=UTC),
    base_url="https://us-1.api.gong.io",
)


@pytest.fixture
def file(tmp_path: Path) -> GrantFile:
    path = tmp_path / "token"
    path.write_text("refresh-1\n", encoding="utf-8")
    path.chmod(0o600)
    return GrantFile(path)


def names(file: GrantFile) -> set[str]:
    return {path.name for path in file.path.parent.iterdir()}


def fail(monkeypatch: pytest.MonkeyPatch, name: str, *paths: Path, code: int = errno.EBUSY) -> None:
    """Have one of the ways to write a file fail, for some paths."""
    real = getattr(grant_file, name)

    def patched(path: Path, text: str, **by: Path) -> None:
        if path in paths:
            raise OSError(code, os.strerror(code))
        real(path, text, **by)

    monkeypatch.setattr(grant_file, name, patched)


class TestSaving:
    def test_a_file_that_cannot_be_replaced_is_written_in_place(
        self, file: GrantFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        inode = file.path.stat().st_ino
        fail(monkeypatch, "_replace", file.path)
        file.check_writable()
        assert file.read().refresh_token == "refresh-1"
        file.save(NEXT)
        assert file.read() == NEXT
        assert (file.path.stat().st_ino, names(file)) == (inode, {"token"})
        assert "the new tokens were written in place" in caplog.text

    def test_a_replacement_that_fails_leaves_nothing_behind(
        self, file: GrantFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Path.replace

        def busy(source: Path, target: Path) -> Path:
            if target == file.path:
                raise OSError(errno.EBUSY, "busy")
            return real(source, target)

        monkeypatch.setattr(Path, "replace", busy)
        file.check_writable()
        assert names(file) == {"token"}
        file.save(NEXT)
        assert file.read() == NEXT
        assert names(file) == {"token"}

    def test_what_cannot_be_written_at_all_is_written_beside_and_found_there(
        self, file: GrantFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        with monkeypatch.context() as patch:
            fail(patch, "_replace", file.path)
            fail(patch, "_write_in_place", file.path)
            file.save(NEXT)
        assert f"the new tokens are in {file.path}.next" in caplog.text
        assert file.read() == NEXT
        assert (file.path.parent / "token.next").stat().st_mode & 0o777 == 0o600
        file.save(NEXT)
        assert names(file) == {"token"}

    @pytest.mark.parametrize("text", ["", "{", '{"access_token": "a", "refr', "refresh-0"])
    def test_what_a_crash_has_left_beside_it_is_passed_over_where_it_is_not_whole(
        self, file: GrantFile, text: str
    ) -> None:
        beside = file.path.with_name("token.next")
        beside.write_text(text, encoding="utf-8")
        beside.chmod(0o600)
        assert file.read().refresh_token == "refresh-1"
        file.save(NEXT)
        assert names(file) == {"token"}

    def test_a_check_after_a_crash_writes_back_what_is_the_newest(self, file: GrantFile) -> None:
        grant_file._write_new(file.path.with_name("token.next"), grant_file._text_of(NEXT))
        file.check_writable()
        assert names(file) == {"token"}
        assert file.read() == NEXT

    def test_a_file_that_a_folder_has_replaced_is_written_beside(self, file: GrantFile) -> None:
        file.path.unlink()
        file.path.mkdir()
        with pytest.raises(NoSecretError, match="Is a directory"):
            file.check_writable()
        file.save(NEXT)
        assert file.read() == NEXT
        assert names(file) == {"token", "token.next"}

    def test_a_token_that_was_put_there_later_goes_before_the_one_beside(self, file: GrantFile) -> None:
        beside = file.path.with_name("token.next")
        beside.write_text("refresh-0", encoding="utf-8")
        beside.chmod(0o600)
        os.utime(beside, (1, 1))
        assert file.read().refresh_token == "refresh-1"

    def test_a_full_disk_leaves_what_was_there(
        self, file: GrantFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fail(monkeypatch, "_replace", file.path, code=errno.ENOSPC)
        fail(monkeypatch, "_write_new", file.path.with_name("token.next"), code=errno.ENOSPC)
        fail(monkeypatch, "_write_in_place", file.path, code=errno.ENOSPC)
        for write in (file.check_writable, lambda: file.save(NEXT)):
            with pytest.raises(OSError, match="No space left"):
                write()
        assert file.read().refresh_token == "refresh-1"
        assert names(file) == {"token"}

    def test_links_in_a_circle_hold_no_token(self, file: GrantFile) -> None:
        file.path.unlink()
        file.path.symlink_to(file.path)
        with pytest.raises(NoSecretError, match="cannot be read"):
            file.read()

    def test_a_link_is_kept_and_its_target_written(self, file: GrantFile) -> None:
        link = file.path.with_name("link")
        link.symlink_to(file.path)
        GrantFile(link).save(NEXT)
        assert link.is_symlink()
        assert file.read() == GrantFile(link).read() == NEXT

    @pytest.mark.parametrize("expires_at", ["20260302203000Z", "soon", "", "0001-01-01T00:00:00+14:00"])
    def test_an_odd_expiry_costs_a_refresh_and_not_the_token(self, file: GrantFile, expires_at: str) -> None:
        file.path.write_text(
            f'{{"access_token": "a", "refresh_token": "r", "expires_at": "{expires_at}"}}', encoding="utf-8"
        )
        assert file.read().refresh_token == "r"
        assert file.read().expires_at < datetime.now(UTC)


@asynccontextmanager
async def app() -> AsyncIterator[tuple[Engine, aiohttp.ClientSession]]:
    engine = Engine(users=1, tasks_per_user=1, second_limit=SecondLimit.NONE)
    async with memory_session(make_app(engine, (0, 0))) as session:
        yield engine, session


def token_of(engine: Engine, session: aiohttp.ClientSession, file: GrantFile, **settings: Any) -> OAuthToken:
    return OAuthToken(
        engine.client_id,
        engine.client_secret,
        file.read().refresh_token,
        store=SharedGrantFile(file),
        session=session,
        token_url="http://localhost/oauth2/generate-customer-token",
        **settings,
    )


async def list_with(token: OAuthToken, session: aiohttp.ClientSession) -> None:
    settings: Any = {"session": session, "quota": Unlimited(), "base_url": "http://localhost"}
    async with GongTasksClient(token, **settings) as gong:
        await gong.list_tasks("1")


def put(file: GrantFile, refresh_token: str) -> None:
    file.path.write_text(refresh_token, encoding="utf-8")


async def test_commands_that_start_together_need_one_refresh(file: GrantFile) -> None:
    async with app() as (engine, session):
        put(file, engine.refresh_token)
        tokens = [token_of(engine, session, file) for _ in range(5)]
        await asyncio.gather(*(list_with(token, session) for token in tokens))
        assert engine.ledger.token_calls == 1
        assert file.read().refresh_token == engine.refresh_token


async def test_a_long_run_takes_what_another_command_saved(file: GrantFile) -> None:
    async with app() as (engine, session):
        put(file, engine.refresh_token)
        early = token_of(engine, session, file, access_token="gone", expires_at=datetime.now(UTC))
        await list_with(token_of(engine, session, file), session)
        await list_with(early, session)
        assert engine.ledger.token_calls == 1


async def test_a_token_that_was_used_up_elsewhere_is_read_again(file: GrantFile) -> None:
    async with app() as (engine, session):
        put(file, "used-up")
        token = token_of(engine, session, file)
        with pytest.raises(CredentialsError, match="no longer valid"):
            await list_with(token, session)
        put(file, engine.refresh_token)  # such as by another machine, or by authorizing again
        await list_with(token, session)
        assert file.read().refresh_token == engine.refresh_token


async def test_a_file_that_changes_during_a_refresh_is_read_again(file: GrantFile) -> None:
    async with app() as (engine, session):
        put(file, "used-up")
        token = token_of(engine, session, file)

        class Racing(SharedGrantFile):
            async def load(self) -> OAuthGrant:
                found = await super().load()
                put(file, engine.refresh_token)
                return found

        token._store = Racing(file)
        await list_with(token, session)
        assert engine.ledger.token_calls == 2


async def test_a_token_whose_successor_could_not_be_saved_is_not_spent(
    file: GrantFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app() as (engine, session):
        put(file, engine.refresh_token)
        fail(monkeypatch, "_replace", file.path)
        fail(monkeypatch, "_write_in_place", file.path)
        with pytest.raises(
            CredentialsError, match=r"token cannot be written .*its refresh token was not used"
        ):
            await list_with(token_of(engine, session, file), session)
        assert engine.ledger.token_calls == 0


async def test_a_lock_that_is_held_is_waited_for_and_not_for_ever(file: GrantFile) -> None:
    async with locked(file.path, 30):
        with pytest.raises(LockTimeoutError):
            async with locked(file.path, 0.05):
                pass
    async with locked(file.path, 0.05):
        assert names(file) == {"token", "token.lock"}


@pytest.mark.skipif(sys.platform == "win32", reason="a locked file cannot be read there")
async def test_containers_that_share_the_file_alone_take_turns(file: GrantFile, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other" / "token"
    elsewhere.parent.mkdir()
    elsewhere.hardlink_to(file.path)  # one file under two names, as two mounts of it are
    async with locked(file.path, 30):
        with pytest.raises(LockTimeoutError):
            async with locked(elsewhere, 0.05):
                pass


@pytest.mark.parametrize("replaced", ["token.lock", "token"])
async def test_a_lock_whose_file_was_replaced_meanwhile_is_taken_anew(file: GrantFile, replaced: str) -> None:
    path, other = (
        file.path.with_name(replaced),
        file.path.with_name({"token.lock": "token"}.get(replaced, "token.lock")),
    )
    other.unlink(missing_ok=True)
    if replaced == "token":
        other.mkdir()  # so that the file is all that is locked
    async with locked(file.path, 30):
        waiting = asyncio.create_task(hold(file.path))
        await asyncio.sleep(0.2)
        path.unlink()
        path.write_text("refresh-1", encoding="utf-8")
    async with locked(file.path, 30):
        await asyncio.sleep(0.2)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 120)


async def hold(path: Path) -> None:
    async with locked(path, 120):
        pass


async def test_a_folder_that_takes_no_lock_file_has_its_lock_on_the_file(file: GrantFile) -> None:
    file.path.with_name("token.lock").mkdir()
    async with locked(file.path, 30):
        with pytest.raises(LockTimeoutError):
            async with locked(file.path, 0.05):
                pass


def test_a_grant_is_never_due_before_the_calendar_begins(file: GrantFile) -> None:
    assert file.read().expires_at + timedelta(days=1) < datetime.now(UTC)
