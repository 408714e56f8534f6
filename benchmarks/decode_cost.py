"""CPU time from an answer's bytes to typed objects, over msgspec: a fully populated task alone, and a page of them."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.decoders import DECODERS, Decode, refuse_unequal, to_dicts
from benchmarks.measure import Comparison, Cost, Scale, compare, timed
from benchmarks.stub_server import body_of, full_tasks

CASES = {"decode a full task": (1, 200), "decode a page of 1,000 full tasks": (1_000, 1)}
"""How many tasks in the answer, and how many times it is decoded in a block."""


def measure(scale: Scale) -> Iterator[Comparison]:
    """Each case with all decoders, the plain parser among them."""
    for title, (tasks, times) in CASES.items():
        rounds = scale.pick(21 if tasks == 1 else 9, 31)
        body = body_of(full_tasks(tasks))
        refuse_unequal(body)
        contenders = {
            name: _cost(make(), body, times)
            for name, make in {**DECODERS, "orjson to dicts": to_dicts}.items()
        }
        yield compare(title, contenders, "msgspec", rounds, scale.seed)


def _cost(decode: Decode, body: bytes, times: int) -> Cost:
    def work() -> None:
        for _ in range(times):
            decode(body)

    return timed(work)
