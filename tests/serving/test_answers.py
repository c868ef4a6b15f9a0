"""The forms of an answer say the same, how long it may be kept is true, and compressed it is what it was."""

from __future__ import annotations

import gzip
import io
from typing import Any

import httpx
import polars as pl
import pyarrow as pa
import pytest
import zstandard
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from findata_core.schema.rows import message_class
from findata_serving import formats

WINDOW = {"interval": "1h", "start": "2022-05-23", "end": "2022-06-04"}
CANDLES = "/v1/instruments/MSFT.XNAS/candles"


def asked(client: httpx.Client, **more: Any) -> httpx.Response:
    answer = client.get(CANDLES, params={**WINDOW, **more})
    assert answer.status_code == 200
    return answer


def test_rows_are_read_by_protobufs_own_parser_and_are_the_columns(client: httpx.Client) -> None:
    rows = asked(client).json()["rows"]
    columns = asked(client, format="columns").json()["columns"]
    kind: Any = message_class("findata.reader.v1.Candle")

    assert (
        len(rows) == len(columns["open"]) == 63
    )  # nine sessions of seven candles: 2022-05-30 was Memorial Day
    for place, row in enumerate(rows):
        settled = row.pop("isSettled")
        message = json_format.ParseDict(row, kind())
        assert settled is columns["is_settled"][place]
        assert message.volume == columns["volume"][place]
        assert message.event_time.ToMicroseconds() == columns["event_time"][place]
        assert message.close == columns["close"][place]
        again = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
        assert again == row


def test_csv_and_arrow_hold_the_same_rows(client: httpx.Client) -> None:
    columns = asked(client, format="columns").json()["columns"]
    lines = pl.read_csv(io.BytesIO(asked(client, format="csv").content), try_parse_dates=True)
    table = pa.ipc.open_stream(asked(client, format="arrow").content).read_all()

    for found in (lines, pl.DataFrame(pl.from_arrow(table))):
        assert found.columns == list(columns)
        assert found["close"].to_list() == columns["close"]
        assert found["event_time"].dt.epoch("us").to_list() == columns["event_time"]
        assert found["session_date"].cast(pl.String).to_list() == columns["session_date"]
    assert str(table.schema.field("event_time").type) == "timestamp[us, tz=UTC]"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/csv", "text/csv"),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
        ("text/html, application/vnd.findata.columns+json;q=0.9", "application/vnd.findata.columns+json"),
        ("text/csv;q=0.1, application/json", "application/json"),
        ("*/*", "application/json"),
    ],
)
def test_the_accept_header_chooses_the_form(client: httpx.Client, accept: str, media_type: str) -> None:
    answer = client.get(CANDLES, params=WINDOW, headers={"Accept": accept})
    assert answer.headers["content-type"] == media_type


def test_a_form_that_is_not_written_is_refused(client: httpx.Client) -> None:
    answer = client.get(CANDLES, params=WINDOW, headers={"Accept": "application/pdf"})
    assert answer.status_code == 406


@given(st.integers(-2_208_988_800_000_000, 7_258_118_400_000_000))
def test_instants_are_written_as_protobuf_writes_them(microseconds: int) -> None:
    stamp = Timestamp()
    stamp.FromMicroseconds(microseconds)
    assert formats.instant_text(microseconds) == stamp.ToJsonString()


def test_who_has_the_answer_is_not_sent_it_again(client: httpx.Client) -> None:
    first = asked(client)
    again = client.get(CANDLES, params=WINDOW, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})

    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]
    assert asked(client, format="columns").headers["etag"] != first.headers["etag"]


def test_a_window_that_is_settled_and_long_past_is_kept_and_an_open_one_is_asked_for_again(
    client: httpx.Client,
) -> None:
    assert "immutable" in asked(client).headers["cache-control"]
    open_ended = client.get(CANDLES, params={"interval": "1h"})
    assert open_ended.headers["cache-control"] == "private, no-cache"
    known = asked(client, as_of="2022-07-01T00:00:00Z")
    assert known.headers["cache-control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_compressed_answers_are_what_they_were_and_have_an_etag_of_their_own(
    client: httpx.Client, encoding: str
) -> None:
    plain = client.get(CANDLES, params=WINDOW, headers={"Accept-Encoding": "identity"})
    with client.stream("GET", CANDLES, params=WINDOW, headers={"Accept-Encoding": encoding}) as answer:
        sent = b"".join(answer.iter_raw())

    assert answer.headers["content-encoding"] == encoding
    assert (zstandard.decompress(sent) if encoding == "zstd" else gzip.decompress(sent)) == plain.content
    assert answer.headers["etag"] != plain.headers["etag"]
    assert "content-encoding" not in plain.headers


def test_asked_three_times_the_answer_is_the_same(client: httpx.Client) -> None:
    """The first time remembers, the second keeps, the third is given what was kept."""
    answers = [asked(client, limit=9, format="columns") for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1


def test_a_page_that_others_follow_says_where_in_a_header_too(client: httpx.Client) -> None:
    answer = asked(client, limit=5, format="csv")
    following = answer.links["next"]["url"]
    assert client.get(following).text.splitlines()[1] > answer.text.splitlines()[-1]
