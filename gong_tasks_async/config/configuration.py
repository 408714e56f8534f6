"""Whose Gong is called, as whom, and how fast: the command line, then the environment, then the file.

Credentials and base URL belong together: a key of one company at the address of another would be refused at best, and
at worst changes would go to the wrong company. So they are taken from one place, whole: from the profile that was
named, else from the environment where it has credentials, else from the default profile. ``--base-url`` goes
before all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from gong_tasks_async.auth.oauth import OAuthToken
from gong_tasks_async.config.config_file import ConfigFile, read_config_file
from gong_tasks_async.config.errors import NoProfileChosenError, StateFolderError
from gong_tasks_async.config.folders import config_file, jobs_folder, state_folder
from gong_tasks_async.config.private_files import make_private_folder
from gong_tasks_async.config.profile import Profile
from gong_tasks_async.config.sign_in import (
    Notify,
    SignIn,
    environment_has_credentials,
    sign_in_from_environment,
    sign_in_from_profile,
)
from gong_tasks_async.credentials import Credentials
from gong_tasks_async.events import logger
from gong_tasks_async.quota import QuotaLimits
from gong_tasks_async.settings import DEFAULT_BASE_URL

ENVIRONMENT = "environment"
"""The name of a profile that the environment makes."""


@frozen(kw_only=True)
class Configuration:
    """All that a command needs to know before it calls Gong. No secret is in its ``repr``."""

    profile: str
    """Its name in the file; ``environment`` where it comes from there alone."""
    base_url: str
    credentials: Credentials | OAuthToken = field(repr=False)
    limits: QuotaLimits
    """With the file that adds up the calls of all runs of this machine for this company."""
    company: str
    """A name for the company that is the same in each run, whichever of its keys is used; good for a file's name."""
    jobs_folder: Path
    """Where journals of bulk runs are kept, of all companies."""
    source: str
    """Where the credentials come from, in words."""
    proxy: str | None = field(default=None, repr=False)
    """The proxy to go through; None for the environment's. Its address may hold a password."""
    ca_bundle: str | None = None
    """Certificates to trust beside this machine's."""
    notes: tuple[str, ...] = ()
    """What an operator should know about the choice that was made."""

    def make_folders(self) -> None:
        """Make the folders that are not there yet, for their owner alone.

        Raises:
            StateFolderError: they cannot be made.
            UnsafeFileError: they are another user's, or others can write them.
        """
        self.make_day_folder()
        _make(self.jobs_folder.parent, self.jobs_folder)

    def make_day_folder(self) -> None:
        """Make the folder of the day's count alone.

        Raises:
            StateFolderError: it cannot be made.
            UnsafeFileError: it is another user's, or others can write it.
        """
        if store := self.limits.day_store:
            _make(store.parent.parent, store.parent)


def _make(*folders: Path) -> None:
    for folder in folders:
        try:
            make_private_folder(folder)
        except OSError as error:
            raise StateFolderError(folder, error) from error


def read_configuration(
    environment: Mapping[str, str],
    *,
    profile: str | None = None,
    base_url: str | None = None,
    notify: Notify = logger.warning,
) -> Configuration:
    """Find out whose Gong is meant.

    Args:
        environment: the variables, such as ``os.environ``.
        profile: what was named on the command line, or in code.
        base_url: the same.
        notify: receives a line where a grant file had to be saved in another way.

    Raises:
        ConfigurationError: the file is wrong, or has no such profile.
        NoCredentialsError: there are none, or their secret is out of reach.
        OSError: the file cannot be read.
    """
    file = _read_file(environment)
    chosen = chosen_profile(file, environment, profile)
    if chosen is None and len(file.names) > 1 and not environment_has_credentials(environment):
        raise NoProfileChosenError(file.path, tuple(file.names))
    if chosen and (profile or chosen.has_credentials):
        sign_in = sign_in_from_profile(chosen, environment, notify)
        address = chosen.base_url
    else:
        sign_in = sign_in_from_environment(environment, file.path, notify)
        address = environment.get("GONG_BASE_URL", "").strip() or (chosen.base_url if chosen else None)
    notes = _notes(file, profile, environment, chosen)
    return _configuration(
        chosen, sign_in, base_url or address or sign_in.base_url or DEFAULT_BASE_URL, environment, notes
    )


def _read_file(environment: Mapping[str, str]) -> ConfigFile:
    """The file; nothing where it was not named, cannot be reached, and the environment has credentials.

    A service may run with the HOME of another user.
    """
    path = config_file(environment)
    try:
        return read_config_file(path)
    except PermissionError:
        if environment.get("GONG_TASKS_CONFIG", "").strip() or not environment_has_credentials(environment):
            raise
        return ConfigFile(path)


def chosen_profile(file: ConfigFile, environment: Mapping[str, str], named: str | None) -> Profile | None:
    """The profile that is meant; None where the environment has credentials of its own.

    Raises:
        ConfigurationError: the file has no profile of that name.
    """
    if named:
        return file.named(named)
    if environment_has_credentials(environment) and _default_is_broken(file):
        return None
    default = file.default()
    if default and default.has_credentials and environment_has_credentials(environment):
        return None
    return default


def _default_is_broken(file: ConfigFile) -> bool:
    return file.default_profile in file.broken or (not file.profiles and len(file.broken) == 1)


def _configuration(
    chosen: Profile | None,
    sign_in: SignIn,
    base_url: str,
    environment: Mapping[str, str],
    notes: tuple[str, ...],
) -> Configuration:
    profile = chosen.name if chosen else ENVIRONMENT
    company = company_name(base_url, sign_in.identity or profile)
    limits = chosen.limits if chosen else QuotaLimits()
    return Configuration(
        profile=profile,
        base_url=base_url,
        credentials=sign_in.credentials,
        limits=evolve(limits, day_store=state_folder(environment) / "days" / f"{company}.sqlite"),
        company=company,
        jobs_folder=jobs_folder(environment),
        source=sign_in.source,
        proxy=chosen.proxy if chosen else None,
        ca_bundle=str(chosen.ca_bundle) if chosen and chosen.ca_bundle else None,
        notes=notes,
    )


def company_name(base_url: str, identity: str) -> str:
    """A company's name for files: its own address, or, at the address that many share, who is calling.

    The quota is the company's, so two of its keys must come to one name.
    """
    address = urlsplit(base_url.lower().rstrip("/").removesuffix("/v2"))
    host = address.hostname or "gong"
    shared = f"{address.scheme}://{host}" == DEFAULT_BASE_URL
    told_apart = f"{address.netloc} {identity if shared else ''}"
    return f"{host.replace(':', '-')}-{sha256(told_apart.encode()).hexdigest()[:12]}"


def _notes(
    file: ConfigFile, named: str | None, environment: Mapping[str, str], chosen: Profile | None
) -> tuple[str, ...]:
    """Say which of two companies was meant, where both could have been."""
    if named:
        if environment_has_credentials(environment):
            return (f"the credentials are those of profile {named!r}, not those of the environment.",)
        return ()
    default = None if _default_is_broken(file) else file.default()
    if default and default != chosen:
        return (f"the credentials are the environment's; for the file's, add --profile {default.name}.",)
    if default and default.has_credentials and environment.get("GONG_BASE_URL", "").strip():
        return (f"GONG_BASE_URL is not used: profile {default.name!r} has credentials of its own.",)
    return ()
