"""A long answer is read in slices, and no differently from one that is read in one go."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from gong_tasks_async import codec
from gong_tasks_async.codec import decode_answer, decode_tasks, scan
from gong_tasks_async.errors import DecodeError
from gong_tasks_async.models import Task
from gong_tasks_async.simulator import full_task
from tests.json_libraries import LIBRARIES, Loads, json_library
from tests.json_spellings import spelled

Json = Any
Outcome = tuple[list[Task], tuple[str, str, str] | None]
"""The tasks that were read, and why no more could be: path, expected, found."""

UNSLICED = 10**9


@pytest.fixture(autouse=True, scope="module", params=LIBRARIES)
def _both_libraries(request: pytest.FixtureRequest) -> Iterator[None]:
    loads, dumps = json_library(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "loads", loads)
        patch.setattr(codec, "dumps", dumps)
        yield


def outcome(body: bytes, size: int) -> Outcome:
    tasks: list[Task] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "SLICE_BYTES", size)
        try:
            tasks.extend(decode_tasks(body))  # what came before an error stays in the list
        except DecodeError as error:
            return tasks, (error.path, error.expected, error.found)
    return tasks, None


MEAN = [
    '},{"id":1',
    '"tasks":[',
    '\\"tasks":[{',
    "\\",
    '\\"',
    '"',
    "]",
    "}]}",
    "[[{",
    "tasks",
    '{"tasks":[]}',
]
texts = st.text('{}[]",:\\tasks \n/é📞', max_size=12) | st.sampled_from(MEAN)
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.just(0.5) | texts
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "tasks"]) | texts, inner, max_size=3)
    ),
    max_leaves=8,
)
lookalikes = st.lists(st.fixed_dictionaries({"id": st.integers(0, 9)}), max_size=4)
good_tasks = st.fixed_dictionaries(
    {"id": st.integers(1, 2**63 - 1)},
    optional={
        "title": texts,
        "new": values,
        "others": lookalikes,
        "flow": st.just({"id": 1, "step": {"id": 2}}),
    },
)
bad_tasks = st.sampled_from(
    [{}, 7, [], "x", [{"id": 1}], {"id": 1, "title": 2}, {"id": 1, "flow": {"step": {"id": "x"}}}]
)
task_lists = st.lists(good_tasks, max_size=8)
roots = st.fixed_dictionaries(
    {"tasks": task_lists},
    optional={
        "requestId": st.just("r"),
        "meta": st.just({"tasks": [{"id": 5}]}),
        "new": values,
        '"tasks': values,
    },
)
randoms = st.randoms(use_true_random=False)
sizes = st.integers(1, 200)


@settings(max_examples=100)
@given(roots, randoms, sizes)
def test_any_document_in_any_spelling_is_read_as_in_one_go(root: Json, random: Random, size: int) -> None:
    body = spelled(root, random).encode()
    read, error = outcome(body, size)
    assert error is None
    assert tuple(read) == decode_answer(body).tasks


@settings(max_examples=100)
@given(roots, st.lists(st.none() | bad_tasks | good_tasks, max_size=8), randoms, sizes)
def test_the_first_bad_task_is_refused_with_the_same_words(
    root: Json, tasks: Json, random: Random, size: int
) -> None:
    body = spelled({**root, "tasks": tasks}, random).encode()
    assert outcome(body, size) == outcome(body, UNSLICED)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(["tasks", "x"]), values) | values, randoms, sizes)
def test_any_json_at_all_is_read_or_refused_as_in_one_go(root: Json, random: Random, size: int) -> None:
    body = spelled(root, random).encode()
    assert outcome(body, size) == outcome(body, UNSLICED)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    body = bytearray(spelled(draw(roots), draw(randoms)).encode())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(body)))
        put = draw(
            st.binary(max_size=1)
            | st.sampled_from([b'"', b"{", b"}", b"[", b"]", b",", b"\\", b"}{", b"],["])
        )
        body[at : at + draw(st.integers(0, 2))] = put
    return bytes(body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body)


@settings(max_examples=300)
@given(damaged(), sizes)
def test_what_is_damaged_is_refused_where_it_is_in_one_go_and_else_read_alike(body: bytes, size: int) -> None:
    read, error = outcome(body, size)
    whole, refused = outcome(body, UNSLICED)
    if refused is None and error is not None:
        # In one go, the last of two arrays counts; in slices the first is read, up to what is wrong there or the second.
        assert error == ("$.tasks", "one array", "a second value") or error[0].startswith("$.tasks[")
    elif refused is None:
        assert read == whole
    else:
        assert error is not None


def long_answer(tasks: list[Json], **fields: Json) -> bytes:
    return json.dumps({"requestId": "r", "tasks": tasks, **fields}, separators=(",", ":")).encode()


def test_an_error_in_task_9000_is_named_and_all_before_it_are_handed_out() -> None:
    tasks: list[Json] = [{"id": n, "title": "x" * 50} for n in range(10_000)]
    tasks[9_000]["flow"] = {"step": {"id": []}}
    read, error = outcome(long_answer(tasks), scan.SLICE_BYTES)
    assert [task.id for task in read] == list(range(9_000))
    assert error == ("$.tasks[9000].flow.step.id", "a whole number of 64 bits", "an array of 0")


BROKEN = [
    b'{"tasks":[{"id":1},{"id":2},]}',
    b'{"tasks":[{"id":1},{"id":2} {"id":3}]}',
    b'{"tasks":[{"id":1},{"id":2}}]}',
    b'{"tasks":[{"id":1},{"id":2}],"x":}',
    b'{"tasks":[{"id":1},{"id":2}].5}',
    b'{"tasks":[{"id":1},{"id":2}]}x',
    b'{"tasks":[{"id":1},{"id":2}]',
    b'{"tasks":[{"id":1},{"id":2}',
    b'{"tasks":[{"id":1},{"id":2},',
    b'{"tasks":[{"id":1},{"id":2},{"id":"}]}',
    b'{"tasks":[,{"id":1},{"id":2}]}',
    b'{"tasks":[{"id":1},{"id":2},{"id":3}],[{"id":4}]}',
    b'{"tasks":[{"id":1},{"id":2},{"title":"\xff"}]}',
    b'{"tasks":[{"id":1},{"id":2},{"title":"\\ud800"}]}',
    b'{"tasks":[{"id":1}],"\xff":1}',
    b'\xef\xbb\xbf{"tasks":[{"id":1}]}',
    b'{x"tasks":[{"id":1}]}',
    b'{"x":"\\"tasks":[{"id":1}]}',
]


@pytest.mark.parametrize("body", BROKEN, ids=repr)
@pytest.mark.parametrize("size", [1, 10, 30])
def test_what_is_no_json_is_refused_when_the_scan_comes_there(body: bytes, size: int) -> None:
    read, error = outcome(body, size)
    assert [task.id for task in read] in ([], [1], [1, 2], [1, 2, 3])
    assert error is not None
    assert error[:2] == ("$", "JSON")
    assert outcome(body, UNSLICED)[1] is not None


ODD = [
    (b'{"tasks":[]}', []),
    (b'{"tasks" :\n[\t]}', []),
    (b'{"t\\u0061sks":[{"id":1},{"id":2}]}', [1, 2]),
    (b'{"a":{"tasks":[{"id":9}]},"tasks":[{"id":1}],"b":[{"tasks":[{"id":9}]}]}', [1]),
    (b'{"a":"\\\\","tasks":[{"id":1},{"id":2}]}', [1, 2]),
    (b'{"a":"\\"tasks\\":[{","tasks":[{"id":1}]}', [1]),
    (b'{"\\"tasks":[{"id":9}],"tasks":[{"id":1}]}', [1]),
    (b'{"tasks":null,"tasks":[{"id":1}]}', [1]),
    (b'{"tasks":[{"id":1},null,{"id":2}]}', [1, 2]),
    (b'{"tasks":[{"id":1,"a":[{"id":3},{"id":4}]},{"id":2,"a":[{"id":3},{"id":4}]}]}', [1, 2]),
    (b'{"tasks":[{"id":1,"a":"},{\\"id\\""},{"id":2,"a":"},{\\"id\\""}]}', [1, 2]),
]


@pytest.mark.parametrize(("body", "ids"), ODD, ids=repr)
@pytest.mark.parametrize("size", [1, 10, 20, 40])
def test_odd_answers_are_read_as_they_are_meant(body: bytes, ids: list[int], size: int) -> None:
    read, error = outcome(body, size)
    assert ([task.id for task in read], error) == (ids, None)


@pytest.mark.parametrize("second", ["[]", "null", '[{"id":2}]', "7"])
@pytest.mark.parametrize("name", ["tasks", "t\\u0061sks"])
def test_a_second_value_of_tasks_is_refused_since_the_first_was_handed_out(name: str, second: str) -> None:
    body = b'{"tasks":[{"id":1}],"%s":%s}' % (name.encode(), second.encode())
    assert outcome(body, 10) == ([Task(id=1)], ("$.tasks", "one array", "a second value"))


def parsed_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes the parser was given, each time."""
    loads: Loads = vars(codec)["loads"]
    lengths: list[int] = []

    def noted(text: bytes) -> Any:
        lengths.append(len(text))
        return loads(text)

    monkeypatch.setattr(codec, "loads", noted)
    return lengths


