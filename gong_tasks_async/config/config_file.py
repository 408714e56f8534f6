"""The TOML file of profiles; everything wrong in it is named at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from gong_tasks_async.config.errors import ConfigurationError, UnsafeFileError
from gong_tasks_async.config.private_files import check_owner, read_regular
from gong_tasks_async.config.profile import Profile, read_profile, unknown_keys
from gong_tasks_async.errors.kinds import is_object


@frozen
class ConfigFile:
    """The content of the file; empty where there is none."""

    path: Path
    default_profile: str | None = None
    profiles: Mapping[str, Profile] = field(factory=dict[str, Profile])
    broken: Mapping[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]])
    """Profiles with problems, which are reported when one of these is used: the others work."""

    @property
    def names(self) -> tuple[str, ...]:
        """All profiles, those with problems included."""
        return (*self.profiles, *self.broken)

    def named(self, name: str) -> Profile:
        """The profile of that name.

        Raises:
            ConfigurationError: there is none, or it has problems.
        """
        if name in self.broken:
            raise ConfigurationError(str(self.path), self.broken[name])
        if name not in self.profiles:
            known = ", ".join(self.names) or "none"
            raise ConfigurationError(str(self.path), (f"there is no profile {name!r}; there are: {known}",))
        return self.profiles[name]

    @property
    def default_name(self) -> str | None:
        """The default profile's name: the one that is named so, or the only one."""
        return self.default_profile or (self.names[0] if len(self.names) == 1 else None)

    def default(self) -> Profile | None:
        """The default profile.

        Raises:
            ConfigurationError: it has problems.
        """
        name = self.default_name
        return None if name is None else self.named(name)


def read_config_file(path: Path) -> ConfigFile:
    """Read the file, or nothing where there is none.

    Raises:
        ConfigurationError: it is not TOML, a value outside of the profiles makes no sense, or others can write it.
        OSError: it is there and cannot be read.
    """
    try:
        data, status = read_regular(path)
        check_owner(path, status)
        raw = tomllib.loads(data.decode("utf-8-sig"))  # some editors write a byte order mark
    except (FileNotFoundError, NotADirectoryError):
        return ConfigFile(path)
    except UnsafeFileError as error:
        raise ConfigurationError(str(path), (str(error).removeprefix(f"{path} "),)) from None
    except UnicodeDecodeError:
        raise ConfigurationError(str(path), ("it is not UTF-8 text",)) from None
    except tomllib.TOMLDecodeError as error:  # its text has the line
        raise ConfigurationError(str(path), (f"it is not TOML: {error}",)) from None
    except (ValueError, RecursionError):  # of a number with thousands of digits, of thousands of brackets
        raise ConfigurationError(
            str(path), ("a number in it is too long, or it is nested too deeply",)
        ) from None
    return _read(path, raw)


def _read(path: Path, raw: dict[str, Any]) -> ConfigFile:
    problems = list(unknown_keys("", raw, ("default_profile", "profiles")))
    found = raw.get("profiles", {})
    tables: dict[str, object] = found if is_object(found) else {}
    if tables is not found:
        problems.append("profiles: write a table for each company, such as [profiles.acme]")
    default = raw.get("default_profile")
    if default is not None and (not isinstance(default, str) or default not in tables):
        problems.append(f"default_profile: there is no [profiles.{default}]")
    if problems:
        raise ConfigurationError(str(path), (*problems, *_all_problems(tables)))
    read = {name: read_profile(name, table) for name, table in tables.items()}
    return ConfigFile(
        path,
        default,
        {name: profile for name, profile in read.items() if isinstance(profile, Profile)},
        {name: wrong for name, wrong in read.items() if isinstance(wrong, tuple)},
    )


def _all_problems(tables: Mapping[str, object]) -> Iterator[str]:
    for name, table in tables.items():
        found = read_profile(name, table)
        yield from found if isinstance(found, tuple) else ()
