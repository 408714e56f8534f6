"""The report's page in a real browser: headless Chromium, driven by its command line alone.

A probe is added to the page: it uses the page as a person would, and leaves what it saw in the document, which
the browser then prints.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from gong_tasks_async import BulkReport
from gong_tasks_async.bulk import RowCounts
from gong_tasks_async.bulk.render.html_page import as_html
from tests.reports import HOSTILE, full_report, not_found

OPTIONS = (
    "--headless",
    "--no-sandbox",  # it refuses to run as root otherwise, as containers do
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",  # prints the pages' console
    "--host-resolver-rules=MAP * ~NOTFOUND",
)

PROBE = """
const type = (section, words) => {
  const box = document.querySelector(`#${section} input`);
  box.value = words;
  box.dispatchEvent(new Event("input"));
  return {
    rows: [...document.querySelectorAll(`#${section} tbody tr`)].filter((row) => row.offsetHeight > 0).length,
    says: document.querySelector(`#${section} output`).value,
  };
};
const size = (query) => {
  const box = document.querySelector(query).getBoundingClientRect();
  return [box.width, box.height];
};
const seen = {
  title: document.title,
  all: type("failures", ""),
  one: type("failures", "GONE  not FOUND"),
  none: type("failures", "no row says this"),
  again: type("failures", ""),
  users: type("users", "21"),
  plot: size("svg.plot"),
  bar: size("svg.plot rect.updated"),
  share: size("#summary rect.updated"),
  ink: getComputedStyle(document.querySelector("rect.failed")).fill,
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  loaded: performance.getEntriesByType("resource").map((entry) => entry.name),
};
document.body.insertAdjacentHTML("beforeend", "<pre id='seen'></pre>");
document.getElementById("seen").textContent = JSON.stringify(seen);
"""


@cache
def browser() -> str | None:
    """The first Chromium that runs; on some systems the name alone is there, and advises to install it."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:  # noqa: S603
            return path
    return None


@pytest.fixture
def chromium() -> str:
    return browser() or pytest.skip("no Chromium is installed")


def visit(chromium: str, page: str, folder: Path, *options: str) -> tuple[str, list[str]]:
    """Open the page; return the document that came of it, and the lines of its console."""
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - the browser that was found, and our own page
        [chromium, *OPTIONS, *options, f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=300,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def with_probe(page: str, probe: str = PROBE) -> str:
    """The page with a script of the test's, which the page's policy has to be told of."""
    allowed = b64encode(sha256(probe.encode()).digest()).decode()
    printed = page.replace("script-src ", f"script-src 'sha256-{allowed}' ")
    return printed.replace("</body>", f"<script>{probe}</script></body>")


def seen_in(document: str) -> dict[str, Any]:
    found = re.search(r'<pre id="seen">(.*?)</pre>', document, re.DOTALL)
    assert found, document[-2_000:]
    seen: dict[str, Any] = json.loads(unescape(found[1]))
    return seen


@pytest.mark.parametrize("width", [1_200, 500])
def test_the_page_shows_its_plot_and_filters_its_tables(chromium: str, tmp_path: Path, width: int) -> None:
    document, console = visit(
        chromium, with_probe(as_html(full_report())), tmp_path, f"--window-size={width},900"
    )
    seen = seen_in(document)
    assert seen["title"] == "quarter-end"
    assert seen["all"] == seen["again"] == {"rows": 2, "says": "2 of 2 shown"}
    assert seen["one"] == {"rows": 1, "says": "1 of 2 shown"}
    assert seen["none"] == {"rows": 0, "says": "0 of 2 shown"}
    assert seen["users"] == {"rows": 1, "says": "1 of 2 shown"}
    assert min(*seen["plot"], *seen["share"]) > 5
    assert min(seen["bar"]) > 1
    assert seen["ink"] == "rgb(212, 69, 43)"
    assert seen["overflow"] == 0
    assert (seen["loaded"], console) == ([], [])


def test_hostile_words_neither_run_nor_load_anything(chromium: str, tmp_path: Path) -> None:
    failures = tuple(not_found(words, request_id=words) for words in HOSTILE)
    users = {words: RowCounts(failed=1) for words in (*HOSTILE, "21")}
    report = full_report(failed=len(failures), failures=failures, by_user=users, job=HOSTILE[0])
    document, console = visit(chromium, with_probe(as_html(report)), tmp_path)
    seen = seen_in(document)
    assert seen["title"] == HOSTILE[0]
    assert seen["all"]["rows"] == len(HOSTILE)
    assert (seen["loaded"], console) == ([], [])


def test_the_policy_stops_what_is_not_the_page_s_own(chromium: str, tmp_path: Path) -> None:
    smuggled = "<script>document.title = 'taken'</script><img src='https://example.invalid/x.png'></body>"
    document, console = visit(chromium, as_html(BulkReport()).replace("</body>", smuggled), tmp_path)
    assert "<title>Bulk run</title>" in document
    assert sum("Content Security Policy" in line for line in console) == 2


def test_a_thousand_failures_are_filtered_at_once(chromium: str, tmp_path: Path) -> None:
    failures = tuple(not_found("Gone", task_id=n) for n in range(1, 1_001))
    timed = f"const began = performance.now();{PROBE}".replace(
        "loaded:", "took: performance.now() - began,\n  loaded:"
    )
    page = with_probe(as_html(full_report(failed=1_000, failures=failures)), timed)
    seen = seen_in(visit(chromium, page, tmp_path)[0])
    assert seen["none"] == {"rows": 0, "says": "0 of 1000 shown"}
    assert seen["again"] == {"rows": 1_000, "says": "1000 of 1000 shown"}
    assert seen["took"] < 20_000  # milliseconds, for five filterings, each drawn anew
