"""The New York Fed: recorded answers, windows over loopback, and bodies that are no answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from findata_core.errors import MalformedPayload, RefusedRequest, RetriableProviderError
from findata_resources.provider import Parsed, row_schema
from findata_resources.providers import parse_payload
from findata_resources.providers.http_answers import retry_after_seconds
from findata_resources.providers.nyfed import NewYorkFedProvider, rates_request
from tests.standin import (
    RATES,
    SLOWER_THAN_ANYBODY_WAITS,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    Answer,
    StandIn,
    patience_for,
)

NOW = datetime(2024, 6, 7, 13, 0, tzinfo=UTC)
YEAR_SECONDS = 31_622_400.0  # 366 days
REQUEST = rates_request("SOFR", date(2024, 6, 1), date(2024, 6, 7))


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(now=NOW) as server:
        yield server


def parsed(content: Any, rate_type: str = "SOFR") -> list[Parsed]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    request = rates_request(rate_type, date(2024, 6, 1), date(2024, 6, 7))
    return parse_payload(body, json.loads(request.to_json()))


def rates(content: Any) -> pl.DataFrame:
    (one,) = parsed(content)
    assert one.table == "rates.rates"
    return one.rows


def test_a_recorded_answer_gives_every_field(trial_data: Path) -> None:
    path = trial_data / "payloads/OpenBB/federal_reserve__sofr_2024-06-01_2024-06-06.body.json"
    rows = rates(path.read_bytes())
    # The body's own text, newest first.
    assert rows["observation_date"].to_list() == [date(2024, 6, day) for day in (6, 5, 4, 3)]
    assert rows["rate_percent"].to_list() == [5.33, 5.33, 5.33, 5.35]
    assert rows["percentile_1_percent"].to_list() == [5.29, 5.30, 5.29, 5.29]
    assert rows["percentile_25_percent"].to_list() == [5.32] * 4
    assert rows["percentile_75_percent"].to_list() == [5.40, 5.39, 5.40, 5.40]
    assert rows["percentile_99_percent"].to_list() == [5.44, 5.43, 5.44, 5.44]
    assert rows["volume_billions_usd"].to_list() == [2008.0, 1989.0, 2092.0, 1912.0]
    assert rows["revision_indicator"].to_list() == [""] * 4
    assert rows["footnote_id"].null_count() == rows["publish_time"].null_count() == 4
    assert rows["row_number"].to_list() == [0, 1, 2, 3]


def test_rows_have_the_tables_columns(trial_data: Path) -> None:
    path = trial_data / "rates/siddharthqs-RustyQLib/nyfed_sofr.json"
    rows = rates(path.read_bytes())
    assert dict(rows.schema) == {"row_number": pl.Int64(), **row_schema("rates.rates")}
    assert rows.select("rate", "source", "observation_date", "rate_percent").rows() == [
        ("SOFR", "nyfed", date(2026, 8, 5), 3.64),
        ("SOFR", "nyfed", date(2026, 8, 4), 3.66),
    ]


def test_the_target_range_of_effr_is_kept(trial_data: Path) -> None:
    rows = rates((trial_data / "rates/siddharthqs-RustyQLib/nyfed_effr.json").read_bytes())
    assert rows.select("rate", "target_from_percent", "target_to_percent").row(0) == ("EFFR", 3.5, 3.75)


def test_averages_and_index_go_to_their_own_table() -> None:
    # The shape of the API's SOFRAI; the figures are those published for 2022-06-30 (FRED's SOFR30DAYAVG,
    # SOFR90DAYAVG, SOFR180DAYAVG, SOFRINDEX), as findata_resources/sample/sofr_published.csv has them.
    item = {
        "effectiveDate": "2022-06-30",
        "type": "SOFRAI",
        "average30day": 1.08879,
        "average90day": "0.6987",
        "average180day": 0.39371,
        "index": 1.04443427,
        "revisionIndicator": "",
    }
    (one,) = parsed({"refRates": [item]}, "SOFRAI")
    assert one.table == "rates.published_averages"
    assert one.rows.row(0, named=True) == {
        "row_number": 0,
        "rate": "SOFR",
        "source": "nyfed",
        "observation_date": date(2022, 6, 30),
        "average_30day_percent": 1.08879,
        "average_90day_percent": 0.6987,
        "average_180day_percent": 0.39371,
        "index_value": 1.04443427,
        "revision_indicator": "",
    }


def test_revisions_and_footnotes_are_kept_as_text() -> None:
    item = {"effectiveDate": "2019-09-17", "type": "SOFR", "percentRate": 5.25}
    rows = rates({"refRates": [item | {"revisionIndicator": "[R]", "footnoteId": 2}, item]})
    assert rows.select("revision_indicator", "footnote_id").rows() == [("[R]", "2"), (None, None)]


@pytest.mark.parametrize(
    ("written", "read"), [("5.25", 5.25), (5, 5.0), ("NA", None), ("", None), (None, None)]
)
def test_numbers_may_be_written_as_text(written: Any, read: float | None) -> None:
    item = {"effectiveDate": "2019-09-17", "type": "SOFR", "percentRate": written}
    assert rates({"refRates": [item]})["rate_percent"].to_list() == [read]


@pytest.mark.parametrize("written", ["17.09.2019", "", None, 20190917])
def test_a_day_that_can_not_be_read_is_null(written: Any) -> None:
    item = {"effectiveDate": written, "type": "SOFR", "percentRate": 5.25}
    assert rates({"refRates": [item]})["observation_date"].to_list() == [None]


def test_a_window_without_fixings_has_no_rows() -> None:
    assert rates({"refRates": []}).height == 0


@pytest.mark.parametrize(
    "body", [b"", b'{"refRates": [', b"<html></html>", b"[]", b'{"refRates": {}}', b'{"refRates": [1]}']
)
def test_a_body_that_can_not_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPayload, match=r"Next: .+"):
        parsed(body)


def test_the_window_is_asked_without_its_end(standin: StandIn) -> None:
    standin.nyfed_rates["sofr"] = [
        {"effectiveDate": f"2024-06-{day:02}", "type": "SOFR", "percentRate": 5.33} for day in (3, 4, 5, 6, 7)
    ]
    received = NewYorkFedProvider(standin.base_url).fetch(REQUEST, FixedClock())
    assert standin.paths == [f"{RATES}secured/sofr/search.json?startDate=2024-06-01&endDate=2024-06-06"]
    assert rates(received.body)["observation_date"].to_list() == [date(2024, 6, day) for day in (6, 5, 4, 3)]
    assert (received.http_status, received.received_time) == (200, NOW)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (TOO_MANY_REQUESTS, RetriableProviderError),
        (UNAVAILABLE, RetriableProviderError),
        (Answer(200, b'{"refRates": []}' + b" " * 100, kept_bytes=10), RetriableProviderError),
        (SLOWER_THAN_ANYBODY_WAITS, RetriableProviderError),
        (Answer(400, b"Bad Request"), RefusedRequest),
        (Answer(404, b"<html></html>"), RefusedRequest),
    ],
)
def test_what_is_no_answer_says_what_to_do(standin: StandIn, answer: Answer, error: type[Exception]) -> None:
    standin.script = [answer]
    with pytest.raises(error, match=r"Next: .+"):
        NewYorkFedProvider(standin.base_url, patience_for(answer)).fetch(REQUEST, FixedClock())
    assert standin.count() == 1


def test_nobody_listening_is_retriable() -> None:
    with StandIn() as gone:
        base_url = gone.base_url
    with pytest.raises(RetriableProviderError):
        NewYorkFedProvider(base_url).fetch(REQUEST, FixedClock())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("60", 60.0),
        ("Fri, 07 Jun 2024 13:00:30 GMT", 30.0),
        ("Fri, 07 Jun 2024 12:00:00 GMT", 0.0),
        ("soon", None),
        ("\u00b2", None),  # a superscript two: a digit, and no number
        ("9" * 400, YEAR_SECONDS),  # no float holds it
        ("Fri, 31 Dec 9999 23:59:59 GMT", YEAR_SECONDS),
        ("Thu, 30 Jun 99999999999999999999999 13:00:07 GMT", None),
        ("Thu, 30 Jun 2022 13:00:07 +99999999999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(standin: StandIn, value: str, seconds: float | None) -> None:
    standin.script = [Answer(429, b"", {"Retry-After": value})]
    with pytest.raises(RetriableProviderError) as raised:
        NewYorkFedProvider(standin.base_url).fetch(REQUEST, FixedClock())
    assert raised.value.retry_after_seconds == seconds


@example("\u0663")  # an Arabic-Indic three
@given(st.text(st.characters(exclude_categories=["Cs"])) | st.from_regex(r"[\w, :+-]{0,40}"))
def test_whatever_retry_after_says_it_is_a_time_that_a_clock_can_add(value: str) -> None:
    seconds = retry_after_seconds({"Retry-After": value}, FixedClock().now())
    assert seconds is None or 0 <= seconds <= YEAR_SECONDS


def test_an_unknown_rate_is_refused() -> None:
    with pytest.raises(RefusedRequest, match="SOFR"):
        rates_request("LIBOR", date(2024, 6, 1), date(2024, 6, 7))


def test_the_averages_are_about_the_rate_that_they_average() -> None:
    assert rates_request("SOFRAI", date(2024, 6, 1), date(2024, 6, 7)).subject == "SOFR"
