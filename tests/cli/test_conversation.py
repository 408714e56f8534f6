"""The whole conversation of a working day, line by line, against a golden file; and everything that is printed to be typed.

To write the file anew after a change of words, and to read the difference aloud once:
GONG_TASKS_GOLDEN=write pytest tests/cli/test_conversation.py
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gong_tasks_async.simulator import Account
from tests.cli.company import Company, companies, today

GOLDEN = Path(__file__).parent / "golden" / "conversation.txt"
WRITES = os.environ.get("GONG_TASKS_GOLDEN") == "write"

LINES = """
--version
liszt
--help
check
profiles -o table
profiles -o csv
users -o table
users {ana} -o table
users nobody -o table
users 77 -o table
users -o xml
workspaces -o table
list -o table
list --user {ana} -o table
list --user {ana} --sort due --limit 2 --fields taskId,title,due -o csv
list --user {ana} --sort due --limit 1 --fields taskId,title,due --excel
list --user {ana} --sort dew
list --user {ana} --flow Nothing
list --user {ana} --due-before 01.12.2026
list --user {ana} --due-before 01.12.2026 --date-format %d.%m.%Y --count
list --user someone
list --all-users --count
list --user {ana} --set-status DONE
show {task} --user {ana} -o table
show {task} -o table
show 77 --user {ana}
show 5.67E+18 --user {ana}
update {task} --user {ana} --set-status DONE --dry-run -o table
update {task} --user {ana} --set-status DONE -o table
update {task} --user {ana} --set-status DONE -o table
update {task} 77 --user {ana} --set-due 01.12.2026 --date-format %d.%m.%Y --zone Europe/Berlin -o table
update {task} --user {ana} --status DONE
update {task} --user {ana}
update 77 --user {ana} --set-status DONE
update {task} --user {ana} --set-due soon
update {task} --user {ana} --set-due 01.12.2026
quota -o table
quota --reopen --yes -o csv
config path
config show -o table
config set per_dya 3
config set per_day 9000
bulk plan {file}
bulk run {file}
bulk plan {file} -o table
bulk plan {file} -o csv
bulk run {file} --yes -o table
bulk run {file} --yes -o table
bulk run {file} --yes --name closing-again --again -o json
bulk status -o table
bulk status {job} -o table
bulk status nothing
bulk report {job} -o table
bulk report {job} -o report.xlsx
bulk report {job} --open
bulk resume nothing
bulk resume {job} --yes -o table
bulk run {wrong} --yes
bulk run {failing} --yes -o table
bulk report failing -o table
bulk retry failing --reason 500
bulk retry failing --yes -o table
bulk retry {job}
bulk undo {job} --dry-run -o table
bulk undo {job} --yes -o table
bulk undo nothing
bulk undo {job}
bulk run missing.csv --yes
bulk run --user {ana} --status OPEN --yes
bulk remove closing-again
bulk remove closing-again --yes
bulk prune --older-than 1w --yes
bulk prune --older-than soon
bulk run {file} --no-journal -o csv
list --user {ana} --move-due +1d
login --profile other --base-url {gong} --access-key {key} --store file < {secret}
login --profile other --base-url {gong} --access-key {key} --store file < {secret}
login --profile other --base-url {gong} --access-key {key} --store file --yes < wrong
login --profile other --access-key {key}
profiles -o table
config set default_profile other
users -o csv
jobs list
jobs submit {file} --company acme
mcp --help
completion zsch
--errors json list --user {ana} --profile nobody
list --user {ana} --profile nobody
""".strip().splitlines()

VOLATILE = (
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://GONG"),
    (re.compile(r"127\.0\.0\.1-[0-9a-f]{12}"), "COMPANY"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00)?( UTC)?"), "TIME"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"request id [a-z0-9]+"), "request id ID"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s|min)\b"), "DURATION"),
    (re.compile(r'"(elapsed|rate|seconds)": [\d.e-]+'), r'"\1": NUMBER'),
    (re.compile(r"\d+\.\d+ calls a second"), "PACE calls a second"),
)


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """A company whose folder has a short name, for tables fold long ones."""
    monkeypatch.setenv("COLUMNS", "110")
    with TemporaryDirectory() as folder, ExitStack() as stack:
        monkeypatch.chdir(folder)
        yield companies(Path(folder), stack)(users=2, tasks_per_user=4)
        monkeypatch.undo()  # a folder that one is in cannot be removed everywhere


def files(company: Company) -> dict[str, str]:
    """The words of the lines."""
    number, task = next((n, t) for n, t in company.engine.tasks.items() if t["status"] == "OPEN")
    owner = next(user for user in company.engine.people if user["id"] == str(task["userId"]))
    rows = list(company.engine.tasks.items())
    failing = f"taskId;userId;status\n{number};{owner['id']};DONE\n77;{owner['id']};DONE\n"
    text = "taskId,userId,status\n" + "".join(f"{n},{t['userId']},DISMISSED\n" for n, t in rows)
    return {
        "ana": owner["emailAddress"],
        "task": str(number),
        "job": f"closing-{today()}",
        "file": company.write("closing.csv", text),
        "gong": company.gong.base_url,
        "key": company.gong.access_key,
        "secret": company.gong.access_key_secret,
        "failing": f"{company.write('failing.csv', failing)} --name failing",
        "wrong": company.write("wrong.csv", "taskId,userId,status\n7,1,WON\nx,2,DONE\n"),
    }


def conversation(company: Company) -> Iterator[str]:
    """Each line as it is typed, what it prints, and its exit code."""
    names = files(company)
    for line in LINES:
        typed, _, answer = line.partition(" < ")
        words = shlex.split(typed.format(**names))
        got = company.invoke(*words, input=f"{answer.format(**names)}\n" if answer else None)
        yield f"$ gong-tasks {line}\n{got.stdout}{got.stderr}[{int(got.exit_code)}]\n\n"


def constant(text: str, company: Company) -> str:
    text = text.replace(str(company.folder), "FOLDER")
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    return re.sub(r"[ ]+$", "", text, flags=re.MULTILINE)


def test_every_line_is_what_it_was_when_it_was_read_aloud(company: Company) -> None:
    text = constant("".join(conversation(company)), company)
    if WRITES:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    golden = GOLDEN.read_text(encoding="utf-8")
    changes = difflib.unified_diff(golden.splitlines(), text.splitlines(), "golden", "now", lineterm="", n=1)
    assert text == golden, "\n".join(changes)


def test_no_line_has_words_that_are_for_developers() -> None:
    text = GOLDEN.read_text(encoding="utf-8")
    assert re.findall(r"\b(PATCH|POST|user_id|task_id|settled|TaskUpdate|[A-Z]\w+Error)\b", text) == []


TYPED = re.compile(r"^  (gong-tasks .*)$", re.MULTILINE)


def test_what_is_printed_to_be_typed_works_as_it_stands(company: Company) -> None:
    """On a line of its own, complete, without a full stop; none of it is a usage error."""
    company.engine.account = Account.ACTIVE
    text = re.sub(r"^Examples:\n(  .*\n)+", "", "".join(conversation(company)), flags=re.MULTILINE)
    typed = dict.fromkeys(TYPED.findall(text))
    assert len(typed) > 3
    for line in typed:
        assert not line.endswith((".", ":", "`"))
        got = company.invoke(*shlex.split(line)[1:])
        assert got.exit_code != 2 or "cannot prompt" in got.stderr, f"{line}\n{got.stderr}"
