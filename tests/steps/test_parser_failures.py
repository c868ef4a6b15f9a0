"""A parser that crashes: the body is kept, answers beside it are stored, and what was read before is not emptied."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest
from polars.exceptions import PanicException

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.entries import Intake
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.parsed import ParsedPayloads
from findata_assets.steps.platform import Platform
from findata_assets.steps.proof import rebuild, verify
from findata_assets.steps.receiving import receive_all
from findata_assets.steps.sources import recorded_answers, refresh_reference
from findata_core.errors import ParserFailed
from findata_core.schema.tables import table
from findata_resources.provider import Parsed, Received
from findata_resources.providers import PARSERS, recorded
from tests.steps.folders import at, flat, minutes_from, take_in, write_folder

BARS = table("market.bars")
READ, UNREAD = "2022-05-19 13:30", "2022-05-20 13:30"  # 09:30 in New York


@pytest.fixture
def ready(platform: Platform) -> Platform:
    refresh_reference(platform)
    return platform


def answer_of(platform: Platform, folder: Path, opening: str, close: float) -> Received:
    written = write_folder(folder, "2022-06-01T12:00:00Z", minutes_from(at(opening), [flat(close)]))
    (answer,) = recorded_answers(platform, written, None, "bars")
    return answer


def crash_on(monkeypatch: pytest.MonkeyPatch, part: bytes, error: BaseException) -> None:
    """Let the parser of recorded bars end with an error where a body has a part."""

    def parse(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
        if part in body:
            raise error
        return recorded.parse_bars(body, request)

    monkeypatch.setitem(cast("dict[Any, Any]", PARSERS), ("recorded", "bars"), parse)


def closes(platform: Platform) -> list[float]:
    return platform.store.read(BARS).sort("event_time").get_column("close").to_list()


def test_the_body_is_kept_with_the_reason_and_the_answers_beside_it_are_stored(
    ready: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = answer_of(ready, tmp_path / "a", READ, 10), answer_of(ready, tmp_path / "b", UNREAD, 20)
    crash_on(monkeypatch, b"2022-05-20", TypeError("no list: '\ud800'"))

    with caplog.at_level(logging.ERROR, "findata"):
        intakes = receive_all(ready, [bad, good])
    run_due(ready)

    assert intakes == [
        Intake(payloads_new=1, rows_answered=1, rows_refused=1),
        Intake(payloads_new=1, rows_answered=2),  # a bar, and its instrument
    ]
    assert closes(ready) == [10]
    (refused,) = ready.store.read(table("ops.quarantine")).to_dicts()
    assert (refused["table_name"], refused["rule"], refused["row_number"]) == (
        "market.bars",
        "parser_failed",
        -1,
    )
    assert (
        "The parser of bars of recorded failed: TypeError(\"no list: '\\ud800'\"). Next: Report it"
        in (refused["reason"])
    )
    (kept,) = ready.store.read(table("ops.payloads")).filter(pl.col("payload_id") == refused["payload_id"])[
        "object_key"
    ]
    assert ready.raw.body({"object_key": kept, "sha256": _sha256(ready, refused["payload_id"])}) == bad.body
    (logged,) = caplog.records
    assert f"{refused['payload_id']:016x} is kept unread" in logged.getMessage()
    assert "in parse\n" in logged.getMessage()  # where it came from
    assert "TypeError: no list: '?'" in logged.getMessage()  # whatever it quotes can be printed and stored


def _sha256(platform: Platform, payload_id: int) -> str:
    payloads = platform.store.read(table("ops.payloads"))
    return str(payloads.filter(pl.col("payload_id") == payload_id).item(0, "sha256"))


def test_a_proof_expects_no_more_of_it_and_a_rebuild_reads_it_once_the_parser_is_mended(
    ready: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [answer_of(ready, tmp_path / "a", READ, 10), answer_of(ready, tmp_path / "b", UNREAD, 20)]
    crash_on(monkeypatch, b"2022-05-20", TypeError("no list"))
    receive_all(ready, answers)
    run_due(ready)

    assert verify(ready, lambda _: None).is_equal

    monkeypatch.undo()
    rebuild(ready, lambda _: None)
    assert closes(ready) == [10, 20]


def test_where_a_parser_fails_on_what_was_read_before_nothing_that_is_stored_is_emptied(
    ready: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive_all(ready, [answer_of(ready, tmp_path / "a", READ, 10)])
    run_due(ready)
    late = write_folder(tmp_path / "late", "2022-05-30T12:00:00Z", minutes_from(at(READ), [flat(11)]))
    take_in(ready, late)  # older than what was folded: the session is due, of both payloads
    ready.parsed = ParsedPayloads(ready._body)  # as in another process
    crash_on(monkeypatch, b",10", TypeError("a mistake of the new version"))

    with pytest.raises(ParserFailed, match="a mistake of the new version"):
        fold_facts(ready, "market.bars")
    found = rebuild(ready, lambda _: None).differences

    assert closes(ready) == [10]
    named = found.filter(where="raw").select("table_name", "subject", "scope_date").rows()
    assert ("market.bars", "MSFT.XNAS", date(2022, 5, 19)) in named
    assert ready.store.read(table("ops.quarantine")).is_empty()


@pytest.mark.parametrize("error", [MemoryError("no room"), OSError(24, "Too many open files")])
def test_what_is_the_machines_fault_is_no_property_of_the_payload(
    ready: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    answer = answer_of(ready, tmp_path / "a", READ, 10)
    crash_on(monkeypatch, b"2022", error)
    with pytest.raises(type(error)):
        receive_all(ready, [answer])
    monkeypatch.undo()

    receive_all(ready, [answer])
    run_due(ready)

    assert closes(ready) == [10]
    assert ready.store.read(table("ops.quarantine")).is_empty()


def test_a_panic_of_polars_is_a_crash_like_any_other(
    ready: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = answer_of(ready, tmp_path / "a", READ, 10)
    crash_on(monkeypatch, b"2022", PanicException("index out of bounds"))

    receive_all(ready, [answer])

    (refused,) = ready.store.read(table("ops.quarantine")).to_dicts()
    assert refused["rule"] == "parser_failed"
    assert "index out of bounds" in refused["reason"]
