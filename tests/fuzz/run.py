"""Feed a target one damaged document after another, within bounds of time and memory."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random

from tests.fuzz.targets import Target

LONGEST = 30.0
"""Seconds for one document: each is short, and a slow machine is no fault."""


class HangError(AssertionError):
    """A document took too long."""


def examine(target: Target, seed: int, number: int, folder: Path) -> None:
    """One document: it is read, or refused with an error that is documented.

    Raises:
        AssertionError: neither; the message says how to see it again.
    """
    chance = Random(f"{target.name} {seed} {number}")
    data = target.data(chance)
    try:
        with _bounded():
            target.read(folder, data, chance)
    except target.errors:
        pass
    except Exception as error:
        again = f"python -m tests.fuzz --target {target.name} --seed {seed} --example {number}"
        raise AssertionError(f"{type(error).__name__}: {str(error)[:300]}; again by\n  {again}") from error


def examples(target: Target, seed: int, folder: Path, *, until: float) -> int:
    """Examine documents until a moment of the monotonic clock; how many."""
    for number in count():
        if time.monotonic() >= until:
            return number
        examine(target, seed, number, folder)
    raise AssertionError


@contextmanager
def _bounded() -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise HangError(f"it takes more than {LONGEST:g} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
