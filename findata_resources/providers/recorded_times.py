"""The stamps of a recorded file as instants and days.

What belongs here: every way in which a file says when. A stamp that can't be read, or that names no instant
or two (a local time in the hour of a clock change), becomes null: the row stays and is refused downstream.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import polars as pl

from findata_core.errors import MalformedPayload
from findata_resources.provider import repeated
from findata_resources.providers.recorded_layout import field
from findata_resources.providers.recorded_manifest import TimePart

INSTANT = pl.Datetime("us", "UTC")
LOCAL = pl.Datetime("us")

_OFFSET = r"(?:[ ]?(Z|[+-]\d{2}:?\d{2}))$"
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_YEAR_1800, _YEAR_2200 = -5_364_662_400, 7_258_118_400  # seconds since 1970
_CORRECT_TIME = "Correct the set's time in the manifest, and load it again"


def instants(frame: pl.DataFrame, part: TimePart, path: str, width: timedelta) -> pl.Series:
    """Return each row's inclusive start, UTC; stamps that name a bar's end are moved back by `width`."""
    stamps = _instants(frame, part, path)
    return stamps.dt.offset_by(f"-{int(width.total_seconds())}s") if part.label == "end" else stamps


def days(frame: pl.DataFrame, part: TimePart, path: str) -> pl.Series:
    """Return each row's calendar day: as written, or in `zone` where the stamps have offsets."""
    return within_years(_days(frame, part, path))


def within_years(found: pl.Series) -> pl.Series:
    """Return days, null where Python has no such year: Polars reads -20-08-07 and 20161-02-02, too."""
    return pl.select(pl.when(found.is_between(date.min, date.max)).then(found).alias(found.name)).to_series()


def _days(frame: pl.DataFrame, part: TimePart, path: str) -> pl.Series:
    if part.epoch is not None:
        return _need_zone(_from_epoch(_stamp(frame, part), part.epoch), part)
    stamps = _day_field(frame, part, path)
    if isinstance(stamps.dtype, pl.Date):
        return stamps
    if isinstance(stamps.dtype, pl.Datetime):
        return _need_zone(stamps, part) if stamps.dtype.time_zone else stamps.dt.date()
    return _checked(_days_of_text(stamps.cast(pl.String), part), stamps)


def _days_of_text(text: pl.Series, part: TimePart) -> pl.Series:
    if part.format is not None and "%z" in part.format:
        return _need_zone(text.str.to_datetime(part.format, time_unit="us", strict=False), part)
    if part.format is not None:
        return _by_format(text, part.format)
    if part.zone is not None and text.str.contains(r"\d:\d.*" + _OFFSET).any():
        return _need_zone(_iso(text, None), part)
    return text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)


def _by_format(text: pl.Series, pattern: str) -> pl.Series:
    if any(mark in pattern for mark in ("%H", "%I", "%T")):
        return text.str.to_datetime(pattern, time_unit="us", strict=False).dt.date()
    return text.str.to_date(pattern, strict=False)


def _day_field(frame: pl.DataFrame, part: TimePart, path: str) -> pl.Series:
    if part.date_in_path is not None:
        return _repeated(_day_in_path(part, path), frame.height)
    name = part.date_column if part.column is None else part.column
    assert name is not None  # TimePart refuses a set without any date
    return field(frame, name)


def _need_zone(stamps: pl.Series, part: TimePart) -> pl.Series:
    """Return the local day of instants: only a zone makes a day out of an instant."""
    if part.zone is None:
        raise MalformedPayload("The daily stamps are instants: their day depends on a zone", "Give time.zone")
    return stamps.dt.convert_time_zone(part.zone).dt.date()


def _instants(frame: pl.DataFrame, part: TimePart, path: str) -> pl.Series:
    if part.epoch is not None:
        return _from_epoch(_stamp(frame, part), part.epoch)
    if part.since_midnight is not None:
        return _since_midnight(frame, part, path)
    stamps = _joined(frame, part, path)
    if isinstance(stamps.dtype, pl.Datetime):
        zone = stamps.dtype.time_zone
        return stamps.cast(INSTANT) if zone else _localized(stamps.cast(LOCAL), part.zone)
    return _checked(_from_text(stamps.cast(pl.String), part), stamps)


def _stamp(frame: pl.DataFrame, part: TimePart) -> pl.Series:
    name = part.time_column if part.column is None else part.column
    if name is None:
        raise MalformedPayload("Intraday rows need a time of day", "Give time.column or time.time_column")
    return field(frame, name)


def _joined(frame: pl.DataFrame, part: TimePart, path: str) -> pl.Series:
    """Return the stamps; a date of its own (column or path) is put before the time of day, by one space."""
    clock = _stamp(frame, part)
    if part.date_in_path is not None:
        return _repeated(_day_in_path(part, path), frame.height).cast(pl.String) + " " + clock.cast(pl.String)
    if part.date_column is not None:
        return field(frame, part.date_column).cast(pl.String) + " " + clock.cast(pl.String)
    return clock


