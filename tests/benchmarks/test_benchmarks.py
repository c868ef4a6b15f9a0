"""Every benchmark at a tiny size, so that none can rot. Nothing here depends on how fast anything is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

import pytest

from benchmarks import __main__ as command
from benchmarks import (
    backfill,
    candles,
    client,
    end_to_end,
    knowing,
    lake,
    repair,
    serving,
    validation,
    write,
)
from benchmarks.measuring import Line, medians


def names(lines: Sequence[Line]) -> set[str]:
    assert all(line.measure > 0 and line.detail for line in lines)
    return {line.name for line in lines}


def targets(lines: Sequence[Line]) -> list[float]:
    return [line.target for line in lines if line.target is not None]


def test_candles_agree_with_the_compiled_pass_and_are_measured_beside_pandas_and_polars() -> None:
    lines = candles.run(instruments=20, repeats=1)
    assert targets(lines) == [2.0, 2.5]
    assert {
        "candles: pandas resample, against numba",
        "candles: polars group_by_dynamic, against numba",
    } < names(lines)


def test_validation_judges_as_the_compiled_pass_does() -> None:
    lines = validation.run(instruments=2, repeats=1)
    assert targets(lines) == [8.0]
    assert names(lines) == {"validation: a month, against numba in parallel"}


def test_a_session_is_written_by_every_side(database_url: str) -> None:
    lines = write.run(database_url, instruments=2, repeats=1)
    assert targets(lines) == [1.15, 0.25, 0.80]
    assert {
        "write: pandas.to_sql, against a bare COPY",
        "write: executemany upsert, against a bare COPY",
    } < names(lines)


def test_a_session_through_dagster_has_the_hash_of_the_pure_functions() -> None:
    lines = end_to_end.run(instruments=2, repeats=1)
    assert targets(lines) == [1.0]
    assert "end to end: through Dagster, against the pure functions" in names(lines)


def test_the_lake_gives_the_same_rows_from_sessions_months_and_the_year() -> None:
    lines = lake.run(instruments=2, last=date(2025, 2, 5), repeats=1)
    assert targets(lines) == [0.6, 0.3]
    assert "lake: a year of one instrument from year, against sessions" in names(lines)


def test_a_backfill_is_timed_for_each_number_of_sessions_in_a_process_of_its_own() -> None:
    lines = backfill.run(instruments=2, sizes=(1, 3))
    assert targets(lines) == [1.05, 1.25]
    # Of one session and three the exponent may be anything, on a busy machine below 0 too.
    assert "backfill: peak memory, most sessions against fewest" in {line.name for line in lines}


def test_what_was_known_and_what_is_known_of_each_session_are_measured() -> None:
    lines = knowing.run(instruments=4, stored=2, repeats=1)
    assert targets(lines) == [1.3, 1.0]
    assert names(lines) == {
        "as of: a ticker's year of minutes, against the current ones",
        "coverage: a year of states, share of the time allowed",
    }


def test_a_repaired_bar_equals_a_rebuild() -> None:
    lines = repair.run(instruments=2, repeats=1)
    assert targets(lines) == [0.01]
    assert "repair: the same, with the lake's objects" in names(lines)


@pytest.mark.parametrize(("measure", "status"), [(1.15, 0), (1.16, 1)])
def test_a_missed_target_is_the_exit_status(
    measure: float, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "BENCHMARKS", {"one": lambda: [Line("a line", measure, 1.15, "as seen")]})
    assert command.main([]) == status
    printed = capsys.readouterr().out
    assert ("MISSED" in printed) == bool(status)
    assert "target 1.15" in printed


def test_a_line_without_a_target_never_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "BENCHMARKS", {"one": lambda: [Line("a line", 40.0, None, "as seen")]})
    assert command.main([]) == 0


def test_json_has_an_object_a_line_and_the_machine_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "BENCHMARKS", {"one": lambda: [Line("a line", 2.0, 1.0, "as seen")]})
    command.main(["--json"])
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert records[0]["machine"]["cores"] >= 1
    assert {key: records[1][key] for key in ("name", "measure", "target", "verdict")} == {
        "name": "a line",
        "measure": 2.0,
        "target": 1.0,
        "verdict": "MISSED",
    }
    assert records[-1]["missed"] == ["a line"]


def test_only_the_named_benchmark_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    both = {
        name: lambda name=name: [Line(f"line of {name}", 1.0, None, "as seen")] for name in ("one", "two")
    }
    monkeypatch.setattr(command, "BENCHMARKS", both)
    command.main(["--only", "two"])
    printed = capsys.readouterr().out
    assert "line of two" in printed
    assert "line of one" not in printed


def test_an_unknown_benchmark_is_refused() -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(["--only", "nothing"])


def test_the_first_turn_does_not_count() -> None:
    calls: list[str] = []
    seconds = medians({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, repeats=2)
    assert calls == ["a", "b"] * 3
    assert seconds.keys() == {"a", "b"}


def test_a_session_is_served_alike_by_every_side() -> None:
    lines = serving.run(instruments=2, sessions=2, repeats=1, questions=4)
    assert targets(lines) == [1 / 0.6, 1 / 3, 1 / 10]
    assert {
        f"serving: 16 callers at once, {side}: seconds at p99" for side in ("cold", "settled", "orm")
    } < names(lines)


def test_a_month_comes_alike_by_the_client_and_by_pandas() -> None:
    lines = client.run(instruments=2, sessions=2, repeats=1)
    assert targets(lines) == [1 / 4, 1 / 4]
