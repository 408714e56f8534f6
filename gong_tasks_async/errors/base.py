"""What all errors have: which request, how often it was sent, and a text made of facts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from attrs import define

from gong_tasks_async.errors.meaning import Meaning, Retries

ErrorT = TypeVar("ErrorT", bound="GongError")


def _restored(kind: type[ErrorT], facts: dict[str, Any]) -> ErrorT:
    error = kind.__new__(kind)
    error.__dict__.update(facts)
    return error


def counted_attempts(count: int) -> str:
    """A number of attempts in words."""
    return "1 attempt" if count == 1 else f"{count} attempts"


def page_of(name: str) -> str:
    """The page of an error in the manual, by the name of its class.

    >>> page_of("DailyQuotaError")
    'errors/daily-quota'
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name.removesuffix("Error"))
    return f"errors/{words.lower()}"


@define(slots=False, eq=False, repr=False, kw_only=True)
class GongError(Exception):
    """Anything that this library raises about a call; catch this to catch them all.

    Attributes:
        method: the request's HTTP method; empty where no request is concerned.
        url: the request's URL, without credentials.
        attempts: how often the request was sent; 0 when it never left.
    """

    meaning: ClassVar[Meaning] = Meaning.LATER
    """What it means for its row and its run; each class declares its own."""

    method: str = ""
    url: str = ""
    attempts: int = 0

    @property
    def retries(self) -> Retries:
        """How often a call that met it is attempted; :class:`RetryPolicy` has the numbers."""
        return Retries.NEVER

    @property
    def request(self) -> str:
        """The request in words, such as ``PATCH https://api.gong.io/v2/tasks/7``."""
        return f"{self.method} {self.url}".strip() or "the call"

    @classmethod
    def page_name(cls) -> str:
        """The page of this class in the manual: ``errors/rate-limit`` for :class:`RateLimitError`."""
        return page_of(cls.__name__)

    def _text(self) -> str:
        """What happened, to which request, and what to do now; each class has its own."""
        return f"{self.request} failed."

    def __str__(self) -> str:
        return f"{self._text().rstrip('.')}. See {self.page_name()}."

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __reduce__(self) -> tuple[Callable[..., GongError], tuple[Any, ...]]:
        # The default would call the class with positional arguments; ours are keywords.
        return _restored, (type(self), self.__dict__.copy())
