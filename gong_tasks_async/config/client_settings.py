"""The configuration as the keywords of a client: what :meth:`GongTasksClient.from_env` and ``from_profile`` read."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from gong_tasks_async.config.configuration import ENVIRONMENT, Configuration, read_configuration
from gong_tasks_async.settings import ClientSettings


def settings_from_environment(environment: Mapping[str, str], given: ClientSettings) -> ClientSettings:
    """The settings that were given, completed by the environment and by the default profile.

    Credentials that were given are those of one company: the file, which may mean another, is then left unread.

    Raises:
        ConfigurationError: there are no credentials, or the configuration file is wrong.
        StateFolderError: the folder of the day's count cannot be made.
    """
    if "credentials" in given:
        base_url = environment.get("GONG_BASE_URL", "").strip()
        return {"base_url": base_url, **given} if base_url else given
    named = environment.get("GONG_TASKS_PROFILE", "").strip() or None
    configuration = read_configuration(environment, profile=named, base_url=given.get("base_url"))
    # Without a profile this machine may have no place for state, as containers often have none.
    if configuration.profile == ENVIRONMENT and not environment.get("GONG_TASKS_STATE", "").strip():
        configuration = evolve(configuration, limits=evolve(configuration.limits, day_store=None))
    return _completed(configuration, given)


def settings_from_profile(
    environment: Mapping[str, str], profile: str, given: ClientSettings
) -> ClientSettings:
    """The settings that were given, completed by a profile.

    Raises:
        ConfigurationError: there is no such profile, it has problems, or its secret is out of reach.
        StateFolderError: the folder of the day's count cannot be made.
    """
    return _completed(read_configuration(environment, profile=profile, base_url=given.get("base_url")), given)


def _completed(configuration: Configuration, given: ClientSettings) -> ClientSettings:
    if not {"limits", "quota"} & given.keys():
        configuration.make_day_folder()
    read: ClientSettings = {
        "credentials": configuration.credentials,
        "base_url": configuration.base_url,
        "limits": configuration.limits,
        "proxy": configuration.proxy,
        "ca_bundle": configuration.ca_bundle,
    }
    return {**read, **given}
