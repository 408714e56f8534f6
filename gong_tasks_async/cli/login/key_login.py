"""A login with an access key, as values: the configuration it checks, and the profile it writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from gong_tasks_async.cli.output.console import note_command
from gong_tasks_async.config.config_file import read_config_file
from gong_tasks_async.config.configuration import Configuration, company_name
from gong_tasks_async.config.edit_file import PLAIN_NAME, set_values
from gong_tasks_async.config.folders import jobs_folder, state_folder
from gong_tasks_async.config.store_secret import store_secret
from gong_tasks_async.credentials import AccessKey
from gong_tasks_async.http.addresses import checked_base_url
from gong_tasks_async.quota import QuotaLimits


def refuse_bad_name(name: str) -> None:
    """Refuse a profile's name that could not name a file or be typed.

    Raises:
        ValueError: it has other characters than letters, digits, hyphen and underscore.
    """
    if not PLAIN_NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a profile: use letters, digits, - and _")


def keep_default(file: Path, profile: str) -> None:
    """Write down which profile is the default, before another one stands beside the only one.

    Raises:
        ConfigurationError: the file cannot take it.
        OSError: the file cannot be written.
    """
    before = read_config_file(file)
    if before.default_profile is None and len(before.names) == 1 and profile not in before.names:
        set_values(file, None, {"default_profile": before.names[0]})
        note_command(
            f"Commands without --profile are still those of {before.names[0]}. To change that:",
            f"gong-tasks config set default_profile {profile}",
        )


@frozen(kw_only=True)
class KeyLogin:
    """What was typed."""

    file: Path
    profile: str
    base_url: str
    access_key: str = field(repr=False)
    secret: str = field(repr=False)

    def configuration(self, environment: Mapping[str, str]) -> Configuration:
        """The configuration that the profile will make.

        Raises:
            ValueError: the address is none, or the key cannot be sent.
        """
        base_url = checked_base_url(self.base_url)
        company = company_name(base_url, self.access_key)
        store = state_folder(environment) / "days" / f"{company}.sqlite"
        return Configuration(
            profile=self.profile,
            base_url=base_url,
            credentials=AccessKey(self.access_key, self.secret),
            limits=evolve(QuotaLimits(), day_store=store),
            company=company,
            jobs_folder=jobs_folder(environment),
            source="this login",
        )

    def store(self, *, use_keyring: bool | None) -> str:
        """Store the secret, then write the profile; return the secret's place.

        Raises:
            ConfigurationError: the file cannot take the profile.
            OSError: a file cannot be written.
        """
        place = store_secret(self.profile, self.secret, self.file, use_keyring=use_keyring)
        values = {"base_url": self.base_url, "access_key": self.access_key, "secret": place}
        set_values(self.file, self.profile, values)
        return place
