"""`from_env` and `from_profile` mean the company that the command means, and count the day with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gong_tasks_async import (
    AccessKey,
    BearerToken,
    ConfigurationError,
    GongTasksClient,
    LocalQuota,
    NoCredentialsError,
    QuotaLimits,
    Unlimited,
)
from gong_tasks_async.config.client_settings import settings_from_environment, settings_from_profile
from gong_tasks_async.config.configuration import read_configuration
from gong_tasks_async.settings import ClientSettings
from gong_tasks_async.simulator import Engine, Simulator

FILE = """
[profiles.acme]
base_url = "https://us-1.api.gong.io"
access_key = "ACME"
secret = "env:ACME_SECRET"
per_second = 7
proxy = "http://proxy.example:3128"

[profiles.limits]
base_url = "https://us-3.api.gong.io"
per_day = 20_000
"""
KEY = {"GONG_ACCESS_KEY": "OTHER", "GONG_ACCESS_KEY_SECRET": "s3cret-other"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config.toml").write_text(FILE)
    return {
        "GONG_TASKS_CONFIG": str(tmp_path / "config.toml"),
        "GONG_TASKS_STATE": str(tmp_path / "state"),
        "ACME_SECRET": "s3cret-acme",
    }


def limits_of(settings: ClientSettings) -> QuotaLimits:
    return settings["limits"]


class TestProfile:
    def test_it_is_what_the_command_reads(self, environment: dict[str, str]) -> None:
        read = read_configuration(environment, profile="acme")
        assert settings_from_profile(environment, "acme", {}) == {
            "credentials": AccessKey("ACME", "s3cret-acme"),
            "base_url": "https://us-1.api.gong.io",
            "limits": read.limits,
            "proxy": "http://proxy.example:3128",
            "ca_bundle": None,
        }
        assert read.limits.day_store is not None
        assert read.limits.day_store.parent.stat().st_mode & 0o777 == 0o700

    def test_keywords_go_before_it(self, environment: dict[str, str], tmp_path: Path) -> None:
        given: ClientSettings = {"quota": Unlimited(), "base_url": "https://us-9.api.gong.io", "proxy": None}
        got = settings_from_profile(environment, "acme", given)
        assert {key: got[key] for key in given} == given  # type: ignore[literal-required]  # keys of a TypedDict
        assert not (tmp_path / "state").exists()  # nothing is counted there

    @pytest.mark.parametrize("name", ["acmee", "", "limits"])
    def test_one_that_cannot_sign_is_refused(self, name: str, environment: dict[str, str]) -> None:
        with pytest.raises(ConfigurationError):
            settings_from_profile(environment, name, {})

    def test_its_secret_out_of_reach_is_refused(self, environment: dict[str, str]) -> None:
        with pytest.raises(NoCredentialsError, match="profile 'acme': the environment has no ACME_SECRET"):
            settings_from_profile(environment | {"ACME_SECRET": ""}, "acme", {})


class TestEnvironment:
    def test_without_credentials_the_default_profile_is_taken(self, environment: dict[str, str]) -> None:
        text = Path(environment["GONG_TASKS_CONFIG"])
        text.write_text('default_profile = "acme"\n' + text.read_text())
        assert settings_from_environment(environment, {}) == settings_from_profile(environment, "acme", {})

    def test_a_profile_is_named_as_for_the_command(self, environment: dict[str, str]) -> None:
        named = environment | KEY | {"GONG_TASKS_PROFILE": "acme"}
        assert settings_from_environment(named, {}) == settings_from_profile(environment, "acme", {})

    def test_a_profile_without_credentials_gives_its_limits(self, environment: dict[str, str]) -> None:
        text = Path(environment["GONG_TASKS_CONFIG"])
        text.write_text('default_profile = "limits"\n' + text.read_text())
        got = settings_from_environment(environment | KEY, {})
        assert got["credentials"] == AccessKey("OTHER", "s3cret-other")
        assert (got["base_url"], limits_of(got).per_day) == ("https://us-3.api.gong.io", 20_000)

    def test_credentials_alone_leave_no_trace_on_the_disk(self, tmp_path: Path) -> None:
        home = {"HOME": str(tmp_path), "GONG_TASKS_CONFIG": str(tmp_path / "none.toml")}
        assert limits_of(settings_from_environment(KEY | home, {})).day_store is None
        assert list(tmp_path.iterdir()) == []

    def test_with_a_named_state_folder_the_day_is_counted_there(self, tmp_path: Path) -> None:
        places = {
            "GONG_TASKS_CONFIG": str(tmp_path / "none.toml"),
            "GONG_TASKS_STATE": str(tmp_path / "state"),
        }
        store = limits_of(settings_from_environment(KEY | places, {})).day_store
        assert store is not None
        assert store == read_configuration(KEY | places).limits.day_store
        assert store.parent.is_dir()

    def test_given_credentials_are_not_sent_to_the_file_s_company(self, environment: dict[str, str]) -> None:
        given: ClientSettings = {"credentials": BearerToken("t")}
        assert settings_from_environment(environment, given) == given
        own = environment | {"GONG_BASE_URL": " https://us-9.api.gong.io "}
        assert settings_from_environment(own, given) == given | {"base_url": "https://us-9.api.gong.io"}

    def test_an_app_s_token_file_is_read(self, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text("s3cret-r")
        token.chmod(0o600)
        app = {
            "GONG_CLIENT_ID": "APP",
            "GONG_CLIENT_SECRET": "s3cret-app",
            "GONG_REFRESH_TOKEN_FILE": str(token),
        }
        got = settings_from_environment(app | {"GONG_TASKS_CONFIG": str(tmp_path / "none")}, {})
        assert type(got["credentials"]).__name__ == "OAuthToken"
        assert "s3cret" not in repr(got)

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
    def test_another_user_s_home_does_not_stop_a_service(self, tmp_path: Path) -> None:
        closed = tmp_path / "config"
        closed.mkdir(mode=0o000)
        assert settings_from_environment(KEY | {"XDG_CONFIG_HOME": str(closed)}, {})

    def test_a_file_that_is_wrong_is_named(self, environment: dict[str, str]) -> None:
        Path(environment["GONG_TASKS_CONFIG"]).write_text("[profiles.acme\n")
        with pytest.raises(ConfigurationError, match=r"config\.toml: it is not TOML"):
            settings_from_environment(environment | KEY, {})


async def test_a_profile_s_client_counts_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Simulator(Engine(users=1, tasks_per_user=2)) as gong:
        file = tmp_path / "config.toml"
        file.write_text(
            f'[profiles.acme]\nbase_url = "{gong.base_url}"\naccess_key = "{gong.engine.access_key}"\nsecret = "env:S"'
        )
        settings: dict[str, Any] = {
            "GONG_TASKS_CONFIG": str(file),
            "GONG_TASKS_STATE": str(tmp_path / "state"),
        }
        for name, value in (settings | {"S": gong.engine.access_key_secret}).items():
            monkeypatch.setenv(name, value)
        for used in (1, 2):
            async with GongTasksClient.from_profile("acme") as client:
                assert isinstance(client.quota, LocalQuota)
                assert len(await client.list_tasks(gong.engine.user_ids[0])) == 2
                assert (await client.quota.snapshot()).used == used


def test_neither_needs_click_nor_rich(environment: dict[str, str]) -> None:
    program = (
        "import sys; sys.modules.update(click=None, rich=None)\n"
        "from gong_tasks_async import GongTasksClient\n"
        "print(GongTasksClient.from_profile('acme'))"
    )
    ran = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "<GongTasksClient of https://us-1.api.gong.io>\n"
