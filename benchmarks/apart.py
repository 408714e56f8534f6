"""A contender in a process of its own, for what is settled when the library is imported: whether orjson is there.

The process does a block for each line that it reads, and answers with its cost, so that it takes its turn in the
rounds like everybody else.

    python -m benchmarks.apart without-orjson patch http://127.0.0.1:8080 150 16
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen

from benchmarks.measure import Cost, timed
from benchmarks.stub_server import PROJECT


@contextmanager
def apart(orjson: str, what: str, base_url: str, calls: int, size: int) -> Iterator[Cost]:
    """The cost of blocks in such a process.

    Args:
        orjson: "with-orjson" or "without-orjson".
        what: "patch" or "listing".
        base_url: where the stub server is.
        calls: how many make a block.
        size: how many PATCHes at a time, or how many tasks in a listing.
    """
    command = [sys.executable, "-m", "benchmarks.apart", orjson, what, base_url, str(calls), str(size)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, bufsize=1, cwd=PROJECT) as process:  # noqa: S603 - this file
        assert process.stdin is not None  # noqa: S101 - both were asked for
        assert process.stdout is not None  # noqa: S101
        ask, answers = process.stdin, process.stdout

        def cost() -> float:
            ask.write("\n")
            return float(answers.readline())

        yield cost
        ask.close()  # the end of its lines is the end of it


def main(orjson: str, what: str, base_url: str, *numbers: str) -> None:
    if orjson == "without-orjson":
        sys.modules["orjson"] = None  # type: ignore[assignment]  # this is how a module is made to be missing
    from benchmarks import blocks, our_client  # noqa: PLC0415 - only now, since these import the library

    make = blocks.patches if what == "patch" else blocks.listings
    calls, size = map(int, numbers)
    with make(our_client.connect, base_url, calls, size) as block:
        for _ in sys.stdin:
            print(timed(block, calls)(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
