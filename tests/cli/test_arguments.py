"""What is refused before anything is done: each with its exit code and its next step."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from findata_cli.exits import exit_code
from findata_cli.spans import Span, parse_span
from findata_core.errors import (
    ConfigurationError,
    FindataError,
    NotEqual,
    NotRunning,
    ProviderDown,
    QuotaExhausted,
    RefusedRequest,
    RunFailed,
    StoreError,
    UnknownInterval,
)


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home where nothing runs."""
    monkeypatch.setenv("FINDATA_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        (None, Span()),
        ("2022-06-01..2022-06-15", Span(date(2022, 6, 1), date(2022, 6, 15))),
        ("2022-06-01..", Span(date(2022, 6, 1), None)),
        ("..2022-06-15", Span(None, date(2022, 6, 15))),
        ("2022-06-01", Span(date(2022, 6, 1), date(2022, 6, 1))),
        (" 2022-06-01 .. 2022-06-01 ", Span(date(2022, 6, 1), date(2022, 6, 1))),
    ],
)
def test_both_ends_of_a_span_are_inclusive(text: str | None, span: Span) -> None:
    assert parse_span(text) == span


def test_the_last_date_of_a_span_is_part_of_it() -> None:
    assert parse_span("2022-06-30").end == date(2022, 7, 1)


@pytest.mark.parametrize(
    "text", ["", "..", "2022-06", "2022-06-31", "1.6.2022", "2022-06-01...", "a..b", "20220601"]
)
def test_what_is_no_range_of_dates_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"2022-06-01\.\.2022-06-15"):
        parse_span(text)


@pytest.mark.parametrize("command", ["materialize", "verify", "rebuild"])
@pytest.mark.parametrize(
    ("sessions", "said"),
    [
        ("2022-06-05..2022-06-01", "2022-06-01..2022-06-05"),
        ("2022-06-04..2022-06-05", "2022-06-03 and 2022-06-06"),  # a weekend
        ("2022-12-24..2022-12-26", "2022-12-23 and 2022-12-27"),  # on the 27th only New York opens
        ("2100-01-04", "2100"),
        ("tomorrow", "both inclusive"),
    ],
)
def test_sessions_that_can_not_be_are_refused(findata: Any, command: str, sessions: str, said: str) -> None:
    result = findata(command, "--sessions", sessions)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_session_to_come_is_refused_with_the_time_it_closes(findata: Any) -> None:
    result = findata("materialize", "--sessions", "2027-01-04")  # a Monday; XHKG closes at 16:00, UTC+8
    assert result.exit_code == 2
    assert "2027-01-04 08:00 UTC" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--source", "yaho"], "nyfed, yahoo"),
        (["--manifest", "recorded.toml"], "--recorded DIR"),
        (["--recorded", "/no/such/folder"], "There is no folder /no/such/folder"),
    ],
)
def test_materialize_refuses_what_it_can_not_receive(findata: Any, arguments: list[str], said: str) -> None:
    result = findata("materialize", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_an_unknown_command_is_wrong_usage(findata: Any) -> None:
    assert findata("materialise").exit_code == 2


def test_sql_gives_json_or_csv_and_not_both(findata: Any) -> None:
    assert findata("sql", "SELECT 1", "--json", "--csv").exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["sql", "SELECT 1"],
        ["migrate"],
        ["materialize"],
        ["verify"],
        ["rebuild"],
        ["schema", "diff"],
        ["explain", "MSFT.XNAS", "1d", "2022-06-01"],
        ["status"],
    ],
)
def test_without_servers_a_command_says_which_command_starts_them(findata: Any, arguments: list[str]) -> None:
    result = findata(*arguments)
    assert result.exit_code == 3
    assert "findata up" in result.stderr
    assert "Traceback" not in result.output


def test_a_wrong_setting_is_named_by_its_variable(findata: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDATA_DATABASE_PORT", "many")
    result = findata("status")
    assert result.exit_code == 2
    assert "FINDATA_DATABASE_PORT" in result.stderr


def test_config_masks_secrets_and_says_what_set_a_value(
    findata: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINDATA_DATABASE_URL", "postgresql://me:verysecret@127.0.0.1:1/mine")
    result = findata("config")
    assert result.exit_code == 0
    assert "environment" in result.stdout
    assert "verysecret" not in result.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError, 2),
        (UnknownInterval, 2),
        (NotRunning, 3),
        (StoreError, 3),
        (RefusedRequest, 4),
        (NotEqual, 1),
        (RunFailed, 1),
    ],
)
def test_the_exit_code_says_what_kind_of_error_it_was(error: type[FindataError], code: int) -> None:
    assert exit_code(error("what", "next")) == code


def test_a_limit_that_is_used_up_and_a_provider_that_is_down_end_with_4() -> None:
    tomorrow = datetime(2022, 7, 1, tzinfo=UTC)
    assert [exit_code(error("what", "next", tomorrow)) for error in (QuotaExhausted, ProviderDown)] == [4, 4]


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(findata: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("findata_cli.opening.settings_in_force", interrupted)
    result = findata("status")
    assert result.exit_code == 130
    assert "run the same command again" in result.stderr


def test_an_unexpected_error_is_short_and_its_traceback_is_shown_on_demand(
    findata: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("nobody thought of it")

    monkeypatch.setattr("findata_cli.opening.settings_in_force", broken)
    short, long = findata("status"), findata("status", "--verbose")
    assert (short.exit_code, long.exit_code) == (1, 1)
    assert "nobody thought of it" in short.stderr
    assert "Traceback" not in short.stderr
    assert "Traceback" in long.stderr
