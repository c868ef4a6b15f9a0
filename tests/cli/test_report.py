"""findata report and findata alerts as a person runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from findata_assets.steps.platform import Platform

Run = Callable[..., Any]
LAST = ("report", "--session", "2022-06-15", "--mic", "XNAS")


def test_the_verdict_is_the_first_line_and_the_page_goes_where_it_is_wanted(
    findata: Run, loaded_sample: Platform, tmp_path: Path
) -> None:
    told = findata(*LAST, "--out", str(tmp_path / "page.html"), on=loaded_sample)
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines()[0] == (
        "Yes, with exceptions: 1 of 1 instrument with missing minutes (MSFT.XNAS)"
    )
    assert "findata materialize --recorded DIR" in told.stdout
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.strip().startswith("<!DOCTYPE html>")
    assert findata(*LAST, "--out", "-", on=loaded_sample).stdout == text


def test_open_hands_a_file_to_the_browser(
    findata: Run, loaded_sample: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", opened.append)
    assert findata(*LAST, "--open", on=loaded_sample).exit_code == 0
    (address,) = opened
    assert address.startswith("file://")
    assert Path(address.removeprefix("file://")).read_text(encoding="utf-8").strip().startswith("<!DOCTYPE")


@pytest.mark.parametrize(
    ("options", "exit_code", "words"),
    [
        (("--session", "2022-06-18"), 0, "No session: weekend"),
        (("--session", "2022-06-02", "--mic", "XLON"), 0, "No session: holiday at XLON"),
        (("--session", "2022-06-20", "--mic", "XLON"), 1, "No: 1 of 1 instrument without a single bar"),
        (("--week", "2022-W23", "--mic", "XNAS"), 0, "Yes: the one instrument is complete"),
        (("--session", "2022-06-15", "--week", "2022-W24"), 2, "exclude each other"),
        (("--session", "yesterday"), 2, "is no date"),
        (("--week", "2022-W60"), 2, "is no week"),
        (("--session", "1969-01-02"), 2, "No calendar reaches"),
        (("--session", "2022-06-15", "--mic", "NYSE"), 2, "no exchange 'NYSE'"),
        (("--session", "2022-06-15", "--mic", "XPAR"), 2, "No followed instrument trades on XPAR"),
    ],
)
def test_every_day_has_a_clear_answer(
    findata: Run, loaded_sample: Platform, options: tuple[str, ...], exit_code: int, words: str
) -> None:
    told = findata("report", *options, on=loaded_sample)
    assert (told.exit_code, words in told.output) == (exit_code, True), told.output


def test_a_file_that_cannot_be_written_is_said(findata: Run, loaded_sample: Platform, tmp_path: Path) -> None:
    told = findata(*LAST, "--out", str(tmp_path), on=loaded_sample)
    assert told.exit_code == 2
    assert "can't be written" in told.output


def test_alerts_are_none_at_first_and_a_trial_reaches_the_file(
    findata: Run, loaded_sample: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No alert is open" in findata("alerts", on=loaded_sample).stdout
    monkeypatch.setenv("FINDATA_ALERT_FILE", str(tmp_path / "alerts.jsonl"))
    told = findata("alerts", "--try", on=loaded_sample)
    assert (told.exit_code, told.stdout.strip()) == (0, "file: taken")
    assert "findata trial" in (tmp_path / "alerts.jsonl").read_text()
