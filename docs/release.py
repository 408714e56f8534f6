"""What keeps a version from being tagged: `nox -s release -- 0.1.0`."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLACEHOLDER = "https://github.com/gong-tasks-async/gong_tasks_async"
"""There is no such repository: the first release needs a real address in pyproject.toml."""


def problems(version: str, root: Path = ROOT) -> Iterator[str]:
    """What has to be done before the version can be tagged; nothing if it is ready."""
    declared = re.search(
        r'__version__ = "(.+)"', (root / "gong_tasks_async/_version.py").read_text(encoding="utf-8")
    )
    if declared is None or declared[1] != version:
        yield f"gong_tasks_async/_version.py does not have {version}"
    if f"## [{version}]" not in (root / "CHANGELOG.md").read_text(encoding="utf-8"):
        yield f"CHANGELOG.md has no section for {version}: towncrier build --version {version}"
    if left := sorted(path.name for path in (root / "changes").glob("*.*.md")):
        yield f"changes/ still has {len(left)} fragments, such as {left[0]}"
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    if any(url.startswith(PLACEHOLDER) for url in urls.values()):
        yield f"pyproject.toml names {PLACEHOLDER}, which does not exist: write the real address, there alone"


def main(version: str) -> int:
    """Print the problems; 1 if there are any."""
    found = list(problems(version))
    for problem in found:
        print(problem, file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
