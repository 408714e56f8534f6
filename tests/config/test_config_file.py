"""The configuration file: read as meant, and everything wrong in it told at once."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from gong_tasks_async.config.config_file import read_config_file
from gong_tasks_async.config.errors import ConfigurationError
from gong_tasks_async.config.secret_sources import SecretSource

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


def used(file: Path) -> None:
    """Read the file, and use each profile that has problems."""
    read = read_config_file(file)
    for name in read.broken:
        read.named(name)


def problems(file: Path, text: str) -> tuple[str, ...]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        used(file)
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


def test_the_documented_file(file: Path) -> None:
    page = (Path(__file__).parent.parent.parent / "docs/operations/profiles.md").read_text(encoding="utf-8")
    example, *_ = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
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
    printed = problems(file, text)
    places = ["x", "profiles.a.base_url", "profiles.a", "profiles.b.secret", "profiles.b", "profiles.c.key"]
    assert [problem.partition(":")[0] for problem in printed] == places


@pytest.mark.parametrize("spelled", ["s3cret-value", "env:", "keyring:acme", "vault:acme", "env"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(spelled: str, file: Path) -> None:
    (problem,) = problems(file, f"[profiles.a]\naccess_key = 'k'\nsecret = '{spelled}'")
    assert problem.startswith("profiles.a.secret: name its place")
    assert "s3cret" not in problem


def test_what_is_no_text_is_told(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="it is not UTF-8 text"):
        read_config_file(file)


def test_a_broken_profile_leaves_the_others_usable(file: Path) -> None:
    file.write_text("[profiles.good]\nper_second = 2\n[profiles.bad]\nper_secnd = 2")
    read = read_config_file(file)
    assert read.named("good").limits.per_second == 2
    assert read.names == ("good", "bad")
    with pytest.raises(ConfigurationError, match="did you mean per_second"):
        read.named("bad")


def test_a_byte_order_mark_is_no_part_of_the_text(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    assert read_config_file(file).default_profile == "acme"


@pytest.mark.parametrize(
    "text",
    [
        "a=" + "[" * 3000,
        "a=" + "{b=" * 3000,
        "[profiles.a]\nper_day=" + "9" * 5000,
        "a." * 20000 + "b = 1",
        "#" + "x" * 2**21,
    ],
    ids=["brackets", "tables", "digits", "dots", "long"],
)
def test_nonsense_of_any_size_is_refused_by_name(text: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=str(file)):
        read_config_file(file)


@pytest.mark.parametrize("digits", [10, 300, 4000])
def test_a_number_beyond_any_limit_of_gong_is_a_problem_of_its_profile(digits: int, file: Path) -> None:
    (problem,) = problems(file, "[profiles.a]\nper_day=" + "9" * digits)
    assert problem == "profiles.a.per_day: must be at most 1,000,000,000"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such bits")
@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_a_file_that_others_can_write_is_refused_with_the_remedy(mode: int, file: Path) -> None:
    file.write_text(WHOLE)
    file.chmod(mode)
    with pytest.raises(ConfigurationError) as refused:
        read_config_file(file)
    assert str(refused.value).splitlines()[-1] == f"  chmod go-w {file}"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has none")
def test_a_pipe_is_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(ConfigurationError, match="no regular file"):
        read_config_file(file)


VALUES = st.one_of(st.integers(), st.booleans(), st.floats(), st.text(), st.dates(), st.lists(st.integers()))


@given(
    table=st.dictionaries(
        st.sampled_from(["access_key", "secret", "base_url", "per_day", "day_starts"]), VALUES
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_nothing_that_is_toml_is_a_surprise(table: dict[str, object], file: Path) -> None:
    lines = "".join(f"{key} = {_toml(value)}\n" for key, value in table.items())
    file.write_text(f"[profiles.a]\n{lines}", encoding="utf-8", errors="replace")
    with suppress(ConfigurationError):
        assert list(read_config_file(file).names) == ["a"]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(sign):08x}" for sign in value) + '"'
    return str(value)
