"""Every recorded answer of FRED, of two hundred calls by somebody else's client: read whole, or refused with the reason."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from findata_core.errors import RefusedRequest
from findata_resources.providers.fred import FredProvider
from findata_resources.providers.fred_answers import parse_observations, parse_series, series_request
from tests.orchestration import SetClock
from tests.standin import JSON_TYPE, Answer, StandIn


@dataclass(frozen=True)
class Recorded:
    """A recorded answer: where it was asked below /fred/, its status and body."""

    path: str
    status: int
    body: bytes


@pytest.fixture(scope="module")
def answers(trial_data: Path) -> list[Recorded]:
    return list(_answers(trial_data / "payloads" / "openbb_fred-2.0.0-sdist"))


def _answers(folder: Path) -> Iterator[Recorded]:
    for path in sorted(folder.glob("*.yaml")):
        for item in yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)["interactions"]:
            body = item["response"]["body"]["string"]
            raw = body.encode() if isinstance(body, str) else body
            text = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
            asked = item["request"]["uri"].partition("/fred/")[2].partition("?")[0]
            yield Recorded(asked, item["response"]["status"]["code"], text)


def test_each_value_is_the_recorded_one_and_each_dot_is_missing(answers: list[Recorded]) -> None:
    read = missing = 0
    for answer in answers:
        if answer.path != "series/observations" or answer.status != 200:
            continue
        (parsed,) = parse_observations(answer.body, series_request("ANY").to_dict())
        said = {item["date"]: item["value"] for item in json.loads(answer.body)["observations"]}
        found = {
            str(day): "." if state == "missing" else value
            for day, state, value in parsed.rows.select("observation_date", "state", "value").iter_rows()
        }
        assert found == {day: value if value == "." else float(value) for day, value in said.items()}
        assert set(parsed.rows.get_column("vintage_kind")) <= {"seen"}, (
            "asked without a window: it may be older"
        )
        read, missing = read + len(said), missing + sum(value == "." for value in said.values())
    assert read > 100_000
    assert missing > 5_000


def test_what_a_series_is_is_read_with_all_its_columns(answers: list[Recorded]) -> None:
    found = [
        parse_series(answer.body, series_request("ANY").to_dict())[0].rows
        for answer in answers
        if answer.path == "series" and answer.status == 200
    ]
    assert len(found) > 60
    needed = ("series_id", "name", "unit", "frequency", "seasonal_adjustment", "updated_time")
    assert [
        rows.get_column(name).null_count()
        for rows in found
        for name in needed
        if rows.get_column(name).null_count()
    ] == []


def test_each_error_body_is_a_refusal_in_freds_words(answers: list[Recorded]) -> None:
    errors = [answer for answer in answers if answer.status == 400]
    clock = SetClock(datetime(2024, 6, 27, tzinfo=UTC))
    with StandIn() as standin:
        provider = FredProvider(SecretStr("k" * 32), f"{standin.base_url}/fred")
        for answer in errors:
            standin.script = [Answer(400, answer.body, JSON_TYPE)]
            with pytest.raises(RefusedRequest, match="The series does not exist") as told:
                provider.fetch(series_request("NONE"), clock)
            assert told.value.http_status == 400
    assert len(errors) == 26
