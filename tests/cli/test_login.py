"""The first hour: credentials asked for once, checked, stored safely; profiles; one value set."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from gong_tasks_async.cli.login.browser_answer import BrowserAnswer
from gong_tasks_async.config.edit_file import set_values, with_value
from gong_tasks_async.config.errors import ConfigurationError
from tests.cli.company import Company, Found
from tests.redis_server import spare_port


@pytest.fixture
def company(found: Found) -> Company:
    company = found()
    (company.folder / "config.toml").unlink()
    return company


def login(company: Company, *options: str, secret: str | None = None) -> tuple[int, str, str]:
    answers = f"{company.gong.access_key_secret if secret is None else secret}\n"
    line = [
        "login",
        "--profile",
        "acme",
        "--base-url",
        company.gong.base_url,
        "--access-key",
        company.gong.access_key,
    ]
    got = company.invoke(*line, *options, input=answers)
    return got.exit_code, got.stdout, got.stderr


def config(company: Company) -> dict[str, object]:
    return tomllib.loads((company.folder / "config.toml").read_text())


class TestLogin:
    def test_checks_and_stores_so_that_the_next_command_works(self, company: Company) -> None:
        code, out, err = login(company, "--store", "file")
        assert code == 0
        assert out.count("ok ") == 4
        typed = err.splitlines()[-1]
        assert typed == "  gong-tasks users --profile acme"
        assert company.invoke(*shlex.split(typed)[1:]).exit_code == 0
        assert company.invoke("users").exit_code == 0  # the only profile is the default one

    def test_the_secret_is_in_a_file_for_its_owner_alone_and_nowhere_else(self, company: Company) -> None:
        _, out, err = login(company, "--store", "file")
        secret = company.gong.access_key_secret
        path = company.folder / "secrets" / "acme"
        assert (path.read_text().strip(), path.stat().st_mode & 0o777) == (secret, 0o600)
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert secret not in out + err + (company.folder / "config.toml").read_text()

    def test_a_keyring_is_used_where_there_is_one(
        self, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("keyring")
        entries: dict[tuple[str, str], str] = {}
        monkeypatch.setattr("keyring.set_password", lambda s, n, value: entries.update({(s, n): value}))
        monkeypatch.setattr("keyring.get_password", lambda s, n: entries.get((s, n)))
        assert login(company)[0] == 0
        assert entries == {("gong-tasks", "acme"): company.gong.access_key_secret}
        assert not (company.folder / "secrets").exists()
        assert company.invoke("users").exit_code == 0

    def test_one_that_gives_nothing_back_is_not_trusted(
        self, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("keyring")
        monkeypatch.setattr("keyring.set_password", lambda *_: None)
        monkeypatch.setattr("keyring.get_password", lambda *_: None)
        assert login(company)[0] == 0
        assert (company.folder / "secrets" / "acme").exists()

    def test_wrong_credentials_are_not_stored(self, company: Company) -> None:
        code, _, err = login(company, secret="wrong")
        assert (code, err.splitlines()[-1]) == (3, "Nothing was stored.")
        assert not (company.folder / "config.toml").exists()
        assert not (company.folder / "secrets").exists()

    def test_a_profile_is_not_replaced_unasked(self, company: Company) -> None:
        login(company, "--store", "file")
        before = (company.folder / "config.toml").read_text()
        code, _, err = login(company, "--store", "file", secret="n")
        assert (code, "profile acme exists: add --yes" in err) == (2, True)
        assert (company.folder / "config.toml").read_text() == before

    def test_a_piped_secret_has_no_prompt_and_no_warning(self, company: Company) -> None:
        _, _, err = login(company, "--store", "file")
        assert "secret:" not in err
        assert "GetPass" not in err
        code, _, err = login(company, "--store", "file", "--yes", secret="")
        assert (code, "standard input is empty" in err) == (2, True)

    def test_what_was_not_proven_is_named(self, company: Company) -> None:
        line = "login --profile acme --base-url http://127.0.0.1:1 --access-key KEY --store file"
        got = company.invoke(*line.split(), input="secret\n")
        assert (got.exit_code, "Stored unproven" in got.stderr) == (5, True)
        assert "Error:" not in got.stdout

    def test_it_is_where_that_is_agreed_to(self, company: Company) -> None:
        login(company, "--store", "file")
        assert login(company, "--store", "file", "--yes")[0] == 0

    def test_a_second_one_leaves_the_first_the_default(self, company: Company) -> None:
        company.configure()
        assert login(company, "--store", "file")[0] == 0
        assert config(company)["default_profile"] == "simulated"
        assert company.invoke("users").exit_code == 0

    def test_of_several_without_a_default_the_command_that_makes_one_is_named(self, company: Company) -> None:
        company.configure()
        login(company, "--store", "file")
        file = company.folder / "config.toml"
        file.write_text(file.read_text().replace('default_profile = "simulated"\n', ""))
        got = company.invoke("users")
        assert (got.exit_code, "no profile is chosen" in got.stderr) == (3, True)
        assert got.stderr.endswith(
            "Make simulated the default:\n  gong-tasks config set default_profile simulated\n"
        )

    def test_a_piped_secret_is_never_taken_for_the_url(self, company: Company) -> None:
        got = company.invoke("login", "--profile", "acme", "--access-key", "KEY", input="the-secret\n")
        assert (got.exit_code, company.gong.ledger.calls) == (2, 0)
        assert "--base-url" in got.stderr
        assert "the-secret" not in got.stdout + got.stderr

    @pytest.mark.parametrize("name", ["../acme", "a b", "a/b", ""])
    def test_a_name_that_could_be_a_path_is_refused(self, name: str, company: Company) -> None:
        got = company.invoke("login", "--profile", name or " ", input="\n")
        assert got.exit_code == 2
        assert company.gong.ledger.calls == 0

    @pytest.mark.parametrize("address", ["gong", "http://api.gong.io", "ftp://api.gong.io"])
    def test_an_address_that_is_none_is_refused_before_a_call(self, address: str, company: Company) -> None:
        got = company.invoke(
            "login", "--profile", "a", "--base-url", address, "--access-key", "k", input="s\n"
        )
        assert got.exit_code == 2
        assert not (company.folder / "secrets").exists()


class TestProfiles:
    def test_a_broken_one_is_listed_with_its_problem_and_the_others_work(self, found: Found) -> None:
        company = found()
        file = company.folder / "config.toml"
        file.write_text(f"default_profile = 'simulated'\n{file.read_text()}[profiles.bad]\nper_secnd = 3\n")
        rows = [json.loads(line) for line in company.invoke("profiles").stdout.splitlines()]
        assert [(row["name"], row["default"]) for row in rows] == [("simulated", "yes"), ("bad", None)]
        assert "did you mean per_second" in rows[1]["problems"]
        assert company.invoke("users").exit_code == 0
        assert company.invoke("users", "--profile", "bad").exit_code == 2

    def test_none_at_all_says_how_to_make_one(self, company: Company) -> None:
        got = company.invoke("profiles", "-o", "table")
        assert got.stderr.splitlines()[-1] == "  gong-tasks login"


class TestConfig:
    def test_path(self, company: Company) -> None:
        assert company.invoke("config", "path").stdout == f"{company.folder / 'config.toml'}\n"

    def test_show_has_no_secret(self, company: Company) -> None:
        login(company, "--store", "file")
        got = company.invoke("config", "show", "-o", "json")
        assert json.loads(got.stdout)["base_url"] == company.gong.base_url
        assert company.gong.access_key_secret not in got.output

    def test_set_keeps_everything_else(self, company: Company) -> None:
        login(company, "--store", "file")
        file = company.folder / "config.toml"
        file.write_text(f"# mine\n{file.read_text()}# the end\n")
        for line in ("per_day 20000", "per_day 30000", "per_second 2.5"):
            assert company.invoke("config", "set", *line.split(), "--profile", "acme").exit_code == 0
        assert company.invoke("config", "set", "default_profile", "acme").exit_code == 0
        read = config(company)
        assert read["default_profile"] == "acme"
        acme = read["profiles"]["acme"]  # type: ignore[index]  # a table
        assert (acme["per_day"], acme["per_second"]) == (30_000, 2.5)
        assert {"# mine", "# the end"} <= set(file.read_text().splitlines())

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("per_dya 1", "did you mean per_day?"),
            ("per_day many", "must be a whole number"),
            ("secret hunter2", "name its place"),
            ("default_profile nobody", "there is no [profiles.nobody]"),
        ],
    )
    def test_a_value_that_makes_no_sense_leaves_the_file(
        self, line: str, said: str, company: Company
    ) -> None:
        login(company, "--store", "file")
        before = (company.folder / "config.toml").read_text()
        got = company.invoke("config", "set", *line.split())
        assert (got.exit_code, said in got.stderr) == (2, True)
        assert (company.folder / "config.toml").read_text() == before
        assert "hunter2" not in got.output

    def test_a_style_of_one_s_own_is_left_to_the_hand(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_text('profiles = {acme = {base_url = "https://x.gong.io"}}\n')
        with pytest.raises(ConfigurationError, match="edit it by hand"):
            set_values(file, "acme", {"per_day": 1000})
        assert "per_day" not in file.read_text()

    def test_a_link_is_replaced_and_its_target_left_alone(self, tmp_path: Path) -> None:
        target = tmp_path / "target"
        target.write_text("[profiles.a]\n")
        (tmp_path / "config.toml").symlink_to(target)
        set_values(tmp_path / "config.toml", "a", {"per_second": 2.0})
        assert target.read_text() == "[profiles.a]\n"

    @given(
        st.text(alphabet="abc_-é .\"'", min_size=1, max_size=6),
        st.one_of(st.text(max_size=12), st.integers(0, 10**9), st.floats(0.1, 9)),
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    def test_what_is_written_reads_back(self, profile: str, value: str | float) -> None:
        text = with_value("[profiles.other]\nx = 1\n", profile, "key", value)
        assert tomllib.loads(text)["profiles"][profile]["key"] == value
        assert tomllib.loads(with_value(text, profile, "key", 7))["profiles"][profile] == {"key": 7}
        assert re.search(r"^x = 1$", text, re.MULTILINE)


class TestOAuth:
    """A browser that is a thread, which follows the address it is sent to."""

    @pytest.fixture
    def browser(self, company: Company, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        answer = {"code": company.engine.authorization_code}

        def opened(url: str) -> bool:
            query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
            answer.update(seen=url)
            back = {"state": answer.get("state", query["state"])} | {
                name: answer[name] for name in ("code", "error") if name in answer
            }
            for values in ({"state": "another"}, back):
                try:
                    urlopen(f"{query['redirect_uri']}?{urlencode(values)}", timeout=120).close()  # noqa: S310 - loopback
                except HTTPError as refused:
                    refused.close()
            return True

        monkeypatch.setattr("webbrowser.open", opened)
        monkeypatch.setenv("GONG_TOKEN_URL", f"{company.gong.base_url}/oauth2/generate-customer-token")
        return answer

    def login(self, company: Company) -> tuple[int, str]:
        answers = f"{company.engine.client_id}\n{company.engine.client_secret}\n"
        line = ["login", "--profile", "app", "--oauth", "--port", str(spare_port()), "--store", "file"]
        got = company.invoke(*line, input=answers)
        return got.exit_code, got.stderr

    def test_signs_in_so_that_the_next_command_works(self, company: Company, browser: dict[str, str]) -> None:
        code, err = self.login(company)
        assert code == 0, err
        assert company.engine.client_secret not in err + (company.folder / "config.toml").read_text()
        assert (company.folder / "secrets" / "app.token").stat().st_mode & 0o777 == 0o600
        assert company.invoke("users").exit_code == 0
        query = parse_qs(urlsplit(browser["seen"]).query)
        assert (query["response_type"], query["code_challenge_method"]) == (["code"], ["S256"])
        assert f"  {browser['seen']}" in err.splitlines()

    def test_a_refusal_in_the_browser_is_reported(self, company: Company, browser: dict[str, str]) -> None:
        del browser["code"]
        browser["error"] = "access_denied"
        code, err = self.login(company)
        assert (code, "refused the sign-in: access_denied" in err) == (2, True)
        assert not (company.folder / "config.toml").exists()

    def test_a_code_that_was_used_is_no_sign_in(self, company: Company, browser: dict[str, str]) -> None:
        company.engine.authorization_code = "another"
        assert browser
        assert self.login(company)[0] == 3
        assert not (company.folder / "config.toml").exists()


@pytest.mark.parametrize(
    "line",
    [
        "GET /callback?code=x HTTP/1.1",
        "GET /callback?code=x&state=wrong HTTP/1.1",
        "GET /?code=x&state=right HTTP/1.1",
        "GET /callback/../x?code=x&state=right HTTP/1.1",
        "nonsense",
        "",
        "GET //[ HTTP/1.1",
    ],
)
async def test_only_the_right_state_ends_a_sign_in(line: str) -> None:
    answer = BrowserAnswer("right")
    assert answer.take(line)[0] != "200 OK"
    assert not answer._code.done()
    assert answer.take("GET /callback?code=x&state=right HTTP/1.1")[0] == "200 OK"
    assert await answer.code(1) == "x"
