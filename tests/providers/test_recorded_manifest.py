"""Manifests: what is refused and in which words, and which files they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from findata_core.errors import ConfigurationError
from findata_resources.providers.recorded_files import NOT_NAMED, expand, survey
from findata_resources.providers.recorded_manifest import load_manifest

GOOD = """
[[set]]
name = "one"
files = "*.csv"
dataset = "bars"
source = "here"
interval = "1m"
adjustment = "raw"
received = 2024-02-01T00:00:00Z

[set.instrument]
path_pattern = '^(?P<symbol>[A-Z]+)\\.csv$'
mic = "XNAS"

[set.time]
column = "time"
label = "start"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("AAPL.csv", "MSFT.csv", "notes.txt"):
        (folder / name).write_text("")
    return folder


def write(folder: Path, text: str) -> Path:
    path = folder / "recorded.toml"
    path.write_text(text)
    return path


def test_files_become_requests_and_the_rest_is_named(folder: Path) -> None:
    path = write(folder, GOOD)
    result = survey(folder, load_manifest(path), path)
    assert [(file.name, request.subject) for file, request in result.requests] == [
        ("AAPL.csv", "AAPL.XNAS"),
        ("MSFT.csv", "MSFT.XNAS"),
    ]
    assert [(item.path, item.reason) for item in result.skipped] == [("notes.txt", NOT_NAMED)]


def test_a_request_says_all_that_reading_needs(folder: Path) -> None:
    _, request = next(expand(folder, load_manifest(write(folder, GOOD))))
    stored = json.loads(request.to_json())
    assert (stored["provider"], stored["source"], stored["dataset"]) == ("recorded", "here", "bars")
    assert stored["parameters"]["file"] == "AAPL.csv"
    assert stored["parameters"]["received_time"] == "2024-02-01T00:00:00+00:00"
    assert stored["parameters"]["reading"]["time"]["column"] == "time"
    assert stored["parameters"]["instruments"]["fixed"]["currency"] == "USD"
    assert str(folder) not in request.to_json()


def test_files_left_out_carry_their_reason(folder: Path) -> None:
    skipping = GOOD.replace("received", 'skip = [{ files = "M*", reason = "broken" }]\nreceived', 1)
    text = skipping + '\n[[skip]]\nfiles = "*.txt"\nreason = "not data"\n'
    result = survey(folder, load_manifest(write(folder, text)), folder / "recorded.toml")
    assert [file.name for file, _ in result.requests] == ["AAPL.csv"]
    assert [(item.path, item.reason) for item in result.skipped] == [
        ("MSFT.csv", "broken"),
        ("notes.txt", "not data"),
    ]


def test_a_file_in_two_sets_is_refused_unless_it_is_meant(folder: Path) -> None:
    other = GOOD.replace('"one"', '"two"').replace('"*.csv"', '"M*.csv"')
    with pytest.raises(ConfigurationError, match=r"MSFT\.csv is in the sets 'one' and 'two'"):
        survey(folder, load_manifest(write(folder, GOOD + other)))
    meant = other.replace("received", 'overlaps = ["one"]\nreceived')
    result = survey(folder, load_manifest(write(folder, GOOD + meant)))
    assert [file.name for file, _ in result.requests] == ["AAPL.csv", "MSFT.csv", "MSFT.csv"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"*.csv"', '"*.parquet"', "no file of .* matches '\\*.parquet'"),
        ("[A-Z]+", "[a-z]+", "path_pattern .* does not fit AAPL.csv"),
        ('mic = "XNAS"', "", "does not say where 'AAPL' trades"),
        ('"XNAS"', '"XNAX"', "XNAX"),
    ],
)
def test_a_manifest_that_does_not_fit_the_folder_is_refused(
    folder: Path, old: str, new: str, words: str
) -> None:
    manifest = load_manifest(write(folder, GOOD.replace(old, new)))
    with pytest.raises(ConfigurationError, match=f"{words}.*Next: .+"):
        survey(folder, manifest)


