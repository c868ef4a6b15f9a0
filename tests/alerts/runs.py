"""Finished runs as the sensor gives them, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from findata_core.alerts.troubles import CheckResult, FailedStep, FinishedRun

START = datetime(2022, 6, 15, 21, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DISK = "The disk of the database is full: could not extend file"


def failed(
    number: int, minutes: float = 0, cause: str = DISK, table: str = "market.candles", **further: Any
) -> FinishedRun:
    """A run of one session in which one table failed."""
    step = FailedStep(table, cause, "Free space, then run the same command again")
    return run(number, minutes, is_success=False, failed=[step], **further)


def made(number: int, minutes: float = 0, table: str = "market.candles", **further: Any) -> FinishedRun:
    """A run of one session that made a table."""
    return run(number, minutes, is_success=True, made=[table], **further)


def checked(number: int, minutes: float = 0, *, is_passed: bool, **further: Any) -> FinishedRun:
    """A run that made bars and checked what was refused of them."""
    check = CheckResult("market.bars", "quarantine", is_passed, "warn")
    return run(number, minutes, is_success=True, checks=[check], made=["market.bars"], **further)


def run(number: int, minutes: float, **further: Any) -> FinishedRun:
    days = {"first": "2022-06-15", "last": "2022-06-15"}
    return FinishedRun(f"run-{number}", "session", START + minutes * MINUTE, **{**days, **further})
