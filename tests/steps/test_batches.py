"""Payloads taken in together are what they are one by one; what is said again is neither read nor due again."""

import json
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.entries import Intake
from findata_assets.steps.parsed import ParsedPayloads
from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import receive, receive_all
from findata_assets.steps.sources import recorded_answers, refresh_reference
from findata_core.errors import ConfigurationError
from findata_core.schema.tables import table
from findata_resources.provider import Received, Request
from findata_resources.stores.due import due_scopes
from findata_resources.stores.raw import Payload, receipt
from tests.conftest import MakePlatform
from tests.steps.folders import at, flat, minutes_from, take_in, write_folder

OPEN = at("2022-05-19 13:30")
COMPARED = ("market.bars", "ops.quarantine", "ops.payload_scopes", "reference.instruments")


def folders(path: Path) -> list[Path]:
    """Good minutes, the same again, some that break a rule or have no scope, and none that can be read."""
    good = minutes_from(OPEN, [flat(10), flat(11)])
    bad = {"2022-05-19 13:31:00+00:00": (10, 9, 8, 10, 5), "2022-05-21 13:30:00+00:00": flat(10)}
    broken = write_folder(path / "broken", "2022-06-01T15:00:00Z", good)
    (broken / "MSFT_broken.csv").write_text("date,open,high,low,close,volume\nnever,1,1,1,1,1\n")
    return [
        write_folder(path / "good", "2022-06-01T12:00:00Z", good),
        write_folder(path / "again", "2022-06-01T13:00:00Z", good),
        write_folder(path / "bad", "2022-06-01T14:00:00Z", {**good, **bad}),
        broken,
    ]


def answers_of(platform: Platform, paths: list[Path]) -> list[Received]:
    return [answer for path in paths for answer in recorded_answers(platform, path, None, "bars")]


def test_payloads_taken_in_together_are_what_they_are_one_by_one(
    make_platform: MakePlatform, tmp_path: Path
) -> None:
    together, alone = make_platform(), make_platform()
    for platform in (together, alone):
        refresh_reference(platform)

    intakes = receive_all(together, answers_of(together, folders(tmp_path)))
    one_by_one = [receive(alone, answer) for answer in answers_of(alone, folders(tmp_path))]
    for platform in (together, alone):
        run_due(platform)

    # Two minutes and an instrument; the same; one of the minutes below its open, one on a Saturday; nothing.
    answered = [Intake(1, 0, 3), Intake(1, 0, 3), Intake(1, 0, 4, 2), Intake(1, 0, 1, 1)]
    assert intakes == one_by_one == answered
    for name in COMPARED:
        target = table(name)
        ours, theirs = (platform.store.read(target) for platform in (together, alone))
        if name in {"ops.payload_scopes", "reference.instruments"}:
            # the universe file is received at another moment on each platform
            known = {receipt(answer)["payload_id"] for answer in answers_of(together, folders(tmp_path))}
            ours, theirs = (rows.filter(pl.col("payload_id").is_in(known)) for rows in (ours, theirs))
        assert ours.equals(theirs), name


def test_an_instrument_that_is_named_again_is_not_due_again(platform: Platform, tmp_path: Path) -> None:
    refresh_reference(platform)
    first = write_folder(tmp_path / "first", "2022-06-01T12:00:00Z", minutes_from(OPEN, [flat(10)]))
    second = write_folder(tmp_path / "second", "2022-06-02T12:00:00Z", minutes_from(OPEN, [flat(11)]))
    take_in(platform, first)
    run_due(platform)

    take_in(platform, second)

    assert due_scopes(platform.store.database, "reference.instruments").is_empty()
    assert not due_scopes(platform.store.database, "market.bars").is_empty()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_returns_after_something_else_was_said_is_a_version_in_any_order(
    make_platform: MakePlatform, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """In dollars, in cents, in dollars again: three versions, whatever comes in first."""
    platform = make_platform()
    refresh_reference(platform)
    made = []
    for number, currency in enumerate(("USD", "GBP", "USD")):
        folder = write_folder(
            tmp_path / str(number), f"2022-06-0{number + 1}T12:00:00Z", minutes_from(OPEN, [flat(10)]), "NEW"
        )
        manifest = (folder / "recorded.toml").read_text()
        (folder / "recorded.toml").write_text(
            manifest.replace('mic = "XNAS"', f'mic = "XNAS"\ncurrency = "{currency}"')
        )
        made.append(folder)

    for number in order:
        take_in(platform, made[number])
        run_due(platform)

    target = table("reference.instruments")
    history = platform.store.read(target.history()).filter(instrument_id="NEW.XNAS").sort("ingest_time")
    current = platform.store.read(target).filter(instrument_id="NEW.XNAS")
    assert history["currency"].to_list() == ["USD", "GBP"]
    assert current["currency"].to_list() == ["USD"]
    assert current["ingest_time"].to_list() == [datetime(2022, 6, 3, 12, tzinfo=UTC)]


class Bodies:
    """Bodies by payload, and how often each was read."""

    def __init__(self, rows: dict[int, int]) -> None:
        self.rows = rows
        self.read: list[int] = []

    def __call__(self, payload: Payload) -> bytes:
        self.read.append(payload["payload_id"])
        return universe_of(self.rows[payload["payload_id"]])


def universe_of(instruments: int) -> bytes:
    """A universe file of so many instruments; each is a row of two tables."""
    lines = [f"I{number}.XNAS,XNAS,USD,1,I{number}" for number in range(instruments)]
    return "\n".join(["instrument_id,mic,currency,price_units,yahoo", *lines, ""]).encode()


def payload(payload_id: int) -> dict[str, Any]:
    request = Request("findata", "findata", "universe", "universe")
    return {"payload_id": payload_id, "request": json.dumps(request.to_dict())}


def test_a_payload_is_parsed_once_while_there_is_room() -> None:
    bodies = Bodies({1: 3, 2: 3, 3: 3})
    parsed = ParsedPayloads(bodies, room_rows=12)  # two of three payloads of 6 rows

    for payload_id in (1, 2, 1, 3, 1, 2):
        assert parsed.of(payload(payload_id))[0].rows.height == 3

    assert bodies.read == [1, 2, 3, 2]  # the one asked for last stays


def test_a_payload_larger_than_the_room_is_kept_until_the_next() -> None:
    bodies = Bodies({1: 50, 2: 1})
    parsed = ParsedPayloads(bodies, room_rows=10)

    for payload_id in (1, 1, 2, 2, 1):
        parsed.of(payload(payload_id))

    assert bodies.read == [1, 2, 1]


def test_a_body_that_is_handed_over_is_not_read_and_takes_the_place_of_what_was_kept() -> None:
    bodies = Bodies({1: 3})
    parsed = ParsedPayloads(bodies)
    parsed.of(payload(1))

    parsed.hand_over(payload(1), universe_of(5))

    assert parsed.of(payload(1))[0].rows.height == 5
    assert bodies.read == [1]


def test_what_can_not_be_parsed_says_so_each_time() -> None:
    parsed = ParsedPayloads(lambda _: b"\xff\xfe")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="not UTF-8"):
            parsed.of(payload(1))
