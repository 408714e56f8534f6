"""The command as an OAuth app: one refresh serves the runs of a day, and the rotated token is on disk before it is used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gong_tasks_async.simulator import oauth
from tests.cli.company import Company


@pytest.fixture
def token(company: Company, monkeypatch: pytest.MonkeyPatch) -> Path:
    engine = company.engine
    path = company.folder / "token"
    path.write_text(engine.refresh_token)
    path.chmod(0o600)
    secret = company.folder / "secret"
    secret.write_text(engine.client_secret)
    secret.chmod(0o600)
    (company.folder / "config.toml").write_text(
        f'[profiles.app]\nbase_url = "{company.gong.base_url}"\nper_second = 1000\nclient_id = "{engine.client_id}"\n'
        f'secret = "file:{secret}"\nrefresh_token_file = "{path}"\n'
    )
    monkeypatch.setenv("GONG_TOKEN_URL", company.gong.base_url + oauth.PATH)
    return path


def test_one_refresh_serves_several_runs(company: Company, token: Path) -> None:
    first = token.read_text()
    for _ in range(3):
        got = company.invoke("users")
        assert (got.exit_code, got.stderr) == (0, "")
    saved = json.loads(token.read_text())
    assert saved["refresh_token"] not in ("", first)
    assert len(company.gong.ledger.token_entries) == 1
    assert token.stat().st_mode & 0o777 == 0o600


def test_a_used_up_token_is_3_and_stays_secret(company: Company, token: Path) -> None:
    token.write_text("used-up-refresh-token")
    got = company.invoke("users")
    assert (got.exit_code, got.stdout) == (3, "")
    assert got.stderr.startswith("Error: ")
    for secret in ("used-up-refresh-token", company.engine.client_secret):
        assert secret not in got.output


def test_a_token_that_others_can_read_is_3_and_nothing_is_sent(company: Company, token: Path) -> None:
    token.chmod(0o644)
    got = company.invoke("users")
    assert (got.exit_code, f"\n  chmod 600 {token}\n" in got.stderr) == (3, True)
    assert company.gong.ledger.token_entries == []
