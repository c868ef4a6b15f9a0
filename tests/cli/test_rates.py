"""findata rates: what is known, windows in arrears, and averages beside the published, with and without a database."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_resources.environment import PROJECT
from tests.cli.conftest import Run
from tests.conftest import MakePlatform
from tests.standin import StandIn
from tests.steps.folders import load, write_rates

RATES = PROJECT / "tests" / "manifests" / "rates.toml"
FRED = {
    "SOFR.csv": "DATE,SOFR\n2022-06-27,3.60\n2022-06-28,3.60\n2022-06-29,3.60\n",
    # 1.0001 a day: 1.00010000, 1.00020001
    "SOFRINDEX.csv": "observation_date,SOFRINDEX\n2022-06-27,1.00000000\n2022-06-28,1.00010000\n2022-06-29,1.00020001\n2022-06-30,\n",
}


@pytest.fixture
def fred(tmp_path: Path) -> Path:
    """FRED's files of three days."""
    for name, content in FRED.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def table(text: str) -> dict[str, list[str]]:
    """Return the lines of a printed table by their first word; of two the upper one."""
    lines = [words for words in map(str.split, text.splitlines()) if words]
    return {words[0]: words[1:] for words in reversed(lines)}


def test_files_alone_are_compared_without_a_database(
    findata: Run, fred: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINDATA_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    told = findata("rates", "averages", "--check", "--recorded", str(fred))
    assert told.exit_code == 0, told.output
    lines = table(told.stdout)
    assert lines["index"][:5] == ["3", "0", "0", "0", "0"]
    assert lines["average_30day"][:5] == ["0", "3", "0", "0", "0"]
    assert "average_30day: 3 null: the window begins before the first fixing, 2022-06-27" in told.stdout


def test_a_published_figure_that_does_not_follow_is_shown_and_fails(findata: Run, fred: Path) -> None:
    file = fred / "SOFRINDEX.csv"
    file.write_text(file.read_text().replace("1.00020001", "1.00020004"))
    told = findata("rates", "averages", "--check", "--recorded", str(fred))
    assert told.exit_code == 1
    assert table(told.stdout)["index"][:4] == ["3", "0", "0", "1"]
    assert "2022-06-29" in told.stdout
    assert "1 published figures do not follow" in told.stderr
    as_json = findata("rates", "averages", "--check", "--recorded", str(fred), "--json")
    assert {row["measure"]: row["mismatched"] for row in json.loads(as_json.stdout)}["index"] == 1


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        (
            "SOFR.csv",
            "<!DOCTYPE html>\n<html></html>\n",
            4,
            "SOFR.csv: No stamp can be read; the first is '<html>",
        ),
        ("SOFR.csv", "DATE,SOFR\n", 1, "could be compared"),
        ("SOFRINDEX.csv", "DATE,SOFRINDEX\n2022-06-27,.\n2022-06-28,N/A\n", 1, "could be compared"),
        ("SOFRINDEX.csv", "DATE,SOFRINDEX\n2022-06-27,one\n", 4, "No field of column 1 is a number"),
        ("SOFR.csv", "DATE,SOFR\nyesterday,1.5\n", 4, "No stamp can be read"),
    ],
)
def test_files_that_are_none_say_what_is_wrong_and_nothing_becomes_zero(
    findata: Run, fred: Path, name: str, content: str, code: int, words: str
) -> None:
    (fred / name).write_text(content)
    told = findata("rates", "averages", "--check", "--recorded", str(fred))
    assert told.exit_code == code, told.output
    assert words in told.stderr


