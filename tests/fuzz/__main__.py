"""Fuzz all readers for a while: `python -m tests.fuzz --seconds 600`, or see one document again."""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.fuzz.run import examine, examples
from tests.fuzz.targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="for all targets together")
    parser.add_argument("--target", choices=TARGETS, action="append", help="only these")
    parser.add_argument("--seed", type=int, help="by default another one each time")
    parser.add_argument("--example", type=int, help="this document alone")
    options = parser.parse_args()
    chosen = [TARGETS[name] for name in options.target or TARGETS]
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    failed = 0
    for target in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                if options.example is not None:
                    examine(target, seed, options.example, Path(folder))
                    continue
                until = time.monotonic() + options.seconds / len(chosen)
                number = examples(target, seed, Path(folder), until=until)
            except AssertionError:
                failed += 1
                traceback.print_exc()
            else:
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
                print(f"{target.name:<16}{number:>8,} documents, seed {seed}, at most {memory} MiB")  # noqa: T201
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
