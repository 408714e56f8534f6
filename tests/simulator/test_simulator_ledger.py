from __future__ import annotations

from hypothesis import given, strategies as st

from gong_tasks_async.simulator import Engine, Entry, Fault, Ledger, Request
from tests.simulator.simulator_calls import HEADERS, a_task, get_users, listing, patch, post, small


def entry(arrived: float, status: int = 200) -> Entry:
    return Entry(
        arrived=arrived,
        method="GET",
        path="/",
        user_id=None,
        task_id=None,
        status=status,
        fault=None,
        body=b"",
    )


def test_it_writes_down_what_arrived() -> None:
    engine = small()
    task_id, user_id = a_task(engine)
    post(engine, listing(user_id), now=1)
    patch(engine, task_id, {"userId": user_id}, now=2)
    engine.inject_fault(Fault.RESET_BEFORE)
    get_users(engine, now=3)
    listed, updated, cut = engine.ledger.entries
    assert (listed.arrived, listed.method, listed.user_id, listed.task_id) == (1, "POST", user_id, None)
    assert (updated.path, updated.user_id, updated.task_id) == (f"/v2/tasks/{task_id}", user_id, task_id)
    assert updated.body == b'{"userId": "%s"}' % user_id.encode()
    assert (cut.status, cut.fault, cut.user_id) == (0, Fault.RESET_BEFORE, None)
    assert engine.ledger.for_task(task_id) == [updated]


def test_nonsense_is_written_down_too() -> None:
    engine = small()
    for body in (b"\xff", b"[]", b'{"userId": 3}', b"[" * 100_000):
        engine.answer(Request("PATCH", "/v2/tasks/x", {}, HEADERS, body), 0)
    assert {(e.user_id, e.task_id, e.status) for e in engine.ledger.entries} == {(None, None, 400)}


def test_it_counts() -> None:
    engine = Engine(users=1, tasks_per_user=1)
    for now in (0.5, 0.6, 0.7, 0.8, 1.2, 1.6):
        get_users(engine, now)
    ledger = engine.ledger
    assert (ledger.calls, ledger.refused, ledger.admitted) == (6, 2, 4)
    assert ledger.by_second() == {0: 4, 1: 2}
    assert ledger.most_in_window() == 5
    assert ledger.most_in_window(admitted_only=True) == 3
    assert ledger.most_in_window(0.1) == 1
    ledger.clear()
    assert (ledger.calls, ledger.most_in_window()) == (0, 0)


@given(
    st.lists(st.integers(0, 5000).map(lambda ticks: ticks / 1024)).map(sorted),
    st.sampled_from([0.25, 1.0, 2.0]),
)
def test_the_fullest_window_is_the_fullest(times: list[float], seconds: float) -> None:
    ledger = Ledger([entry(now) for now in times])
    expected = max((sum(start <= now < start + seconds for now in times) for start in times), default=0)
    assert ledger.most_in_window(seconds) == expected