def test_rows_that_are_refused_are_told_with_the_rule(findata: Run, fred: Path) -> None:
    file = fred / "SOFR.csv"
    file.write_text(file.read_text() + "2022-06-30,151\n2022-06-27,3.60,\n")
    told = findata("rates", "averages", "--check", "--recorded", str(fred))
    assert told.stdout.count("refused: SOFR.csv") >= 2
    assert table(told.stdout)["index"][3] == "0"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("averages", "--manifest", "x.toml"), "add --recorded"),
        (("averages", "--recorded", "/nowhere"), "no folder"),
        (("averages", "--json", "--csv"), "exclude each other"),
        (("show", "SOFR", "--from", "June"), "no day"),
        (("compound", "SOFR", "2022-06-27", "2022-02-30"), "no day"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_opened(
    findata: Run, arguments: tuple[str, ...], words: str
) -> None:
    told = findata("rates", *arguments)
    assert told.exit_code == 2
    assert words in told.stderr


def test_a_folder_without_the_fixings_names_a_manifest(findata: Run, fred: Path) -> None:
    (fred / "SOFR.csv").unlink()
    told = findata("rates", "averages", "--check", "--recorded", str(fred))
    assert told.exit_code == 2
    assert "--manifest" in told.stderr


def test_the_recorded_rates_of_all_sources_are_compared_in_full(findata: Run, trial_data: Path) -> None:
    told = findata(
        "rates", "averages", "--check", "--recorded", str(trial_data / "rates"), "--manifest", str(RATES)
    )
    assert told.exit_code == 0, told.output
    lines = table(told.stdout)
    for measure in ("index", "average_30day", "average_90day", "average_180day"):
        assert (lines[measure][0], lines[measure][3]) == ("708", "0")


@pytest.fixture
def rated(make_platform: MakePlatform, tmp_path: Path) -> Platform:
    """Three fixings, the last one revised a day later."""
    platform = make_platform()
    first = {"2022-05-23": 0.78, "2022-05-24": 0.78, "2022-05-25": 0.78}
    load(platform, write_rates(tmp_path / "first", "2022-05-26T12:00:00Z", first), "rates")
    load(platform, write_rates(tmp_path / "revised", "2022-05-27T12:00:00Z", {"2022-05-25": 0.80}), "rates")
    run_due(platform)
    return platform


def test_what_is_known_of_rates_is_listed_with_its_versions(findata: Run, rated: Platform) -> None:
    told = findata("rates", "list", "--csv", on=rated)
    (line,) = csv.DictReader(io.StringIO(told.stdout))
    assert (line["what"], line["rate"], line["days"], line["versions"]) == ("fixings", "SOFR", "3", "4")
    assert (line["first_date"], line["last_date"]) == ("2022-05-23", "2022-05-25")


def test_a_window_is_compounded_as_it_was_known(findata: Run, rated: Platform) -> None:
    window = ("rates", "compound", "sofr", "2022-05-23", "2022-05-26", "--json")
    (now,) = json.loads(findata(*window, on=rated).stdout)
    (then,) = json.loads(findata(*window, "--as-of", "2022-05-26 12:00Z", on=rated).stdout)
    # 1 + 0.0078/360 twice, then 1 + 0.0080/360 now, 1 + 0.0078/360 before the revision.
    assert now["factor"] == pytest.approx((1 + 0.0078 / 360) ** 2 * (1 + 0.008 / 360), abs=1e-15)
    assert then["factor"] == pytest.approx((1 + 0.0078 / 360) ** 3, abs=1e-15)
    never = findata(*window, "--as-of", "2022-05-26 11:59Z", on=rated)
    assert never.exit_code == 1
    assert "no fixing is known" in never.stderr


def test_fixings_are_shown_as_they_were_known(findata: Run, rated: Platform) -> None:
    told = findata(
        "rates", "show", "SOFR", "--from", "2022-05-25", "--as-of", "2022-05-26 12:00Z", "--json", on=rated
    )
    (row,) = json.loads(told.stdout)
    assert (row["rate_percent"], row["publish_time"]) == (0.78, None)
    assert "0.8" in findata("rates", "show", "SOFR", "--to", "2022-05-25", on=rated).stdout


def test_an_unknown_rate_names_those_that_there_are(findata: Run, rated: Platform) -> None:
    told = findata("rates", "show", "LIBOR", on=rated)
    assert told.exit_code == 2
    assert "BGCR, EFFR, OBFR, SOFR, TGCR" in told.stderr


def test_averages_of_the_sample_are_compared_from_the_database(findata: Run, loaded_sample: Platform) -> None:
    told = findata("rates", "averages", "--check", on=loaded_sample)
    assert told.exit_code == 0, told.output
    # The sample has 166 days from 2021-11-01 on; the windows of the first ones begin before it.
    assert {
        name: values[:4] for name, values in table(told.stdout).items() if name in ("index", "average_30day")
    } == {
        "index": ["166", "0", "0", "0"],
        "average_30day": ["146", "20", "0", "0"],
    }


def test_nothing_known_says_how_rates_are_got(findata: Run, make_platform: MakePlatform) -> None:
    empty = make_platform()
    assert "findata materialize --source nyfed" in findata("rates", "list", on=empty).stdout
    told = findata("rates", "averages", "--check", on=empty)
    assert told.exit_code == 1
    assert "could be compared" in told.stderr


def test_named_days_of_all_rates_are_asked_for_by_the_command(
    findata: Run, make_platform: MakePlatform
) -> None:
    with StandIn() as standin:
        fixing = {"effectiveDate": "2022-06-28", "percentRate": 1.5, "revisionIndicator": ""}
        for name in ("BGCR", "EFFR", "OBFR", "SOFR", "TGCR"):
            standin.nyfed_rates[name.lower()] = [fixing | {"type": name}]
        standin.nyfed_rates["sofrai"] = []
        platform = make_platform(nyfed_base_url=standin.base_url)
        told = findata(
            "materialize", "--source", "nyfed", "--sessions", "2022-06-27..2022-06-29", on=platform
        )
        assert told.exit_code == 0, told.output
        asked = sorted(standin.paths)
    window = "search.json?startDate=2022-06-27&endDate=2022-06-29"
    assert asked == [
        *(f"/api/rates/secured/{name}/{window}" for name in ("bgcr", "sofr", "sofrai", "tgcr")),
        *(f"/api/rates/unsecured/{name}/{window}" for name in ("effr", "obfr")),
    ]
    known = csv.DictReader(io.StringIO(findata("rates", "list", "--csv", on=platform).stdout))
    assert [(line["rate"], line["source"], line["days"]) for line in known] == [
        (name, "nyfed", "1") for name in ("BGCR", "EFFR", "OBFR", "SOFR", "TGCR")
    ]
