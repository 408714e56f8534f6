"""A value of ours that was refused before any call."""

from __future__ import annotations

from collections.abc import Iterable


class InvalidValueError(ValueError):
    """A request or a setting that makes no sense; everything wrong with it is named at once.

    Args:
        subject: the class of the value, such as ``TaskUpdate``.
        problems: what is wrong with it, one text for each problem.
    """

    def __init__(self, subject: str, problems: Iterable[str]) -> None:
        self.subject = subject
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(subject, self.problems)

    def __str__(self) -> str:
        return f"{self.subject} refused: {'; '.join(self.problems)}"
