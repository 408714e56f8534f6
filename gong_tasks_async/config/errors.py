"""What is wrong with a configuration, its credentials, or the files that hold them."""

from __future__ import annotations

from pathlib import Path


class ConfigurationError(ValueError):
    """The configuration is wrong; ``problems`` has a line for each trouble."""

    def __init__(self, where: str, problems: tuple[str, ...]) -> None:
        super().__init__(where, problems)
        self.where = where
        self.problems = problems

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return f"{self.where}: {self.problems[0]}"
        return "\n  ".join((f"{self.where}: {len(self.problems)} problems", *self.problems))


class NoCredentialsError(ConfigurationError):
    """There are no credentials, half of them, or their secret is out of reach; the message has the remedy."""


class NoProfileChosenError(NoCredentialsError):
    """The file has several profiles, and neither it nor the caller says which one is meant."""

    def __init__(self, file: Path, names: tuple[str, ...]) -> None:
        super().__init__("no profile is chosen", (f"{file} has {', '.join(names)}",))
        self.file = file
        self.names = names

    def __reduce__(self) -> tuple[type, tuple[Path, tuple[str, ...]]]:
        return type(self), (self.file, self.names)


class NoSecretError(ValueError):
    """The source of a secret is empty, out of reach, or open to others; the message has the remedy."""


class UnsafeFileError(ValueError):
    """A file or folder is another user's, or open to others; the message has the remedy."""


class StateFolderError(OSError):
    """The state folder cannot be made; the message names the variable that moves it."""

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(
            error.errno,
            f"{error.strerror}; name a folder that can be written in GONG_TASKS_STATE",
            str(folder),
        )
