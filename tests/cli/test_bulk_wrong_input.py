"""Wrong input for `gong-tasks bulk`: it is told so that it can be mended, and nothing is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gong_tasks_async.cli.app import gong_tasks
from tests.cli.bulk_tables import DIGITS, HEAD, read


@pytest.fixture
def nobody_answers(tmp_path: Path) -> dict[str, str]:
    """A machine whose every call would fail, so that a test that passes has sent none."""
    return {
        "GONG_BASE_URL": "http://127.0.0.1:9",
        "GONG_ACCESS_KEY": "key",
        "GONG_ACCESS_KEY_SECRET": "secret",
        "GONG_TASKS_STATE": str(tmp_path / "state"),
        "GONG_TASKS_CONFIG": str(tmp_path / "none.toml"),
    }


def bulk(environment: dict[str, str], *arguments: str, input: bytes | None = None) -> Result:
    return CliRunner(env=environment).invoke(gong_tasks, ["bulk", *arguments], input=input)


WRONG: dict[str, tuple[bytes | str, tuple[str, ...]]] = {
    "empty file": ("", ("it is empty",)),
    "only blanks": ("\n \n", ("it is empty",)),
    "header only": (HEAD, ("has no rows below its header",)),
    "only a hint for Excel": ("sep=;\n", ("it is empty",)),
    "unclosed quote in the header": ('taskId,"userId,status\n1,2,DONE\n', ("line 1: a quote is opened and never closed",)),
    "JSON id that is a yes": ('{"taskId": true, "userId": "2", "status": "DONE"}', ("taskId 'true' is not a number",)),
    "no header": (f"{DIGITS},2,DONE\n", ("data ('9067931441193858457')", "taskId,userId,status above it")),
    "no column for the task": ("userId,status\n2,DONE\n", ("line 1: no task ids: add a column taskId",)),
    "no column for the user": ("taskId,status\n1,DONE\n", ("line 1: no owners",)),
    "no column for a change": ("taskId,userId\n1,2\n", ("line 1: no change", "--set-status DONE")),
    "misspelt column": ("taskId,userId,statsu\n1,2,DONE\n", ("'statsu' is not known: did you mean status?",)),
    "column like a known one": ("taskId,userId,status,priorities\n1,2,DONE,red\n", ("did you mean priority?", "--skip-unknown")),
    "the same column twice": ("taskId,id,userId,status\n1,1,2,DONE\n", ("'taskId' and 'id' both mean taskId",)),
    "id missing": (f"{HEAD},2,DONE\n", ("line 2: taskId is empty",)),
    "id not a number": (f"{HEAD}abc,2,DONE\n", ("line 2: taskId 'abc' is not a number",)),
    "id past int64": (f"{HEAD}9223372036854775808,2,DONE\n", ("line 2: taskId 9223372036854775808 has more",)),
    "id endless": (f"{HEAD}{'9' * 5000},2,DONE\n", (f"line 2: taskId {'9' * 40}... has more than 64 bits",)),
    "id mangled by Excel": (f"{HEAD}9.07E+18,2,DONE\n", ("line 2: taskId 9.07E+18 was shortened by a spreadsheet",)),
    "id mangled by a German Excel": ("taskId;userId;status\n9,07E+18;2;DONE\n", ("taskId 9,07E+18 was shortened",)),
    "id with a fraction": (f"{HEAD}17.0,2,DONE\n", ("line 2: taskId 17.0 has a fraction",)),
    "ids rounded by Excel": (
        f"{HEAD}9067931441193850000,2,DONE\n9067931441193860000,2,DONE\n",
        ("every long taskId ends in zeros", "rounded them to 15 digits"),
    ),
    "user missing": (f"{HEAD}1,,DONE\n", ("line 2: userId is empty",)),
    "user by name": (f"{HEAD}1,Ana Sousa,DONE\n", ("line 2: userId 'Ana Sousa' is neither an id",)),
    "user mangled by Excel": (f"{HEAD}1,2.3E+14,DONE\n", ("line 2: userId 2.3E+14 was shortened",)),
    "status misspelt": (f"{HEAD}1,2,DISMISED\n", ("line 2: the status 'DISMISED'", "did you mean DISMISSED?")),
    "status transposed": (f"{HEAD}1,2,DOEN\n", ("did you mean DONE?",)),
    "status of another system": (f"{HEAD}1,2,Completed\n", ("take one of OPEN, DONE, DISMISSED",)),
    "priority of a broken formula": ("taskId,userId,priority\n1,2,#N/A\n", ("line 2: the priority '#N/A' is not a word",)),
    "priority of a program without one": ("taskId,userId,priority\n1,2,NaN\n", ("line 2: the priority 'NaN'",)),
    "nothing to change": (f"{HEAD}1,2,\n", ("line 2: no change",)),
    "date without separators": (
        "taskId,userId,due\n1,2,20260302203000Z\n",
        ("line 2: dueDate '20260302203000Z' is no date; write 2026-03-02",),
    ),
    "date that is a number": ("taskId,userId,due\n1,2,1711110812345\n", ("dueDate '1711110812345' is no date",)),
    "date of a spreadsheet": (
        "taskId,userId,due\n1,2,02.03.2026 17:00\n",
        ("line 2: dueDate '02.03.2026 17:00' is no date", "add --date-format '%d.%m.%Y %H:%M'"),
    ),
    "date that is none": ("taskId,userId,due\n1,2,2026-02-30T10:00:00Z\n", ("dueDate '2026-02-30T10:00:00Z' is no date",)),
    "date beyond the calendar": ("taskId,userId,due\n1,2,0001-01-01T00:00:00+14:00\n", ("beyond the calendar",)),
    "contradicting rows": (
        f"{HEAD}1,2,DONE\n3,2,OPEN\n1,2,DISMISSED\n",
        ("line 2, line 4: conflicting updates of task 1: keep one of these rows",),
    ),
    "one task of two people": (f"{HEAD}1,2,DONE\n1,3,DONE\n", ("line 2, line 3: conflicting updates of task 1",)),
    "too many fields": (f"{HEAD}1,2,DONE,oops\n", ("line 2: has 4 fields where the first line names 3", "quotes")),
    "too few fields": (f"{HEAD}1\n", ("line 2: has 1 field where the first line names 3",)),
    "unclosed quote": (f'{HEAD}1,2,DONE\n2,"2,DONE\n3,2,DONE\n', ("line 3: a quote is opened and never closed",)),
    "text after a quote": (f'{HEAD}1,"2"x,DONE\n', ("line 2: text stands after a closing quote",)),
    "Excel workbook": (b"PK\x03\x04rest", ("not a readable workbook", "save the sheet as 'CSV UTF-8'")),
    "gzip": (b"\x1f\x8brest", ("compressed with gzip: unpack it first",)),
    "a job's journal": (b"SQLite format 3\x00rest", ("a database, maybe a job's journal", "bulk resume NAME")),
    "binary file": (b"\x89PNG\r\n\x1a\n\xff\xff", ("line 1 is not utf-8 text (byte 0x89)",)),
    "wrong encoding": (f"{HEAD}1,2,DONE\n1,Jos\xe9@x.com,DONE\n".encode("latin-1"), ("line 3 is not utf-8", "0xe9", "cp1252")),
    "NUL characters": (f"{HEAD}1,2,DO\0NE\n", ("line 2 has NUL characters",)),
    "UTF-16 without its mark": (HEAD.encode("utf-16-le"), ("NUL characters", "--encoding utf-16-le")),
    "broken JSON line": (
        '{"taskId": 1, "userId": "2", "status": "DONE"}\n{"taskId": 2,\n',
        ("line 2: is not JSON: Expecting property name", "at column"),
    ),
    "JSON line without a task": ('{"userId": "2", "status": "DONE"}', ("line 1: taskId is empty",)),
    "JSON line that is a list of numbers": ('{"taskId": 1, "userId": "2", "status": "DONE"}\n[1, 2]\n', ("line 2: is a plain value and no object",)),
    "JSON line that is a number": ('{"taskId": 1, "userId": "2", "status": "DONE"}\n7\n', ("line 2: is a plain value",)),
    "JSON with NaN": ('{"taskId": NaN, "userId": "2", "status": "DONE"}', ("line 1: is not JSON: NaN",)),
    "JSON id as a float": ('{"taskId": 9.067931441193858e18, "userId": "2", "status": "DONE"}', ("was shortened",)),
    "JSON id as an object": ('{"taskId": {"id": 1}, "userId": "2", "status": "DONE"}', ("'<an object>' is not a number",)),
    "JSON priority as an object": (
        '{"taskId": 1, "userId": "2", "priority": {"id": 7}}',
        ("line 1: no change: fill in status",),
    ),
    "JSON nested for ever": (f'{{"taskId": {"[" * 100_000}', ("line 1: is nested too deeply",)),
    "broken JSON array": ('[{"taskId": 1}, {"taskId"]', ("its JSON array is broken at line 1", "one object on each line")),
    "JSON array nested for ever": ("[" * 100_000, ("nested too deeply",)),
    "JSON array without rows": ("[]", ("it has no rows",)),
    "JSON array with a bad item": ('[{"taskId": 1, "userId": 2, "status": "DONE"}, null]', ("item 2: is null",)),
}  # fmt: skip


class TestWrongInput:
    @pytest.mark.parametrize("name", WRONG)
    def test_is_told_with_its_place_and_nothing_is_sent(
        self, name: str, tmp_path: Path, nobody_answers: dict[str, str]
    ) -> None:
        data, said = WRONG[name]
        path = tmp_path / "rows.csv"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        result = bulk(nobody_answers, "run", str(path), "--yes")
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        assert f"{path}: " in result.stderr
        assert "nothing was sent" in result.stderr
        for words in said:
            assert words in result.stderr
        assert not list(tmp_path.glob("**/*.gong"))

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("missing.csv", "there is no such file"),
            ("folder", "it is a directory"),
            ("", "it is a directory"),
        ],
    )
    def test_a_file_that_is_none(
        self, name: str, said: str, tmp_path: Path, nobody_answers: dict[str, str]
    ) -> None:
        (tmp_path / "folder").mkdir()
        result = bulk(nobody_answers, "plan", str(tmp_path / name))
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr

    def test_a_file_in_the_way_of_a_folder(self, tmp_path: Path, nobody_answers: dict[str, str]) -> None:
        (tmp_path / "file").touch()
        result = bulk(nobody_answers, "plan", str(tmp_path / "file" / "rows.csv"))
        assert (result.exit_code, "it cannot be read: Not a directory" in result.stderr) == (2, True)

    def test_every_bad_row_is_named_at_once(self) -> None:
        parsed_input = read(f"{HEAD}x,,DOEN\n1,2,DONE\n0x1,2,DONE\n7\n")
        assert [problem.place for problem in parsed_input.problems] == ["line 2"] * 3 + ["line 4", "line 5"]
        assert len(parsed_input.rows) == 1

    def test_the_screen_shows_the_first_and_a_file_has_all(
        self, tmp_path: Path, nobody_answers: dict[str, str]
    ) -> None:
        rows = "".join(f"x{number},2,DONE\n" for number in range(332))
        printed = tmp_path / "problems.txt"
        result = bulk(nobody_answers, "plan", "-", "--problems", str(printed), input=f"{HEAD}{rows}".encode())
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: standard input: 332 problems; nothing was sent\n")
        assert "and 312 more; --problems FILE" in result.stderr
        assert result.stderr.count("line ") == 20
        written = printed.read_text(encoding="utf-8").splitlines()
        assert (len(written), written[-1][:9]) == (332, "line 333:")

    def test_a_problem_of_every_row_hides_no_other(self, nobody_answers: dict[str, str]) -> None:
        rows = [f"{number},2,{'DOEN' if number == 200 else 'DONE'},01.12.2026" for number in range(1, 301)]
        text = "\n".join(["taskId,userId,status,dueDate", *rows])
        result = bulk(nobody_answers, "plan", "-", input=text.encode())
        dates, status = result.stderr.splitlines()[1:3]
        assert dates.startswith("  line 2: dueDate '01.12.2026'")
        assert dates.endswith("(and 299 more rows like it)")
        assert status.startswith("  line 201: the status 'DOEN'")

    def test_an_unknown_field_of_json_lines_is_told_once(self) -> None:
        row = json.dumps({"taskId": 1, "userId": "2", "status": "DONE", "priorities": "red"})
        assert len(read(f"{row}\n{row}\n{row}").problems) == 1

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("run", "no tasks: add a FILE"),
            ("run rows.csv --user 1", "and --user, --all-users"),
            ("run rows.csv --due-before 2026-01-01", "and --user, --all-users"),
            ("run rows.csv --move-due +7d", "use --set-due"),
            ("run --user 1", "no change of these tasks"),
            ("run --user 1 --all-users --set-status DONE", "exclude each other"),
            ("run --user 1 --set-due +1d --move-due +1d", "exclude each other"),
            ("run --user 1 --set-status DOEN", "did you mean DONE?"),
            ("run --user 1 --set-due soon", "'soon' is no date; write"),
            ("run --user 1 --move-due 2026-03-01", "no shift such as +7d"),
            ("run --user 1 --move-due +0d", "no shift such as +7d"),
            ("run --user 1 --set-status DONE --due-before +9z", "for --due-before: '+9z'"),
            ("run --user 1 --set-status DONE --type CALL", "take one of FLOW, MANUAL"),
            ("run --user 1 --set-due +1d --zone Mars/Base", "no time zone 'Mars/Base'"),
            ("run rows.csv --set-due +999999w", "beyond the calendar"),
            ("run --user 1 --set-status DONE --due-before -999999w", "beyond the calendar"),
            ("run rows.csv --name ../x", "cannot be a job's name"),
            ("run rows.csv --name x --no-journal", "leave one out"),
            ("run rows.csv --encoding klingon", "the encoding 'klingon' is not known"),
            ("resume nothing", "there is no job 'nothing'"),
            ("report nothing", "there is no job 'nothing'"),
            ("status nothing", "there is no job 'nothing'"),
            (
                "report nothing -o xml",
                "'xml' is none of table, json, jsonl, csv, xlsx, html, nor a file that ends so",
            ),
            ("run rows.csv --no-journal -o csv", "-o csv has the rows of the journal"),
            ("run rows.csv --excel -o json", "--excel is about csv"),
            ("run rows.csv -o nowhere/x.csv", "there is no folder nowhere"),
        ],
    )
    def test_a_line_that_makes_no_sense_is_a_usage_error(
        self,
        line: str,
        said: str,
        tmp_path: Path,
        nobody_answers: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "rows.csv").write_text("taskId,userId,status\n1,2,DONE\n")
        monkeypatch.chdir(tmp_path)
        result = bulk(nobody_answers, *line.split())
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in " ".join(result.stderr.split())
