"""The URL of a Redis: no piece of its password is quoted, however it is spelled."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from hypothesis import given, strategies as st

from gong_tasks_async import RedisQuota
from gong_tasks_async.distributed import Jobs
from gong_tasks_async.quota.redis.url import read_url

SLASHED = [
    "p4ss/w0rd",
    "1234/w0rd",
    "/w0rd",
    "p4ss?w0rd",
    "p4ss#w0rd",
    "p4ss/w0rd@",
    "p4ss@w0rd/x",
    "[p4ss/w0rd",
]
URLS = [
    f"{scheme}://{user}:{word}@127.0.0.1:1/0"
    for scheme in ("redis", "rediss", "redis+sentinel", "rediss+sentinel")
    for user in ("", "u")
    for word in SLASHED
] + [
    "redis://:p4ss@h//:p4ssw0rd6380/0",  # as pasted twice
    *(
        f"rediss://h/0?{option}=w0rd"
        for option in ("nonsense", "socket_timeout", "ssl_cert_reqs", "ssl_min_version")
    ),
    "redis+cluster://h/0?socket_timeout=w0rd",
]


def shown(make: object) -> str:
    try:
        made = make()  # type: ignore[operator]  # each of them is a function
    except ValueError as error:
        return "".join(traceback.format_exception(error, limit=0))
    return repr(made)


@pytest.mark.parametrize("url", URLS)
def test_no_piece_of_a_password_is_in_an_error(url: str) -> None:
    for make in (
        lambda: read_url(url)[0],
        lambda: RedisQuota(url, company="acme"),
        lambda: Jobs(url, company="acme"),
    ):
        text = shown(make)
        assert not [piece for piece in ("p4ss", "w0rd", "1234") if piece in text]


@pytest.mark.parametrize("option", ["nonsense=1", "socket_timeout=x", "protocol=9", "db=x"])
@pytest.mark.parametrize("make", [RedisQuota, Jobs])
def test_options_that_redis_does_not_know_are_refused_when_it_is_made(make: Any, option: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        make(f"redis://h/0?{option}", company="acme")
    assert make("redis://h/0?health_check_interval=30&protocol=3", company="acme").company == "acme"


@given(st.text("ab1/?#@:[]%", max_size=12))
def test_whatever_is_shown_of_a_url_ends_behind_its_password(word: str) -> None:
    try:
        place, _ = read_url(f"redis://:{word}@redis.example:7/0")
    except ValueError:
        return
    assert place.startswith(("redis://redis.example:7/0", "redis://redis.example:7"))


def test_a_good_url_is_read_and_its_secrets_are_known() -> None:
    assert read_url("redis://u:p%2Fw@h:1/0") == ("redis://h:1/0", ("p%2Fw", "p/w"))
    assert read_url("unix:///run/redis.sock") == ("unix:///run/redis.sock", ())
    assert read_url("memory://") == ("memory://", ())


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://127.0.0.1:26379/gong/0",
        "redis+sentinel://one,two:26380/gong",
        "rediss+sentinel://u:p4%2Fss@one:1,[::1]:2/gong-1.a/3?sentinel_password=x&max_connections=5",
    ],
)
def test_sentinels_are_named_with_their_service(url: str) -> None:
    assert repr(Jobs(url, company="acme")) == "<Jobs of acme>"


@pytest.mark.parametrize("path", ["", "/", "/a b", "/gong/x", "/gong/0/1"])
def test_sentinels_without_a_service_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        Jobs(f"redis+sentinel://127.0.0.1:26379{path}", company="acme")