def test_no_more_than_a_slice_is_ever_parsed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = parsed_sizes(monkeypatch)
    body = long_answer([full_task(n) for n in range(1, 201)])
    assert len(list(decode_tasks(body))) == 200
    assert max(lengths) <= scan.SLICE_BYTES + 10
    assert sum(lengths) < 1.01 * len(body)
    assert len(lengths) < len(body) / scan.SLICE_BYTES * 1.2 + 4


def test_a_short_answer_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    body = long_answer([full_task(n) for n in range(1, 11)])
    lengths = parsed_sizes(monkeypatch)
    assert len(list(decode_tasks(body))) == 10
    assert lengths == [len(body)]


def test_streaming_needs_memory_for_a_slice() -> None:
    body = long_answer([full_task(n) for n in range(1, 1_001)])  # 2.4 MB
    tracemalloc.start()
    try:
        for _ in decode_tasks(body):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(body) / 2  # as values, a slice takes twenty times its text; the whole would take 50 MB


class Noted:
    """A pattern that remembers how many bytes it stepped over."""

    def __init__(self) -> None:
        self.bytes = 0

    def match(self, body: bytes, position: int, stop: int) -> Any:
        found = PATTERN.match(body, position, stop)
        self.bytes += found.end() - position if found else min(stop, len(body)) - position
        return found