def _from_text(text: pl.Series, part: TimePart) -> pl.Series:
    if part.format is None:
        return _iso(text, part.zone)
    pattern = f"%Y-%m-%d {part.format}" if part.date_in_path is not None else part.format
    stamps = text.str.to_datetime(pattern, time_unit="us", strict=False)
    return stamps.cast(INSTANT) if "%z" in pattern else _localized(stamps, part.zone)


def _iso(text: pl.Series, zone: str | None) -> pl.Series:
    """Read ISO 8601 stamps, `T` or a space between date and time; an offset in the stamp outranks `zone`."""
    bare = pl.col("text").str.replace(_OFFSET, "").str.replace("T", " ", literal=True)
    read = [
        bare.str.to_datetime(pattern, time_unit="us", strict=False)
        for pattern in ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
    ]
    offset = pl.col("text").str.extract(_OFFSET)
    digits = offset.str.replace_all(r"[^0-9]", "")
    hours, rest = (digits.str.slice(at, 2).cast(pl.Int64, strict=False) for at in (0, 2))
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    stamps = text.to_frame("text").select(
        local=pl.coalesce(read),
        has_offset=offset.is_not_null(),
        shift=pl.duration(minutes=(sign * (hours * 60 + rest).fill_null(0))),
    )
    local, has_offset = stamps["local"], stamps["has_offset"]
    if not has_offset.any():
        return _localized(local, zone)
    known = (local - stamps["shift"]).dt.replace_time_zone("UTC")
    if has_offset.all():
        return known.cast(INSTANT)
    return known.zip_with(has_offset, _localized(local, zone) if zone else known.clear(len(known))).cast(
        INSTANT
    )


def _localized(local: pl.Series, zone: str | None) -> pl.Series:
    """Take wall-clock times as of `zone`; times that do not exist there or exist twice become null."""
    if local.null_count() == len(local):
        return local.cast(INSTANT)
    if zone is None:
        raise MalformedPayload("The stamps carry no offset and the set names no zone", "Give time.zone")
    return local.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").cast(INSTANT)


def _from_epoch(counts: pl.Series, unit: str) -> pl.Series:
    """Return instants from counts since 1970; whole counts stay exact (nanoseconds don't fit a double).

    A count that means no year from 1800 to 2200 is null: most often its unit is not the stated one.
    """
    text = counts.cast(pl.String)
    parted = text.cast(pl.Float64, strict=False) / _PER_SECOND[unit]
    is_near = (parted > _YEAR_1800) & (parted < _YEAR_2200)
    micros = _micros(text.cast(pl.Int64, strict=False).set(~is_near, None), unit)
    rounded = (parted.set(~is_near, None) * 1_000_000).round().cast(pl.Int64)
    return _checked(micros.fill_null(rounded).cast(LOCAL).dt.replace_time_zone("UTC"), counts)


def _micros(counts: pl.Series, unit: str) -> pl.Series:
    per_second = _PER_SECOND[unit]
    if per_second > 1_000_000:
        return counts // (per_second // 1_000_000)
    return counts * (1_000_000 // per_second)


def _since_midnight(frame: pl.DataFrame, part: TimePart, path: str) -> pl.Series:
    """Return instants from a day and the time of day by the wall clock, counted from midnight."""
    counts = _stamp(frame, part).cast(pl.String).cast(pl.Float64, strict=False)
    assert part.since_midnight is not None
    since = (counts * (1_000_000 / _PER_SECOND[part.since_midnight])).round().cast(pl.Int64, strict=False)
    day = _count_day(frame, part, path)
    return _localized(day.cast(LOCAL) + since.cast(pl.Duration("us")), part.zone)


def _count_day(frame: pl.DataFrame, part: TimePart, path: str) -> pl.Series:
    if part.date_in_path is not None:
        return _repeated(_day_in_path(part, path), frame.height)
    assert part.date_column is not None  # TimePart refuses since_midnight without a date
    return _by_format(field(frame, part.date_column).cast(pl.String), part.date_format)


def _day_in_path(part: TimePart, path: str) -> date:
    assert part.date_in_path is not None
    match = re.search(part.date_in_path, path)
    try:
        found = match.group("date") if match else ""
        return datetime.strptime(found, part.date_format).date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise MalformedPayload(
            f"time.date_in_path and time.date_format find no date in {path}", _CORRECT_TIME
        ) from error


def _repeated(day: date, height: int) -> pl.Series:
    return repeated(day, height, pl.Date())


def _checked(stamps: pl.Series, written: pl.Series) -> pl.Series:
    """Return the stamps; MalformedPayload where none could be read: then the manifest is wrong, not a row."""
    seen = written.drop_nulls()
    if len(seen) and stamps.null_count() == len(stamps):
        raise MalformedPayload(f"No stamp can be read; the first is {seen[0]!r}", _CORRECT_TIME)
    return stamps
