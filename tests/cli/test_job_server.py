"""Where the jobs' Redis is, and whose jobs: options, the file, the environment, in that order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gong_tasks_async.cli.job_server import JobServer, read_job_server
from gong_tasks_async.config.errors import ConfigurationError

FILE = """
default_profile = "acme"

[profiles.acme]
access_key = "key"
secret = "env:ACME_SECRET"
company = "acme"
redis_url = "env:ACME_REDIS"

[profiles.bare]
access_key = "key"
secret = "env:ACME_SECRET"
"""
ACME, OTHER = "rediss://:hunter2@acme:6379/0", "redis://other"
SIGNED_IN = {"GONG_ACCESS_TOKEN": "t0ken"}

Read = Callable[..., JobServer]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    file = tmp_path / "config.toml"
    file.write_text(FILE)

    def reading(
        profile: str | None = None, company: str | None = None, url: str | None = None, **environment: str
    ) -> JobServer:
        places = {"GONG_TASKS_CONFIG": str(file), "ACME_REDIS": ACME}
        return read_job_server(places | environment, profile=profile, company=company, url=url)

    return reading


def test_the_default_profile_says_both_and_its_secret_is_not_needed(read: Read) -> None:
    assert read() == JobServer(ACME, "acme")


def test_no_password_is_shown(read: Read) -> None:
    assert "hunter2" not in repr(read())


def test_options_go_before_all(read: Read) -> None:
    assert read("acme", "mine", "redis://mine", GONG_REDIS_URL=OTHER) == JobServer("redis://mine", "mine")


def test_a_profile_that_was_named_goes_before_the_environment_and_the_default_one_after(read: Read) -> None:
    assert read("acme", GONG_REDIS_URL=OTHER).url == ACME
    assert read(GONG_REDIS_URL=OTHER).url == OTHER


def test_the_environments_credentials_take_no_company_from_a_profile_with_others(read: Read) -> None:
    with pytest.raises(ConfigurationError, match="no company"):
        read(**SIGNED_IN, GONG_REDIS_URL=OTHER)
    with pytest.raises(ConfigurationError, match="no Redis URL"):
        read(company="mine", **SIGNED_IN)
    assert read(company="mine", **SIGNED_IN, GONG_REDIS_URL=OTHER) == JobServer(OTHER, "mine")


def test_a_profile_may_leave_the_redis_to_the_environment(read: Read) -> None:
    assert read("bare", "mine", GONG_REDIS_URL=OTHER) == JobServer(OTHER, "mine")
    with pytest.raises(ConfigurationError, match=r"set company = \"acme\" in profile 'bare' of "):
        read("bare", GONG_REDIS_URL=OTHER)


def test_a_place_that_is_empty_is_named(read: Read) -> None:
    with pytest.raises(ConfigurationError, match="the environment has no ACME_REDIS: set it"):
        read(ACME_REDIS="")


@pytest.mark.parametrize(
    "url",
    ["hunter2", "redis://:hunt/er2@x", "redis://:hunt?er2@x", "redis://:a#hunter2@x", "redis://[hunter2"],
)
def test_what_is_no_url_is_refused_and_not_repeated(url: str, read: Read) -> None:
    with pytest.raises(ConfigurationError, match="not shown here") as refused:
        read(ACME_REDIS=url)
    assert "hunt" not in str(refused.value)


@pytest.mark.parametrize("url", ["redis+sentinel://a:1,b:2/x", "memory://x", "unix:///x", "redis://x:1"])
def test_other_spellings_are_left_to_the_client(url: str, read: Read) -> None:
    assert read(ACME_REDIS=url).url == url


@pytest.mark.parametrize("place", ["keyring", "redis://:hunter2@x", 7])
def test_a_profile_names_its_place_and_never_holds_it(place: object, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f"[profiles.acme]\nredis_url = {place!r}\n")
    with pytest.raises(ConfigurationError, match=r"profiles\.acme\.redis_url") as refused:
        read_job_server(
            {"GONG_TASKS_CONFIG": str(tmp_path / "config.toml")}, profile=None, company=None, url=None
        )
    assert "hunter2" not in str(refused.value)