PATTERN = scan.TO_BRACKET
MANY = 3_000
HOSTILE = {
    "looks like a cut, but deeper": long_answer(
        [{"id": 1}, {"id": 2}, *({"id": 3, "x": [{"id": n} for n in range(50)]} for _ in range(100))]
    ),
    "one task": long_answer([{"id": 1, "x": [{"id": n} for n in range(MANY)]}]),
    "two huge tasks": long_answer([{"id": 1, "x": [{"id": n} for n in range(MANY)]}] * 2),
    "looks like a cut, but in a text": long_answer([{"id": 1}, {"id": 2}, {"id": 3, "x": '},{"id"' * MANY}]),
    "numbers": long_answer([None] * MANY),
    "all keys differ": long_answer([{f"k{n}": n, "id": n} for n in range(MANY)]),
    "everything before": long_answer([{"id": 1}]).replace(
        b'"r"', json.dumps([{"tasks": [1]}] * MANY).encode()
    ),
    "not closed": b'{"tasks":[{"id":1,"x":"' + b'\\"' * MANY,
    "only opened": b'{"tasks":[{"id":1},{"id":2},' + b'{"x":' * MANY,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("size", [64, 1_000])
def test_no_answer_makes_it_look_again_and_again(
    monkeypatch: pytest.MonkeyPatch, name: str, size: int
) -> None:
    body, steps, lengths = HOSTILE[name], Noted(), parsed_sizes(monkeypatch)
    monkeypatch.setattr(scan, "TO_BRACKET", steps)
    outcome(body, size)
    assert steps.bytes <= 3 * len(body)
    assert sum(lengths) <= 3 * len(body)


@pytest.mark.parametrize("name", ["all keys differ", "looks like a cut, but deeper"])
def test_where_no_guess_holds_slices_are_as_long_all_the_same(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    body, lengths = HOSTILE[name], parsed_sizes(monkeypatch)
    read, error = outcome(body, 2_000)
    assert (len(read) > 100, error) == (True, None)
    assert len(lengths) <= 2 * len(body) / 2_000 + 10  # a guess and a count for each


@pytest.mark.parametrize(("size", "is_read"), [(2**20, True), (2**20 + 2 * scan.SLICE_BYTES, False)])
def test_a_task_of_a_mebibyte_is_read_and_no_longer_one(size: int, is_read: bool) -> None:
    task = {"id": 2, "title": "x" * (size - len('{"id":2,"title":""}'))}
    read, error = outcome(long_answer([{"id": 1}, task, {"id": 3}]), scan.SLICE_BYTES)
    assert [each.id for each in read] == ([1, 2, 3] if is_read else [1])
    assert is_read or (error is not None and error[1] == "a task of at most 1,048,576 bytes")


@pytest.mark.parametrize(
    "padding", [b'"x":"%s",' % (b"a" * 2**21), b'"x":[%s1],' % (b"1," * 2**20), b" " * 2**21]
)
def test_tasks_that_begin_far_from_the_start_of_a_long_response_are_not_looked_for(padding: bytes) -> None:
    with pytest.raises(DecodeError, match="expected an array that begins near the start"):
        list(decode_tasks(b"{" + padding + b'"tasks":[{"id":1}]}'))
