"""The command as processes: the demo from nothing, two at once, one that is interrupted."""

from __future__ import annotations

import json
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from findata_assets.steps.platform import Platform
from findata_cli.contents import rows_of_tables
from findata_resources.environment import Settings, settings_environment
from tests.cli.conftest import Run, run
from tests.conftest import SAMPLE, MakePlatform


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables of the settings, with the sample's own universe."""
    return {**settings_environment(settings), "FINDATA_UNIVERSE": str(SAMPLE / "universe.csv")}


def rows_changed(output: str) -> str:
    """The line that says what a load did."""
    return next(line for line in output.splitlines() if "rows changed" in line)


def test_the_demo_comes_up_from_nothing_and_a_second_one_changes_nothing(
    home: Path, settings_for: Callable[[Path], Settings], start: Run
) -> None:
    settings = settings_for(home)
    environment = environment_of(settings)
    first = start("demo", environment=environment)
    said, progress = first.communicate(timeout=300)
    assert first.returncode == 0, progress
    second = start("demo", environment=environment)
    said_again, progress = second.communicate(timeout=300)
    assert second.returncode == 0, progress
    with urllib.request.urlopen(
        f"http://127.0.0.1:{settings.dagster_port}/server_info", timeout=30
    ) as answer:
        assert "dagster_version" in json.load(answer)
    page = f"http://127.0.0.1:{settings.serving_port}/"
    with urllib.request.urlopen(page, timeout=30) as answer:
        assert b"<title>findata</title>" in answer.read()
    with urllib.request.urlopen(f"{page}v1/instruments", timeout=30) as answer:  # of nobody a key is asked
        assert len(json.load(answer)["rows"]) == 3
    assert said.index(page) < said.index(f"http://127.0.0.1:{settings.dagster_port}")
    assert "market.candles" in said
    assert "********@" in said
    assert "0 rows changed, 0 runs, 0 materializations, 0 requests" in said_again
    assert "Traceback" not in said + said_again


def test_two_that_load_at_once_leave_what_one_leaves(make_platform: MakePlatform, start: Run) -> None:
    platform = make_platform()
    environment = environment_of(platform.settings)
    both = [start("materialize", "--recorded", str(SAMPLE), environment=environment) for _ in range(2)]
    ended = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    _assert_complete(platform)


def test_ctrl_c_in_a_run_ends_with_130_and_the_same_command_goes_on(
    make_platform: MakePlatform, start: Run
) -> None:
    platform = make_platform()
    environment = environment_of(platform.settings)
    interrupted = start("materialize", "--recorded", str(SAMPLE), environment=environment)
    assert interrupted.stderr is not None
    for line in interrupted.stderr:
        if "raw.recorded.bars" in line:
            break
    time.sleep(0.5)
    interrupted.send_signal(signal.SIGINT)
    _, said = interrupted.communicate(timeout=120)
    again = start("materialize", "--recorded", str(SAMPLE), environment=environment)
    _, progress = again.communicate(timeout=300)
    assert interrupted.returncode == 130, said
    assert "run the same command again" in said
    assert "Traceback" not in said
    assert again.returncode == 0, progress
    _assert_complete(platform)


def test_a_reader_that_has_gone_ends_the_command_without_a_word(loaded_sample: Platform, start: Run) -> None:
    query = "SELECT * FROM v1.bars LIMIT 20000"
    command = start("sql", query, "--csv", environment=environment_of(loaded_sample.settings))
    assert command.stdout is not None
    assert command.stdout.readline().startswith("instrument_id,")
    command.stdout.close()
    assert command.stderr is not None
    assert (command.wait(timeout=120), command.stderr.read()) == (141, "")
    command.stderr.close()


def test_up_opens_dagster_too_when_it_is_asked_to(
    home: Path, settings_for: Callable[[Path], Settings], start: Run
) -> None:
    settings = settings_for(home)
    command = start("up", "--ui", environment=environment_of(settings))
    said, progress = command.communicate(timeout=300)
    assert command.returncode == 0, progress
    with urllib.request.urlopen(
        f"http://127.0.0.1:{settings.dagster_port}/server_info", timeout=30
    ) as answer:
        assert "dagster_version" in json.load(answer)
    assert f"http://127.0.0.1:{settings.dagster_port}" in said


def test_help_names_every_command_and_the_exit_codes() -> None:
    result: Any = run("--help")
    assert result.exit_code == 0
    for word in ("demo", "materialize", "explain", "verify", "rebuild", "130"):
        assert word in result.stdout


def _assert_complete(platform: Platform) -> None:
    """The sample's tables as they are whenever they are complete, and nothing left to do."""
    rows = dict(rows_of_tables(platform))
    assert {name: rows[name] for name in ("market.bars", "market.candles", "rates.averages")} == {
        "market.bars": 22_890,
        "market.candles": 7_465,
        "rates.averages": 664,
    }
    assert "nothing is due" in run("status", on=platform).stdout
