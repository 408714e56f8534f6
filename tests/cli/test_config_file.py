"""The configuration file: read as meant, and everything wrong in it told at once."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from gong_tasks_async.cli.config.config_file import ConfigurationError, read_config_file
from gong_tasks_async.cli.config.secret_sources import SecretSource

WHOLE = """
default_profile = "acme"

[profiles.acme]
base_url = "https://us-1.api.gong.io"
access_key = "KEY"
secret = "env:ACME_SECRET"
per_second = 5
per_day = 20_000
interactive_reserve = 100
day_starts = "00:30 America/Los_Angeles"

[profiles.umbrella]
client_id = "APP"
secret = "keyring"
refresh_token_file = "~/umbrella.json"

[profiles.plain]
per_second = 2.5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def problems(file: Path, text: str) -> tuple[str, ...]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_config_file(file)
    assert str(file) in str(refused.value)
    return refused.value.problems


def test_the_whole_file(file: Path) -> None:
    file.write_text(WHOLE)
    read = read_config_file(file)
    acme, umbrella, plain = read.profiles.values()
    assert read.default_profile == "acme"
    assert (acme.base_url, acme.access_key) == ("https://us-1.api.gong.io", "KEY")
    assert acme.secret == SecretSource("env", "ACME_SECRET")
    assert (acme.limits.per_second, acme.limits.per_day, acme.limits.interactive_reserve) == (5, 20_000, 100)
    assert acme.limits.day_starts == time(0, 30, tzinfo=ZoneInfo("America/Los_Angeles"))
    assert umbrella.refresh_token_file == Path("~/umbrella.json").expanduser()
    assert [profile.has_credentials for profile in (acme, umbrella, plain)] == [True, True, False]


def test_the_readme_s_file(file: Path) -> None:
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    file.write_text(example)
    assert all(profile.has_credentials for profile in read_config_file(file).profiles.values())


def test_no_file_says_nothing(file: Path) -> None:
    assert dict(read_config_file(file).profiles) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = ", "it is not TOML: Invalid value (at end of document)"),
        ('\n\n[profiles.a\nx = 1"', "line 3"),
        ("[profiles.a]\nper_day = 1\nper_day = 2\n#", "line 3"),
        ("profile = 1", "profile: unknown; did you mean profiles?"),
        ("quark = 1", "quark: unknown; known are default_profile, profiles"),
        ("profiles = 3", "write a table for each company, such as [profiles.acme]"),
        ("[profiles]\nacme = 3", "profiles.acme: must be a table"),
        ("default_profile = 'x'", "there is no [profiles.x]"),
        ("default_profile = 3", "there is no [profiles.3]"),
        ("[profiles.a]\nper_secnd = 3", "profiles.a.per_secnd: unknown; did you mean per_second?"),
        ("[profiles.a]\nbase_url = 3", "profiles.a.base_url: must be a text in quotes, not 3"),
        ("[profiles.a]\nbase_url = ' '", "profiles.a.base_url: is empty"),
        ("[profiles.a]\nper_second = 'fast'", "profiles.a.per_second: must be a number, not 'fast'"),
        ("[profiles.a]\nper_second = true", "profiles.a.per_second: must be a number, not True"),
        ("[profiles.a]\nper_second = 0", "profiles.a: per_second must be more than 0"),
        ("[profiles.a]\nper_day = 1.5", "profiles.a.per_day: must be a whole number, not 1.5"),
        ("[profiles.a]\nper_day = 100", "profiles.a: interactive_reserve 500 leaves nothing"),
        ("[profiles.a]\nday_starts = '25:00 UTC'", "must be a time of day and a time zone"),
        ("[profiles.a]\nday_starts = 00:00:00", "must be a time of day and a time zone"),
        ("[profiles.a]\nday_starts = '00:00 Mars/Olympus'", "there is no time zone 'Mars/Olympus'"),
        ("[profiles.a]\naccess_key = 'k'", "secret is missing"),
        ("[profiles.a]\nsecret = 'keyring'", "secret has no access_key or client_id beside it"),
        ("[profiles.a]\nsecret = 7\naccess_key = 'k'", "profiles.a.secret: must be a text"),
        ("[profiles.a]\naccess_key='k'\nsecret='keyring'\naccess_token='keyring'", "different ways to sign"),
        ("[profiles.a]\nclient_id='k'\nsecret='keyring'", "client_id and refresh_token_file go together"),
    ],
)
def test_each_mistake_has_its_line_or_key_and_what_to_do(text: str, said: str, file: Path) -> None:
    (problem,) = problems(file, text)
    assert said in problem


def test_all_of_them_are_told_at_once(file: Path) -> None:
    text = "x = 1\n[profiles.a]\nper_day = -1\nbase_url = 1\n[profiles.b]\nsecret = 'env:'\n[profiles.c]\nkey = 1"
    told = problems(file, text)
    places = ["x", "profiles.a.base_url", "profiles.a", "profiles.b.secret", "profiles.b", "profiles.c.key"]
    assert [problem.partition(":")[0] for problem in told] == places


@pytest.mark.parametrize("spelled", ["s3cret-value", "env:", "keyring:acme", "vault:acme", "env"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(spelled: str, file: Path) -> None:
    (problem,) = problems(file, f"[profiles.a]\naccess_key = 'k'\nsecret = '{spelled}'")
    assert problem.startswith("profiles.a.secret: name its place")
    assert "s3cret" not in problem


def test_what_is_no_text_is_told(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="it is not UTF-8 text"):
        read_config_file(file)


VALUES = st.one_of(st.integers(), st.booleans(), st.floats(), st.text(), st.dates(), st.lists(st.integers()))


@given(
    table=st.dictionaries(
        st.sampled_from(["access_key", "secret", "base_url", "per_day", "day_starts"]), VALUES
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_is_toml_is_a_surprise(table: dict[str, object], file: Path) -> None:
    lines = "".join(f"{key} = {_toml(value)}\n" for key, value in table.items())
    file.write_text(f"[profiles.a]\n{lines}", encoding="utf-8", errors="replace")
    with suppress(ConfigurationError):
        assert list(read_config_file(file).profiles) == ["a"]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(sign):08x}" for sign in value) + '"'
    return str(value)
