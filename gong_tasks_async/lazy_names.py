"""Names of a package that are imported when they are first used: https://peps.python.org/pep-0562/ ."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_names(package: str, module_of: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of a package, to be hidden from type checkers: one that sees it believes in every name.

    Args:
        package: the package's own name.
        module_of: the module below it that has each name.
    """

    def look_up(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{module_of[name]}"), name)
        setattr(sys.modules[package], name, value)  # the next look-up does not come here
        return value

    return look_up
