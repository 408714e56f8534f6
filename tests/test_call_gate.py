from __future__ import annotations

import pytest

pytest.importorskip("orjson", reason="the figures that were written down are those with orjson")
pytest.importorskip("aiohttp._http_parser", reason="and those with aiohttp's compiled parts")

import python_calls

WORSE = 1.03
KEPT = python_calls.kept_figures().get(python_calls.python_version(), {})

pytestmark = pytest.mark.skipif(not KEPT, reason="no figures were written down for this Python")


@pytest.fixture(scope="module")
def figures(pytestconfig: pytest.Config) -> dict[str, float]:
    counts = python_calls.figures()
    said = "".join(f"\n{name}: {count:g} ({KEPT[name]:g} before)" for name, count in counts.items())
    with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        pytestconfig.pluginmanager.getplugin("terminalreporter").write_line(said)
    return counts


def beyond_bare(figures: dict[str, float], name: str) -> float:
    """What aiohttp itself does is not ours to answer for, and changes with its version."""
    return figures[f"PATCH, {name}"] - figures["PATCH, bare aiohttp"]


@pytest.mark.parametrize("name", ["limiter on", "limiter off"])
def test_a_patch_enters_no_more_functions_than_was_written_down(figures: dict[str, float], name: str) -> None:
    assert beyond_bare(figures, name) <= beyond_bare(KEPT, name) * WORSE


@pytest.mark.parametrize("name", [name for name in KEPT if not name.startswith("PATCH")])
def test_nor_does_decoding_and_no_more_memory_is_kept(figures: dict[str, float], name: str) -> None:
    assert figures[name] <= KEPT[name] * WORSE


def test_counting_again_comes_to_the_same(figures: dict[str, float]) -> None:
    assert python_calls.figures() == pytest.approx(
        figures, abs=0.2
    )  # a block of memory more or less is nobody's
