"""The machines that the command meets: without a home, read-only, with other code pages, frozen, with odd folders."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from gong_tasks_async import _pyinstaller
from gong_tasks_async.cli import session
from gong_tasks_async.cli.local_time import local_time
from gong_tasks_async.config.folders import config_file, state_folder
from gong_tasks_async.simulator import DayLimit
from tests.cli.company import PATIENCE, PROGRAM, Company, Found, journals

ROOT = Path(__file__).parent.parent.parent
KEY = {"GONG_ACCESS_KEY": "KEY", "GONG_ACCESS_KEY_SECRET": "s3cret"}
UNUSABLE = """
import pwd
def gone(*_): raise KeyError("uid not found")
pwd.getpwuid = gone
"""


def ran(
    *arguments: str,
    environment: Mapping[str, str],
    python: tuple[str, ...] = (),
    before: str = "",
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """The command in a process whose environment is this one alone."""
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *python, "-c", before + PROGRAM, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        cwd=cwd,
        check=False,
    )


class TestFolders:
    @pytest.mark.parametrize("error", [RuntimeError("no home"), KeyError("uid not found")])
    def test_without_a_home_they_are_private_and_temporary(
        self, error: Exception, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def homeless(*_: object, **__: object) -> Path:
            raise error

        for name in ("user_config_path", "user_state_path"):
            monkeypatch.setattr(f"gong_tasks_async.config.folders.{name}", homeless)
        assert state_folder({}).is_absolute()
        assert state_folder({}) in config_file({}).parents

    def test_a_container_without_home_works(self, tmp_path: Path) -> None:
        done = ran("quota", environment=KEY | {"TMPDIR": str(tmp_path)}, before=UNUSABLE, cwd=tmp_path)
        assert (done.returncode, json.loads(done.stdout)["used"]) == (0, 0)
        assert not (tmp_path / "~").exists()

    def test_a_home_that_cannot_be_written_names_the_variable(self, tmp_path: Path) -> None:
        (tmp_path / "home").write_text("")
        done = ran("quota", environment=KEY | {"HOME": str(tmp_path / "home")})
        assert done.returncode == 1
        assert b"GONG_TASKS_STATE" in done.stderr

    def test_a_working_folder_that_was_deleted_is_no_matter(self, tmp_path: Path) -> None:
        gone = tmp_path / "gone"
        gone.mkdir()
        state = {"GONG_TASKS_STATE": str(tmp_path / "state"), "HOME": str(tmp_path)}
        done = ran(
            "quota",
            environment=KEY | state,
            before="import os; os.rmdir(os.getcwd());",
            python=("-P",),
            cwd=gone,
        )
        assert (done.returncode, json.loads(done.stdout)["used"]) == (0, 0)

    @pytest.mark.skipif(os.name != "posix", reason="Windows has no such bits")
    @pytest.mark.parametrize("folder", ["state", "state/days", "state/jobs"])
    def test_a_state_folder_that_others_can_write_is_refused_with_the_remedy(
        self, folder: str, company: Company
    ) -> None:
        company.invoke("quota")
        path = company.folder / folder
        path.chmod(0o777)
        got = company.invoke("quota")
        assert (got.exit_code, got.stdout) == (2, "")
        remedy = got.stderr.splitlines()[-1].split()
        subprocess.run(remedy, check=True)  # noqa: S603 - what the operator is asked to type
        assert company.invoke("quota").exit_code == 0

    @pytest.mark.skipif(os.name != "posix", reason="Windows has no such bits")
    def test_so_is_the_company_s_own_folder_of_jobs(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(2), "--yes", "--name", "mine")
        folder = journals(company)[0].parent
        folder.chmod(0o770)
        for line in (
            ["run", company.rows(3), "--yes"],
            ["resume", "mine", "--yes"],
            ["retry", "mine", "--yes"],
            ["undo", "mine", "--yes"],
        ):
            got = company.invoke("bulk", *line)
            assert (got.exit_code, "can be written by others" in got.stderr) == (2, True), line
        assert company.invoke("bulk", "status").exit_code == 0

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives folders away")
    def test_another_user_s_state_folder_is_refused(self, company: Company) -> None:
        company.invoke("quota")
        os.chown(company.folder / "state", 65534, 65534)
        assert company.invoke("quota").exit_code == 2


class TestCodePages:
    @pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
    def test_a_pipe_gets_utf_8_and_a_note_once(self, encoding: str, company: Company) -> None:
        title = "Café in Ōsaka \U0001f600"
        for task in company.engine.tasks.values():
            task |= {"type": "MANUAL", "title": title, "status": "OPEN"}
        environment = company.environment | {"PYTHONIOENCODING": encoding}
        done = ran("list", "--user", company.engine.user_ids[0], environment=environment)
        assert {json.loads(line)["title"] for line in done.stdout.decode().splitlines()} == {title}
        assert done.stderr.decode().count("the output is UTF-8") == 1


class TestTimes:
    @pytest.mark.parametrize(
        ("zone", "moment"),
        [("America/New_York", "0001-01-01T00:00:00Z"), ("Asia/Tokyo", "9999-12-31T23:59:59Z")],
    )
    def test_the_first_and_the_last_year_are_shown(self, zone: str, moment: str, found: Found) -> None:
        company = found(users=1, tasks_per_user=1)
        for task in company.engine.tasks.values():
            task |= {"dueDate": moment, "status": "OPEN"}
        done = ran("list", "--all-users", "-o", "table", environment=company.environment | {"TZ": zone})
        assert done.returncode == 0
        assert moment[:4].encode() in done.stdout

    def test_none_is_empty(self) -> None:
        assert local_time(None) == ""


class TestInterpreters:
    @pytest.mark.parametrize("flag", ["-O", "-OO"])
    def test_without_assertions_and_docstrings(self, flag: str, company: Company) -> None:
        done = ran("users", "--output", "csv", environment=company.environment, python=(flag,))
        assert (done.returncode, done.stdout.count(b"\n")) == (0, 3)

    def test_windows_has_no_signal_handlers_of_the_loop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def none(*_: object) -> None:
            raise NotImplementedError

        async def ended() -> None:
            monkeypatch.setattr(type(asyncio.get_running_loop()), "add_signal_handler", none)
            asyncio.get_running_loop().call_later(0, os.kill, os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()

        before = signal.getsignal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            session.run(_with_handlers(ended, monkeypatch, none))
        assert signal.getsignal(signal.SIGTERM) is before

    @pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
    def test_signals_that_ask_for_the_end(self, name: str) -> None:
        one: Any = getattr(signal, name)

        async def ended() -> None:
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), one)
            await asyncio.Event().wait()

        with pytest.raises(KeyboardInterrupt):
            session.run(ended())


async def _with_handlers(ended: Any, monkeypatch: pytest.MonkeyPatch, none: Any) -> None:
    """Within a loop that, as on Windows, handles no signal."""
    monkeypatch.setattr(type(asyncio.get_running_loop()), "add_signal_handler", none)
    running = asyncio.current_task()
    assert running is not None
    with session.signals_call(running.cancel):
        await ended()


class TestFrozen:
    def test_the_hook_is_where_pyinstaller_looks(self) -> None:
        names = [point.name for point in entry_points(group="pyinstaller40")]
        if "hook-dirs" not in names:
            pytest.skip("the package was installed before it had the hook")
        (folder,) = _pyinstaller.get_hook_dirs()
        assert Path(folder, "hook-gong_tasks_async.py").is_file()

    def test_the_hook_names_every_module_that_a_command_loads(self) -> None:
        pytest.importorskip("PyInstaller")
        from runpy import run_path

        found = run_path(str(Path(_pyinstaller.__file__).parent / "hook-gong_tasks_async.py"))
        assert {"gong_tasks_async.cli.list", "gong_tasks_async.cli.bulk.run"} <= set(found["hiddenimports"])
        assert any(str(source).endswith(".lua") for source, _ in found["datas"])


@pytest.fixture
def company(found: Found) -> Company:
    return found(day_limit=DayLimit.NONE)
