from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import attrs
import pytest

import gong_tasks_async
from gong_tasks_async import errors, events, models

SOURCE = ast.parse(Path(gong_tasks_async.__file__).read_text(encoding="utf-8"))
PUBLIC = [name for name in gong_tasks_async.__all__ if name != "__version__"]


def imports_for_checkers() -> dict[str, str]:
    """The names that type checkers see, and the modules that they come from."""
    ifs = [node for node in SOURCE.body if isinstance(node, ast.If)]
    [block] = [node for node in ifs if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"]
    found = [node for node in ast.walk(block) if isinstance(node, ast.ImportFrom)]
    assert all(alias.asname == alias.name for node in found for alias in node.names)
    return {alias.name: str(node.module) for node in found for alias in node.names}


def test_type_checkers_and_the_lazy_table_see_the_same_names() -> None:
    lazy = {name: f"gong_tasks_async.{module}" for name, module in gong_tasks_async._MODULE_OF.items()}
    assert imports_for_checkers() == lazy


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_resolves_to_the_thing_itself_once(name: str) -> None:
    value = getattr(gong_tasks_async, name)
    assert value is getattr(import_module(f"gong_tasks_async.{gong_tasks_async._MODULE_OF[name]}"), name)
    assert vars(gong_tasks_async)[name] is value
    assert not inspect.isclass(value) or inspect.getdoc(value)


def test_all_names_are_there_once_and_dir_lists_them() -> None:
    assert len(set(gong_tasks_async.__all__)) == len(gong_tasks_async.__all__)
    assert dir(gong_tasks_async) == sorted(gong_tasks_async.__all__)


def test_a_star_import_gives_exactly_the_public_names() -> None:
    space: dict[str, object] = {}
    exec("from gong_tasks_async import *", space)  # noqa: S102 - what readers of tutorials write
    assert space.keys() - {"__builtins__"} == set(gong_tasks_async.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'gong_tasks_async' has no attribute 'Tasks'"):
        _ = gong_tasks_async.Tasks  # type: ignore[attr-defined]  # that is the point
    assert not hasattr(gong_tasks_async, "_private")


def test_every_error_event_and_model_is_public() -> None:
    for module, left_out in (
        (errors, set()),
        (events, {"EventSink"}),
        (models, {"TasksAnswer", "UsersAnswer", "UserAnswer", "WorkspacesAnswer"}),
    ):
        classes = {
            name
            for name, value in vars(module).items()
            if inspect.isclass(value) and value.__module__.startswith(module.__name__)
        }
        assert classes - left_out - set(PUBLIC) == set()


def test_the_version_is_that_of_the_installed_package() -> None:
    assert gong_tasks_async.__version__ == version("gong_tasks_async")


HEAVY = {"aiohttp", "cattrs", "aiolimiter", "orjson", "rich", "click", "redis"}
LIGHT: dict[str, set[str]] = {
    "import gong_tasks_async": HEAVY,
    "import gong_tasks_async.models": HEAVY,
    "import gong_tasks_async.errors": HEAVY,
    "from gong_tasks_async import Task, TaskUpdate, UserTasks, GongError, AccessKey, Event, RetryPolicy": HEAVY,
    "from gong_tasks_async import to_json": HEAVY - {"orjson"},
    "from gong_tasks_async import GongTasksClient": {
        *("rich", "click", "redis", "sqlite3", "cattrs", "gong_tasks_async.simulator"),
        *(f"gong_tasks_async.bulk.{part}" for part in ("job", "journal", "outcomes", "plan", "report")),
    },
    "from gong_tasks_async import RedisQuota": {"aiohttp", "cattrs", "redis"},
    "import gong_tasks_async.simulator": HEAVY - {"aiohttp"} | {"gong_tasks_async.models"},
}


@pytest.mark.parametrize(("line", "unwanted"), LIGHT.items(), ids=LIGHT)
def test_an_import_costs_no_more_than_it_needs(line: str, unwanted: set[str]) -> None:
    measured = "import sys\nbefore = set(sys.modules)"  # what measures coverage has sqlite3
    program = f"{measured}\n{line}\nprint(*sorted((sys.modules.keys() - before) & {unwanted!r}))"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)  # noqa: S603
    assert ran.stdout.split() == []
    assert ran.stderr == ""


def test_public_values_have_no_settable_slips() -> None:
    values = [getattr(gong_tasks_async, name) for name in PUBLIC]
    settable = {
        kind.__name__
        for kind in values
        if inspect.isclass(kind) and attrs.has(kind) and not issubclass(kind, Exception)
        if kind.__setattr__ is object.__setattr__
    }
    assert settable == {"Permit"}  # made for each call; a frozen one takes three times as long
    with pytest.raises(AttributeError):
        gong_tasks_async.Permit(0.0).departd = 1.0  # type: ignore[attr-defined]  # the slip


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(gong_tasks_async.__file__).parent / "py.typed").exists()


def public_functions() -> list[tuple[str, object]]:
    classes = [(name, getattr(gong_tasks_async, name)) for name in PUBLIC]
    methods = [
        (f"{name}.{attribute}", value.fget if isinstance(value, property) else value)
        for name, kind in classes
        if inspect.isclass(kind)
        for attribute, value in vars(kind).items()
        if not attribute.startswith("_")
    ]
    return [*classes, *((name, value) for name, value in methods if inspect.isfunction(value))]


def test_everything_public_says_what_it_is() -> None:
    callables = [(name, value) for name, value in public_functions() if callable(value)]
    assert [name for name, value in callables if not inspect.getdoc(value)] == []
