"""Any bytes give rows, or one of the three errors that say what the payload is: never anything else, never for long."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_resources.providers import PARSERS
from tests.fuzz.bodies import Seed, judged, seeds

SEEDS = {seed.name: seed for seed in seeds()}
JSON_SEEDS = [seed for seed in seeds() if seed.body.lstrip().startswith((b"{", b"["))]
# What JSON lets a number or text be, and what breaks who reads it carelessly.
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, -1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 1e308, -0.0, 0.1, float("nan"), float("inf"),
     "", " ", "\x00", "\ud800", "1e999", "9999-99-99", "2022-06-14", "2022-06-14 09:31:00", "0001-01-01", "١٢", [], {}, [[]], [None], {"": None}]
)  # fmt: skip


def test_every_parser_has_a_seed_that_it_reads() -> None:
    assert {seed.key for seed in seeds()} == set(PARSERS)
    read = [
        seed.name
        for seed in seeds()
        if "notice" not in seed.name and PARSERS[seed.key](seed.body, seed.request)
    ]
    assert len(read) == len(seeds()) - 1


@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_bytes_that_were_cut_joined_or_changed_are_rows_or_a_reason(name: str, data: Any) -> None:
    seed = SEEDS[name]
    body = bytearray(seed.body)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(len(body), start + 40)))
        body[start:end] = data.draw(st.binary(max_size=20) | st.sampled_from([b"", b"\x00", b"\xff\xfe", b"-", b"e9", b",", b'"', b"\r", bytes(body[:40])]))  # fmt: skip
    judged(seed, bytes(body))


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.name)
@settings(max_examples=30, deadline=None, derandomize=True)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_rows_or_a_reason(seed: Seed, body: bytes) -> None:
    judged(seed, body)


@pytest.mark.parametrize("seed", JSON_SEEDS, ids=lambda seed: seed.name)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_json_of_any_other_shape_is_rows_or_a_reason(seed: Seed, data: Any) -> None:
    content = json.loads(seed.body)
    for _ in range(data.draw(st.integers(1, 3))):
        content = _changed(content, data)
    judged(seed, json.dumps(content).encode())


def _changed(content: Any, data: Any) -> Any:
    """Return the content with something odd in place of one of its parts, or with a part left out or doubled."""
    if not isinstance(content, dict | list) or not content or data.draw(st.integers(0, 7)) == 0:
        return data.draw(ODD)
    keys = list(content) if isinstance(content, dict) else list(range(len(content)))
    key = data.draw(st.sampled_from(keys))
    copied: Any = dict(content) if isinstance(content, dict) else list(content)
    act = data.draw(st.integers(0, 9))
    if act == 0:
        del copied[key]
    elif act == 1 and isinstance(copied, list):
        copied.append(copied[key])
    else:
        copied[key] = _changed(copied[key], data)
    return copied


HOSTILE = {
    "deeply nested lists": b"[" * 200_000,
    "deeply nested objects": b'{"a":' * 200_000,
    "nested in the right place": b'{"chart":{"result":' + b"[" * 100_000,
    "a number of many digits": b'{"refRates":[{"effectiveDate":"2022-06-14","percentRate":'
    + b"9" * 100_000
    + b"}]}",
    "one long line": b"a" * 1_000_000,
    "many empty lines": b"\n" * 200_000,
    "many commas": b"," * 100_000,
    "zeros": b"\x00" * 1_000_000,
    "html": b"<!DOCTYPE html><html><body>" + b"<p>" * 10_000 + b"</body></html>",
    "broken gzip": b"\x1f\x8b\x08\x00" + bytes(range(256)) * 100,
    "utf-16": '{"refRates": []}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + b'{"refRates": []}',
    "nothing": b"",
}


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.name)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_refused_within_bounded_memory(seed: Seed, name: str) -> None:
    body = HOSTILE[name]
    tracemalloc.start()
    try:
        judged(seed, body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * len(body) + 50_000_000


def chart(**changed: Any) -> bytes:
    """A chart answer with something else in some places of its result."""
    content = json.loads(SEEDS["yahoo 1d"].body)
    content["chart"]["result"][0].update(changed)
    return json.dumps(content).encode()


def told(*, currency: str = "USD", **events: dict[str, Any]) -> bytes:
    """A chart answer that tells one event of each kind given, in a currency."""
    meta = json.loads(SEEDS["yahoo 1d"].body)["chart"]["result"][0]["meta"] | {"currency": currency}
    return chart(
        meta=meta, events={kind: {"1": {"date": 1655213400, **event}} for kind, event in events.items()}
    )


def pence(closes: list[float], adjusted: list[float], amount: float) -> bytes:
    """A chart answer in pence of two days with a dividend on the second, whose unit its adjusted closes tell."""
    meta = {"currency": "GBp", "exchangeTimezoneName": "Europe/London"}
    days = [1655107200, 1655193600]  # 2022-06-13 and 14, 08:00 UTC
    columns = {"quote": [{"close": closes}], "adjclose": [{"adjclose": adjusted}]}
    events = {"dividends": {"1": {"date": days[1], "amount": amount}}}
    return chart(meta=meta, timestamp=days, indicators=columns, events=events)


# What the search found: each ended a run with an exception of Python or a library.
FOUND = {
    "yahoo: a stamp beyond any integer": ("yahoo 1m", chart(timestamp=[15_400_000_000_000, 1, 2])),
    "yahoo: an infinite stamp": ("yahoo 1m", chart(timestamp=[float("inf"), 1, 2])),
    "yahoo: stamps that are a text": ("yahoo 1m", chart(timestamp="abc")),
    "yahoo: meta that is a list": ("yahoo 1d", chart(meta=[1])),
    "yahoo: a zone that is a list": ("yahoo 1d", chart(meta={"exchangeTimezoneName": []})),
    "yahoo: indicators that are a number": ("yahoo 1m", chart(indicators=7)),
    "yahoo: a quote that is a list": ("yahoo 1m", chart(indicators={"quote": [[]]})),
    "yahoo: a column that is a number": ("yahoo 1m", chart(indicators={"quote": [{"open": 7}]})),
    "yahoo: a price beyond any float": ("yahoo 1m", chart(indicators={"quote": [{"open": [10**400, 1, 1]}]})),
    "yahoo: an error whose code is a list": ("yahoo 1m", b'{"chart": {"error": {"code": []}}}'),
    "yahoo: adjusted closes whose quotient is nothing": ("yahoo 1d", pence([1e300, 1e308], [1e300, 1e-308], 0.5)),
    "yahoo: a dividend beside which its price is nothing": ("yahoo 1d", pence([1e-307, 1e-307], [0.9e-307, 1e-307], 1e14)),
    "yahoo: an error that is half a surrogate": ("yahoo 1m", b'{"chart": {"error": {"code": "Not Found", "description": "\\ud800"}}}'),
    "yahoo: an error that is a NUL": ("yahoo 1m", b'{"chart": {"error": "\\u0000"}}'),
    "yahoo: nested too deep": ("yahoo 1m", b"[" * 100_000),
    "yahoo: a currency that is half a surrogate": ("yahoo 1d", told(currency="\ud800", dividends={"amount": 0.5})),
    "yahoo: a dividend's own currency that is half a surrogate": ("yahoo 1d", told(dividends={"amount": 0.5, "currency": "\udfff"})),
    "yahoo: a ratio said with half a surrogate": ("yahoo 1d", told(splits={"numerator": 2, "denominator": 1, "splitRatio": "2:1\ud800"})),
    "yahoo: a numerator that is half a surrogate": ("yahoo 1d", told(splits={"numerator": "\ud800", "denominator": 1})),
    "nyfed: nested too deep": ("nyfed", b"[" * 100_000),
    "nyfed: half a surrogate": ("nyfed", b'{"refRates": [{"type": "SOFR\\ud800"}]}'),
    "nyfed: a type that is a list": ("nyfed", b'{"refRates": [{"type": []}]}'),
    "nyfed: a rate beyond any float": ("nyfed", json.dumps({"refRates": [{"percentRate": 10**400}]}).encode()),
    "calendar: a column of another name": ("calendar", SEEDS["calendar"].body.replace(b"time_zone", b"zone", 1)),
    "calendar: broken gzip": ("calendar", HOSTILE["broken gzip"]),
    "ecb: a zip that lacks a byte, whose parts lie before its beginning": ("ecb zip", SEEDS["ecb zip"].body[:2] + SEEDS["ecb zip"].body[3:]),
    "ecb: a zip whose only part has no name": ("ecb zip", b"\x00urofxref".join(SEEDS["ecb zip"].body.rsplit(b"eurofxref", 1))),
    "lean: a factor of ninety million digits": ("lean factors", b"19980102,0.86,0.5,1\n20140606,4E90118181,0.5,1\n"),
    "lean: a factor of ninety million zeros": ("lean factors", b"19980102,0.86,0.5,1\n20140606,4E-90118181,0.5,1\n"),
    "lean: a line before all calendars": ("lean factors", b"15980102,0.86,0.5,1\n20140606,0.9011,0.0357,645.57\n"),
    "actions: days before and after all years": ("a table of actions", b"date,ratio,amount,currency,kind\n-20-08-07,,0.4,USD,cash\n20161-02-02,2:1,,,\n0-01-02,2:1,,,\n"),
    "universe: a field that the csv module refuses": ("universe", b"a" * 140_000),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_what_the_search_has_found_stays_mended(name: str) -> None:
    seed, body = FOUND[name]
    judged(SEEDS[seed], body)


def test_a_text_without_utf_8_is_refused_by_its_row_and_not_guessed() -> None:
    seed, body = FOUND["nyfed: half a surrogate"]
    (parsed,) = PARSERS[SEEDS[seed].key](body, SEEDS[seed].request)
    assert parsed.rows.get_column("rate").to_list() == ["\x00"]
