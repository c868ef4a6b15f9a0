"""Answers that are kept: when they are given again, and when not. Cursors, grids and plain arguments, without servers."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Any

import numpy as np
import pytest
from fastapi import FastAPI, Query, Request
from hypothesis import given
from hypothesis import strategies as st

from findata_core.schema.tables import ColumnKind
from findata_serving import cursors, grids
from findata_serving.arguments import PlainArguments
from findata_serving.caching import MOST_BYTES, Answer, Depends, Kept
from findata_serving.problems import Problem
from findata_serving.reading import Rows
from findata_serving.records import Record, added

DEPENDS = Depends("market.candles", "MSFT.XNAS", date(2022, 6, 1), date(2022, 6, 2))
KEY = ("/v1", b"interval=5m", "")


class Books:
    """Stands for the sources: what the digests are, and how often they were asked for."""

    def __init__(self) -> None:
        self.digest = "a"
        self.asked = 0

    async def rows(self, _query: str, *_arguments: object, books: bool) -> list[tuple[str]]:
        assert books
        self.asked += 1
        return [(self.digest,)]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def answer(text: bytes = b"rows", depends: Depends | None = DEPENDS) -> Answer:
    return Answer(text, "application/json", "private", depends=depends)


async def keep(kept: Kept, books: Any, found: Answer, key: tuple[str, bytes, str] = KEY) -> None:
    """Ask twice, as a caller does."""
    for _ in range(2):
        before = await kept.before(key, books)
        kept.offer(key, found, before)


def test_the_second_question_is_kept_and_the_third_is_given_it() -> None:
    async def ask() -> None:
        books, kept = Books(), Kept(clock=Clock())
        kept.offer(KEY, answer(), await kept.before(KEY, books))
        assert await kept.get(KEY, books) is None
        kept.offer(KEY, answer(), await kept.before(KEY, books))
        assert await kept.get(KEY, books) is not None
        assert (len(kept), books.asked) == (1, 1)

    asyncio.run(ask())


def test_digests_are_asked_for_once_a_second_and_a_change_ends_an_answer() -> None:
    async def ask() -> None:
        books, clock = Books(), Clock()
        kept = Kept(clock=clock)
        await keep(kept, books, answer())
        for _ in range(5):
            assert await kept.get(KEY, books) is not None
        assert books.asked == 1
        books.digest = "b"
        assert await kept.get(KEY, books) is not None
        clock.now = 1.0
        assert await kept.get(KEY, books) is None
        assert len(kept) == 0

    asyncio.run(ask())


def test_what_changed_while_the_rows_were_read_does_not_pass_for_the_new_state() -> None:
    async def ask() -> None:
        books, clock = Books(), Clock()
        kept = Kept(clock=clock)
        kept.offer(KEY, answer(), await kept.before(KEY, books))
        before = await kept.before(KEY, books)
        books.digest = "b"  # a write commits after the digests, while the rows are read
        kept.offer(KEY, answer(b"old"), before)
        clock.now = 2.0
        assert await kept.get(KEY, books) is None

    asyncio.run(ask())


def test_the_answer_used_longest_ago_goes_first_and_one_too_large_is_not_kept() -> None:
    async def ask() -> None:
        books, kept = Books(), Kept(most_bytes=3 * answer(b"x" * 1000).size_bytes())
        for number in range(4):
            if number == 3:
                assert await kept.get(("/0", b"", ""), books) is not None
            await keep(kept, books, answer(b"x" * 1000), (f"/{number}", b"", ""))
        found = [await kept.get((f"/{number}", b"", ""), books) for number in range(4)]
        assert [one is not None for one in found] == [True, False, True, True]
        await keep(kept, books, answer(b"x" * MOST_BYTES), ("/large", b"", ""))
        assert await kept.get(("/large", b"", ""), books) is None

    asyncio.run(ask())


def request(query: str, path: str = "/v1/x") -> Request:
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [],
        "server": ("127.0.0.1", 1),
        "scheme": "http",
    }
    return Request({**scope, "query_string": query.encode(), "path_params": {"name": path}})


@given(st.text(max_size=40).filter(lambda text: "\x00" not in text), st.integers(-(2**53), 2**53))
def test_a_cursor_is_read_as_it_was_made(text: str, number: int) -> None:
    asked = request("a=1&limit=3")
    made = cursors.made(asked, [text, number])
    assert cursors.read(asked, made, [str, int]) == [text, number]
    assert cursors.read(request("limit=9&a=1&format=csv&cursor=" + made), made, [str, int]) == [text, number]


@given(st.text(max_size=80))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        cursors.read(request("a=1"), text, [str, int])
    assert refused.value.status == 400


@given(st.data())
def test_a_cursor_with_a_character_changed_is_refused_or_says_the_same(data: st.DataObject) -> None:
    asked = request("a=1")
    made = cursors.made(asked, ["1m", 5])
    place = data.draw(st.integers(0, 15))  # within the hash of the question
    changed = made[:place] + data.draw(st.sampled_from("abcXYZ019_-")) + made[place + 1 :]
    if changed != made:
        with pytest.raises(Problem):
            cursors.read(asked, changed, [str, int])


SESSION = Record(
    "S",
    "",
    "",
    "",
    tuple(
        added(name, ColumnKind.TIMESTAMP, "", is_nullable="break" in name)
        for name in ("open_time", "break_start_time", "break_end_time", "close_time")
    ),
)


def test_a_grid_begins_anew_after_a_break() -> None:
    minute = 60_000_000
    rows = Rows(
        SESSION,
        1,
        {
            "open_time": np.array([0]),
            "break_start_time": [150 * minute],
            "break_end_time": [210 * minute],
            "close_time": np.array([390 * minute]),
        },
    )
    # Hong Kong: 09:30 to 12:00 and 13:00 to 16:00.
    found = [time // minute for time in grids.expected_times("1h", rows).tolist()]
    assert found == [0, 60, 120, 210, 270, 330]
    assert [time // minute for time in grids.expected_times("4h", rows).tolist()] == [0, 210]


async def _route(
    request: Request,
    name: str,
    q: Annotated[str | None, Query(max_length=4)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 5,
    settled: bool = False,
) -> None: ...


@given(
    st.sampled_from(["q", "limit", "settled"]),
    st.one_of(
        st.text(max_size=6), st.integers(-5, 200).map(str), st.sampled_from(["true", "false", "1", "no", "٣"])
    ),
)
def test_plain_arguments_are_what_fastapi_reads_or_are_left_to_it(name: str, text: str) -> None:
    app = FastAPI()
    app.get("/{name}")(_route)
    route: Any = app.routes[-1]
    asked = request(str(_params(name, text)))
    found = PlainArguments(route.dependant).of(asked)
    read, errors = _by_fastapi(route, asked)
    if found is not None:
        assert not errors
        assert {key: value for key, value in found.items() if key != "request"} == read


def _params(name: str, text: str) -> Any:
    from httpx import QueryParams

    return QueryParams({name: text})


def _by_fastapi(route: Any, asked: Request) -> tuple[dict[str, Any], list[Any]]:
    from fastapi.dependencies.utils import request_params_to_args

    path, _ = request_params_to_args(route.dependant.path_params, asked.path_params)
    query, errors = request_params_to_args(route.dependant.query_params, asked.query_params)
    return {**path, **query}, list(errors)
