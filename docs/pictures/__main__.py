"""Draw all pictures of the site from runs against the simulator: `nox -s pictures`, or `python docs/pictures`.

With `--quick FOLDER`, small ones into another folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

import dashboard
import days
import lanes
import pace
import pause
import rows
import trace_of_calls

PICTURES = {
    "pace": pace,
    "pause": pause,
    "lanes": lanes,
    "rows": rows,
    "days": days,
    "trace": trace_of_calls,
    "dashboard": dashboard,
}
STATIC = Path(__file__).parent.parent / "_static"


def main(arguments: list[str]) -> None:
    """Write one file for each picture."""
    quick = arguments[:1] == ["--quick"]
    folder = Path(arguments[1]) if quick else STATIC
    for name, picture in PICTURES.items():
        (folder / f"{name}.svg").write_text(picture.draw(quick=quick), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
