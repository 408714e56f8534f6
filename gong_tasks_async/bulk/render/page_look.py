"""The page's look, the few lines that filter its tables, and the policy that allows these two and nothing else."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1b2230; --soft: #5d6777; --line: #e1e5eb;
  --updated: #2f6fde; --unchanged: #9fb2cf; --skipped: #8f6fc4; --failed: #d4452b; --pending: #e3a008;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151b; --card: #1b2029; --ink: #e8ebf0; --soft: #9aa5b5; --line: #2e3541;
    --updated: #6ea3ff; --unchanged: #56657d; --skipped: #b79bea; --failed: #ff7a62; --pending: #f2bd3f;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 78rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 0 0 .75rem; font-size: 1.1rem; }
header p, .soft, dt, th { color: var(--soft); }
header p { margin: .25rem 0 1.25rem; }
section {
  margin-top: 1rem; padding: 1.25rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem;
}
.ending { border-left: .35rem solid var(--updated); overflow-wrap: anywhere; }
.ending.failed { border-left-color: var(--failed); }
.ending.pending { border-left-color: var(--pending); }
.ending p { margin: .25rem 0 0; }
dl { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1rem; margin: 1.1rem 0 0; }
dt { font-size: .85rem; }
dd { margin: 0; font-size: 1.45rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
dd.small { font-size: 1.1rem; }
dt[class]::before, .key span::before {
  content: ""; display: inline-block; width: .65em; height: .65em; margin-right: .4em;
  border-radius: .15em; background: currentColor;
}
dt.updated::before, .key .updated::before { color: var(--updated); }
dt.unchanged::before { color: var(--unchanged); }
dt.skipped::before, .key .skipped::before { color: var(--skipped); }
dt.failed::before, .key .failed::before { color: var(--failed); }
dt.pending::before { color: var(--pending); }
.key { margin: 0 0 .5rem; font-size: .85rem; color: var(--soft); }
.key span { margin-right: 1.25rem; }
.wide { overflow-x: auto; }
svg { display: block; width: 100%; }
svg.share { height: .85rem; border-radius: .425rem; background: var(--line); }
td svg.share { min-width: 5rem; height: .6rem; }
svg.plot { min-width: 34rem; height: auto; }
rect.updated { fill: var(--updated); }
rect.unchanged { fill: var(--unchanged); }
rect.skipped { fill: var(--skipped); }
rect.failed { fill: var(--failed); }
rect.pending { fill: var(--pending); }
.plot line { stroke: var(--line); }
.plot text { fill: var(--soft); font-size: 11px; }
.plot g:hover rect { opacity: .75; }
label { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin-bottom: .75rem; }
label span { flex: 1 1 14rem; }
input {
  width: 100%; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--page); color: inherit; font: inherit;
}
output { color: var(--soft); font-size: .9rem; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th, td { padding: .5rem .75rem .5rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 500; white-space: nowrap; }
td { border-top: 1px solid var(--line); min-width: 5rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; min-width: 0; }
td.id { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.message { min-width: 14rem; }
td.wanted { min-width: 9rem; }
td.share { width: 20%; vertical-align: middle; }
@media screen and (max-width: 44rem) {
  body { padding: 1.25rem .75rem 3rem; }
  section { padding: 1rem; }
  dl { grid-template-columns: 1fr 1fr; }
  thead { display: none; }
  tr { display: block; padding: .6rem 0; border-top: 1px solid var(--line); }
  td, td.number, td.message, td.wanted { display: flex; min-width: 0; padding: .1rem 0; border: 0; text-align: left; }
  td.id { white-space: normal; }
  td::before { content: attr(data-label); flex: 0 0 6.5rem; color: var(--soft); }
  td.share { width: auto; align-items: center; }
  td:empty { display: none; }
}
@media print {
  :root {
    color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb;
    --updated: #2f6fde; --unchanged: #9fb2cf; --skipped: #8f6fc4; --failed: #d4452b; --pending: #e3a008;
  }
  body { max-width: none; padding: 0; font-size: .8rem; }
  label { display: none; }
  rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  tr, dl, svg { break-inside: avoid; }
}
"""

# The box stays hidden without script. Browsers keep what was typed over a reload, hence the first call.
SCRIPT = """
for (const box of document.querySelectorAll("input[type=search]")) {
  const label = box.closest("label"), count = label.querySelector("output");
  const rows = [...box.closest("section").querySelectorAll("tbody tr")];
  const texts = rows.map((row) => [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase());
  const filter = () => {
    const words = box.value.toLowerCase().split(/\\s+/);
    rows.forEach((row, at) => { row.hidden = !words.every((word) => texts[at].includes(word)); });
    count.value = `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown`;
  };
  box.addEventListener("input", filter);
  label.hidden = false;
  filter();
}
"""


def _allowed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; style-src {_allowed(STYLE)}; script-src {_allowed(SCRIPT)}; "
    "base-uri 'none'; form-action 'none'"
)
"""A message of Gong's that should slip through the escaping could still neither run nor load anything."""