def test_a_file_outside_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "TSLA.csv").write_text("")
    (folder / "TSLA.csv").symlink_to(tmp_path / "TSLA.csv")
    with pytest.raises(ConfigurationError, match="leads outside"):
        survey(folder, load_manifest(write(folder, GOOD)))


def test_a_folder_that_is_none_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no folder"):
        survey(tmp_path / "nowhere", load_manifest(write(folder, GOOD)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('dataset = "bars"', 'dataset = "bars"\nadjusted = true', "set.#1.adjusted: this key is unknown"),
        ('source = "here"', "", "set.#1.source: this key is missing"),
        ("2024-02-01T00:00:00Z", "2024-02-01T00:00:00", "set.#1.received: .*timezone"),
        ('"bars"', '"quotes"', "set.#1.dataset: .*'bars', 'fx', .*'series' or 'vintages'"),
        ('"1m"', '"7m"', "set.#1.interval"),
        ('"raw"', '"adjusted"', "set.#1.adjustment"),
        ('interval = "1m"', "", "needs interval"),
        ('label = "start"', "", "'start' or its 'end'"),
        ('label = "start"', 'label = "start"\nzone = "New York"', "'New York' is no IANA time zone"),
        ('label = "start"', 'label = "start"\nepoch = "s"\nformat = "%Y"', "at most one of format, epoch"),
        ('label = "start"', 'label = "start"\ndate_column = "day"', "either column, or date_column"),
        ('column = "time"', "", "give column, or a date"),
        ('column = "time"', 'column = "time"\nsince_midnight = "ms"', "since_midnight needs"),
        ("(?P<symbol>[A-Z]+)", "([A-Z]+)", "needs a group .\\?P<symbol>"),
        ("(?P<symbol>[A-Z]+)", "(?P<symbol>[A-Z]+", "not a regular expression"),
        ('mic = "XNAS"', 'mic = "XNAS"\ncolumn = "ticker"', "exactly one of path_pattern, column and symbol"),
        ('mic = "XNAS"', 'mic = "Nasdaq"', "set.#1.instrument.mic"),
        ('"*.csv"', '"../*.csv"', "below the folder"),
        ('"*.csv"', '"/etc/*.csv"', "below the folder"),
        ('"*.csv"', "[]", "set.#1.files"),
        ("received", 'overlaps = ["three"]\nreceived', "three, which is no set's name"),
        ("[set.time]", '[set.columns]\nprice = "p"\n\n[set.time]', "columns price unknown; known are open"),
        ("[set.time]", '[set.layout]\nheader = "none"\n\n[set.time]', "by its position"),
        ("[set.time]", '[set.layout]\nencoding = "utf-9"\n\n[set.time]', "no text encoding"),
        ("[set.time]", '[set.values]\nthousands = "."\n\n[set.time]', "can't be the same mark"),
        ("[set.time]", "[set.values]\nprice_divisor = 0\n\n[set.time]", "set.#1.values.price_divisor"),
        ("[[set]]", "[[sets]]", "sets: this key is unknown"),
        ("[[set]]", "[[set]", "is not TOML"),
    ],
)
def test_a_mistake_in_a_manifest_is_named_with_its_place(
    folder: Path, old: str, new: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"(?s){words}.*Next: .+"):
        load_manifest(write(folder, GOOD.replace(old, new, 1)))


def test_two_sets_of_one_name_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="several sets are called one"):
        load_manifest(write(folder, GOOD + GOOD))


def test_a_manifest_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"recorded\.toml can't be read"):
        load_manifest(tmp_path / "recorded.toml")


def examples_of_the_documentation() -> list[Any]:
    page = Path(__file__).parents[2] / "docs" / "providers" / "recorded.md"
    return [block.split("```", 1)[0] for block in page.read_text().split("```toml\n")[1:]]


@pytest.mark.parametrize("text", examples_of_the_documentation())
def test_each_example_of_the_documentation_is_a_manifest(tmp_path: Path, text: str) -> None:
    assert load_manifest(write(tmp_path, text)).set
