"""`gong-tasks login`: a company's credentials, asked for once, checked, and kept in a safe place."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.exit_codes import ExitCode
from gong_tasks_async.cli.input.shared_options import yes_option
from gong_tasks_async.cli.invocation import global_option
from gong_tasks_async.cli.output.console import is_terminal, note, note_command
from gong_tasks_async.cli.session import run

if TYPE_CHECKING:
    from gong_tasks_async.config.configuration import Configuration

EXAMPLES = """
gong-tasks login
gong-tasks login --profile acme --base-url https://us-12345.api.gong.io
gong-tasks login --profile acme --base-url https://us-12345.api.gong.io --access-key KEY < secret.txt
"""

ADDRESS: Final = "https://api.gong.io"
WHERE: Final = "Gong shows URL and keys under Company settings > Ecosystem > API."


@click.command("login", cls=Command, examples=EXAMPLES)
@click.option(
    "--base-url", metavar="URL", help="The company's own URL, such as https://us-12345.api.gong.io."
)
@click.option(
    "--access-key",
    metavar="KEY",
    help="The access key; its secret is asked for, or read from a pipe with --base-url.",
)
@click.option(
    "--store",
    type=click.Choice(["keyring", "file"]),
    help="Where the secret is kept; by default the keyring where there is one, else a file for you alone.",
)
@click.option("--oauth", is_flag=True, help="Sign in as an OAuth app, in the browser.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8976,
    show_default=True,
    help="With --oauth: the app's redirect address is http://localhost:PORT/callback.",
)
@yes_option
def command(
    *, base_url: str | None, access_key: str | None, store: str | None, oauth: bool, port: int, yes: bool
) -> None:
    """Store a company's credentials as a profile, and check them.

    Asks for what is not given; the secret is never shown, nor taken from the command line. Credentials that Gong
    does not accept are not stored.
    """
    from gong_tasks_async.cli.login.key_login import KeyLogin, keep_default, refuse_bad_name  # noqa: PLC0415 - as above
    from gong_tasks_async.config.folders import config_file  # noqa: PLC0415 - brings aiohttp

    _refuse_unnamed_url(base_url, access_key)
    if is_terminal():
        note(WHERE)
    name = global_option("profile") or _ask("Name of the profile", default="default")
    refuse_bad_name(name)
    file = config_file(os.environ)
    _confirm_replacement(file, name, yes=yes)
    if oauth:
        _login_by_browser(file, name, store, port)
        return
    login = KeyLogin(
        file=file,
        profile=name,
        base_url=base_url or _ask("Company's URL", default=ADDRESS),
        access_key=access_key or _ask("Access key"),
        secret=_ask("Access key secret", hidden=True),
    )
    code = _checked(login.configuration(os.environ))
    if code is ExitCode.CREDENTIALS:
        note("Nothing was stored.")
        click.get_current_context().exit(code)
    keep_default(file, name)
    place = login.store(use_keyring=_keyring(store))
    if code is not ExitCode.DONE:
        note("Stored unproven, since the check did not pass.")
    _note_if_temporary(file)
    note_command(
        f"Profile {name} is in {file}, its secret in {place}. Try it:", f"gong-tasks users --profile {name}"
    )
    click.get_current_context().exit(code)


def _refuse_unnamed_url(base_url: str | None, access_key: str | None) -> None:
    """A pipe with the secret alone must not answer the question about the URL: the secret would be taken for it."""
    if access_key and not base_url and not is_terminal(sys.stdin):
        raise click.UsageError("with the secret from a pipe, name the company's URL too: --base-url URL")


def _login_by_browser(file: Path, name: str, store: str | None, port: int) -> None:
    from gong_tasks_async.cli.login.key_login import keep_default  # noqa: PLC0415 - brings aiohttp
    from gong_tasks_async.cli.login.oauth_login import login_by_browser  # noqa: PLC0415 - few need it

    client_id = _ask("Client id of the app")
    secret = _ask("Client secret", hidden=True)
    keep_default(file, name)
    run(login_by_browser(file, name, client_id, secret, port=port, use_keyring=_keyring(store)))
    note_command(f"Profile {name} is in {file}. Check it:", f"gong-tasks check --profile {name}")


def _note_if_temporary(file: Path) -> None:
    """In a container without a home, what is stored may be gone with it."""
    if file.is_relative_to(tempfile.gettempdir()) and not os.environ.get("GONG_TASKS_CONFIG"):
        note(
            f"There is no home folder, and {file.parent} may not last: "
            "name lasting places in GONG_TASKS_CONFIG and GONG_TASKS_STATE."
        )


def _keyring(store: str | None) -> bool | None:
    return None if store is None else store == "keyring"


def _ask(text: str, *, default: str | None = None, hidden: bool = False) -> str:
    """Ask on standard error; from a pipe, take the next line, a secret without a prompt."""
    if hidden and not is_terminal(sys.stdin):
        return _next_line(text)
    answer: str = click.prompt(text, default=default, hide_input=hidden, err=True, type=str)
    return answer.strip()


def _next_line(text: str) -> str:
    line = sys.stdin.readline().strip()
    if not line:
        raise click.UsageError(f"no {text.lower()}: standard input is empty")
    return line


def _confirm_replacement(file: Path, name: str, *, yes: bool) -> None:
    from gong_tasks_async.config.config_file import read_config_file  # noqa: PLC0415 - as above

    if yes or name not in read_config_file(file).names:
        return
    if not is_terminal(sys.stdin):  # the next line is the secret, and no answer
        raise click.UsageError(f"profile {name} exists: add --yes to replace its credentials")
    if not click.confirm(f"Replace the credentials of profile {name}?", err=True):
        note("Nothing was changed.")
        raise click.exceptions.Exit(ExitCode.INTERRUPTED)


def _checked(configuration: Configuration) -> ExitCode:
    """Run `check` with the credentials, before they are stored."""
    from gong_tasks_async.cli.check import check_all, exit_code_of_results  # noqa: PLC0415 - with the client

    return exit_code_of_results(run(check_all(configuration)))
