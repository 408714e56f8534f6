"""Whose Gong is called: the precedence, and never one company's credentials at another's address."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from gong_tasks_async import AccessKey, BearerToken, OAuthToken
from gong_tasks_async.config.configuration import Configuration, company_name, read_configuration
from gong_tasks_async.config.errors import ConfigurationError, NoCredentialsError, NoProfileChosenError
from gong_tasks_async.config.folders import config_file, state_folder

FILE = """
default_profile = "acme"

[profiles.acme]
base_url = "https://us-1.api.gong.io"
access_key = "ACME"
secret = "env:ACME_SECRET"
per_day = 20000

[profiles.umbrella]
base_url = "https://us-2.api.gong.io"
access_token = "env:UMBRELLA_TOKEN"

[profiles.limits]
base_url = "https://us-3.api.gong.io"
per_second = 7
"""
SECRETS = {"ACME_SECRET": "s3cret-acme", "UMBRELLA_TOKEN": "s3cret-umbrella"}
KEY = {"GONG_ACCESS_KEY": "OTHER", "GONG_ACCESS_KEY_SECRET": "s3cret-other"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(FILE)
    return tmp_path


def read(
    home: Path, *, profile: str | None = None, base_url: str | None = None, **environment: str
) -> Configuration:
    places = {"GONG_TASKS_CONFIG": str(home / "config.toml"), "GONG_TASKS_STATE": str(home / "state")}
    return read_configuration(places | SECRETS | environment, profile=profile, base_url=base_url)


def default_is(home: Path, name: str | None) -> None:
    line = f'default_profile = "{name}"' if name else ""
    (home / "config.toml").write_text(FILE.replace('default_profile = "acme"', line))


class TestPrecedence:
    def test_the_default_profile(self, home: Path) -> None:
        got = read(home)
        assert (got.profile, got.base_url, got.limits.per_day) == ("acme", "https://us-1.api.gong.io", 20_000)
        assert got.credentials == AccessKey("ACME", "s3cret-acme")
        assert got.notes == ()

    def test_the_environment_goes_before_it_whole(self, home: Path) -> None:
        got = read(home, **KEY)
        assert (got.profile, got.base_url, got.limits.per_day) == (
            "environment",
            "https://api.gong.io",
            10_000,
        )
        assert got.credentials == AccessKey("OTHER", "s3cret-other")
        assert got.notes == ("the credentials are the environment's; for the file's, add --profile acme.",)

    def test_a_named_profile_goes_before_the_environment_whole(self, home: Path) -> None:
        got = read(home, profile="acme", GONG_BASE_URL="https://us-9.api.gong.io", **KEY)
        assert (got.credentials, got.base_url) == (
            AccessKey("ACME", "s3cret-acme"),
            "https://us-1.api.gong.io",
        )
        assert got.notes == ("the credentials are those of profile 'acme', not those of the environment.",)

    def test_a_named_profile_is_not_said_to_be_the_environment(self, home: Path) -> None:
        got = read(home, profile="umbrella")
        assert (got.credentials, got.notes) == (BearerToken("s3cret-umbrella"), ())

    def test_an_address_in_the_environment_is_not_for_the_file_s_credentials(self, home: Path) -> None:
        got = read(home, GONG_BASE_URL="https://us-9.api.gong.io")
        assert got.base_url == "https://us-1.api.gong.io"
        assert got.notes == ("GONG_BASE_URL is not used: profile 'acme' has credentials of its own.",)

    def test_a_profile_without_credentials_is_completed_by_the_environment(self, home: Path) -> None:
        default_is(home, "limits")
        got = read(home, **KEY)
        assert (got.profile, got.base_url, got.limits.per_second) == ("limits", "https://us-3.api.gong.io", 7)
        assert got.credentials == AccessKey("OTHER", "s3cret-other")
        assert (
            read(home, GONG_BASE_URL="https://us-9.api.gong.io", **KEY).base_url == "https://us-9.api.gong.io"
        )

    def test_named_it_is_not(self, home: Path) -> None:
        with pytest.raises(NoCredentialsError, match="profile 'limits': it has no credentials"):
            read(home, profile="limits", **KEY)

    @pytest.mark.parametrize("profile", [None, "acme"])
    def test_the_address_of_the_command_line_goes_before_all(self, profile: str | None, home: Path) -> None:
        got = read(
            home, profile=profile, base_url="http://127.0.0.1:1", GONG_BASE_URL="https://us-9.api.gong.io"
        )
        assert got.base_url == "http://127.0.0.1:1"

    def test_a_single_profile_is_the_default(self, home: Path) -> None:
        (home / "config.toml").write_text('[profiles.only]\naccess_token = "env:UMBRELLA_TOKEN"')
        assert read(home).credentials == BearerToken("s3cret-umbrella")

    def test_of_several_none_is(self, home: Path) -> None:
        default_is(home, None)
        with pytest.raises(
            NoProfileChosenError, match=r"no profile is chosen: .* has acme, umbrella"
        ) as caught:
            read(home)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - our own

    def test_an_unknown_profile_is_told_with_those_there_are(self, home: Path) -> None:
        with pytest.raises(ConfigurationError, match="no profile 'acmee'; there are: acme, umbrella, limits"):
            read(home, profile="acmee")

    @pytest.mark.parametrize(
        "environment",
        [
            {"GONG_ACCESS_KEY": "K"},
            {"GONG_ACCESS_TOKEN": "T", "GONG_ACCESS_KEY": "K"},
            {"GONG_CLIENT_ID": "C"},
            {"GONG_ACCESS_KEY": "K", "GONG_ACCESS_KEY_SECRET": "s3cret with a blank"},
        ],
    )
    def test_half_of_what_it_takes_is_told(self, environment: dict[str, str], home: Path) -> None:
        with pytest.raises(NoCredentialsError, match="the environment: ") as refused:
            read(home, **environment)
        assert "s3cret" not in str(refused.value)

    def test_a_secret_out_of_reach_is_told(self, home: Path) -> None:
        with pytest.raises(NoCredentialsError, match="profile 'acme': the environment has no ACME_SECRET"):
            read(home, ACME_SECRET="")


class TestOAuth:
    @pytest.fixture
    def environment(self, home: Path) -> dict[str, str]:
        token = home / "token"
        token.write_text(
            '{"access_token": "s3cret-a", "refresh_token": "s3cret-r", "expires_at": "2099-01-01T00:00:00+00:00", '
            '"base_url": "https://us-5.api.gong.io"}'
        )
        token.chmod(0o600)
        return {
            "GONG_CLIENT_ID": "APP",
            "GONG_CLIENT_SECRET": "s3cret-app",
            "GONG_REFRESH_TOKEN_FILE": str(token),
        }

    def test_from_the_environment_with_the_address_that_came_with_the_token(
        self, environment: dict[str, str], home: Path
    ) -> None:
        got = read(home, **environment)
        assert isinstance(got.credentials, OAuthToken)
        assert got.credentials.current is not None
        assert got.base_url == "https://us-5.api.gong.io"

    def test_from_a_profile(self, environment: dict[str, str], home: Path) -> None:
        file = environment["GONG_REFRESH_TOKEN_FILE"]
        (home / "config.toml").write_text(
            f'[profiles.app]\nclient_id = "APP"\nsecret = "env:S"\nrefresh_token_file = "{file}"'
        )
        got = read(home, S="s3cret-app")
        assert isinstance(got.credentials, OAuthToken)
        assert "s3cret" not in repr(got)

    def test_beside_an_access_key_is_told(self, environment: dict[str, str], home: Path) -> None:
        with pytest.raises(NoCredentialsError, match="not both"):
            read(home, **environment, **KEY)


class TestCompany:
    def test_keys_of_one_company_s_own_address_count_together(self) -> None:
        one, other = (company_name("https://us-1.api.gong.io", key) for key in ("A", "B"))
        assert one == other
        assert company_name("https://US-1.api.gong.io/v2/", "C") == one

    def test_companies_at_the_shared_address_count_apart(self) -> None:
        names = {company_name("https://api.gong.io", key) for key in ("A", "B")}
        assert len(names) == 2
        assert not any("A" in name.partition("-")[2] for name in names)

    def test_other_addresses_are_other_companies(self) -> None:
        addresses = (
            "https://us-1.api.gong.io",
            "https://us-2.api.gong.io",
            "http://[::1]:80",
            "http://[::1]:81",
        )
        names = {company_name(address, "A") for address in addresses}
        assert len(names) == 4
        assert all(name.replace("-", "").replace(".", "").isalnum() for name in names)


class TestFolders:
    def test_the_day_is_counted_in_the_state_folder(self, home: Path) -> None:
        got = read(home)
        assert got.limits.day_store == home / "state" / "days" / f"{got.company}.sqlite"
        assert got.jobs_folder == home / "state" / "jobs"
        assert not got.jobs_folder.exists()
        got.make_folders()
        assert got.jobs_folder.is_dir()
        assert got.jobs_folder.stat().st_mode & 0o777 == 0o700

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
    def test_the_user_s_own_where_none_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
        assert config_file({}) == tmp_path / "c" / "gong-tasks" / "config.toml"
        assert state_folder({}) == tmp_path / "s" / "gong-tasks"


def test_no_secret_is_in_a_repr(home: Path) -> None:
    assert "s3cret" not in repr(read(home)) + repr(read(home, profile="umbrella")) + repr(read(home, **KEY))
