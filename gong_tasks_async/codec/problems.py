"""Fields that a response has, but not in the form that Gong's reference gives them."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import frozen

INDEX = re.compile(r"\[\d+\]")


@frozen
class Unreadable:
    """A field that was left out of its object; the raw value stands in the object's ``extra``."""

    path: str
    """Where in the response, in Gong's spelling: ``$.tasks[3].dueDate``."""
    expected: str
    found: str
    """Of which kind the value is, without its text."""


OnUnreadable = Callable[[Unreadable], None]


def once_for_each_place(on_unreadable: OnUnreadable) -> OnUnreadable:
    """Pass on the first of each place, whichever task it is in: Gong may have changed all 10,000 of a response."""
    places: set[str] = set()

    def pass_on(field: Unreadable) -> None:
        place = INDEX.sub("[]", field.path)
        if place not in places:
            places.add(place)
            on_unreadable(field)

    return pass_on
