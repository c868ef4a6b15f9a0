"""The quality report of a session or an ISO week: what the books say, put together.

What belongs here: reading, and the order of things. What does not: rules (findata_core.quality), HTML
(findata_assets.reports), where pages lie (reports).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from findata_assets.steps.bar_sources import BAR_PROVIDERS, LIVE_SOURCES
from findata_assets.steps.expected import known_states
from findata_assets.steps.platform import Platform
from findata_core.errors import ConfigurationError
from findata_core.exchanges import EXCHANGES, exchange_of
from findata_core.quality import findings as found
from findata_core.quality.heat import heat
from findata_core.quality.outliers import SERIES, outliers
from findata_core.quality.report import Drawing, QualityReport, Shown, Venue, shown
from findata_core.quality.revisions import revisions
from findata_core.quality.states import SESSION
from findata_core.quality.verdicts import Verdict, not_closed, verdict, without_session
from findata_core.schema.tables import table
from findata_resources.stores import quality as books
from findata_resources.stores.versions import all_versions

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
LONGEST_CLOSURE = timedelta(days=30)
MOST_DRAWN = 12

Frames = Mapping[str, pl.DataFrame]


def session_report(platform: Platform, day: date, mics: Sequence[str] = ()) -> QualityReport:
    """Return the report of a session of some followed exchanges (default: all)."""
    return _report(platform, day, day, followed_mics(platform, mics))


def week_report(platform: Platform, day: date, mics: Sequence[str] = ()) -> QualityReport:
    """Return the report of the ISO week that a day is in."""
    monday = day - timedelta(days=day.weekday())
    return _report(platform, monday, monday + WEEK - DAY, followed_mics(platform, mics))


def followed_mics(platform: Platform, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the exchanges that are followed, or those of them that are wanted.

    ConfigurationError: an exchange that nobody knows, or that no instrument of the universe trades on.
    """
    for mic in wanted:
        exchange_of(mic)
    known = sorted(set(books.followed(platform.store.database).get_column("mic")))
    if not known:
        raise ConfigurationError("No instrument is known yet", "findata materialize receives the universe")
    strange = sorted(set(wanted) - set(known))
    if strange:
        raise ConfigurationError(
            f"No followed instrument trades on {strange[0]}", f"Name one of {', '.join(known)}"
        )
    return tuple(mic for mic in known if not wanted or mic in wanted)


def _report(platform: Platform, first: date, last: date, mics: tuple[str, ...]) -> QualityReport:
    now = platform.clock.now()
    every = platform.sessions(set(mics))
    _require_calendars(every, first, last)
    sessions = every.filter(pl.col("session_date").is_between(first, last)).sort("close_time", "mic")
    if sessions.is_empty():
        around = _sessions_around(every, first, last)
        return QualityReport(first, last, mics, without_session(mics, first, last, around))
    closed = sessions.filter(pl.col("close_time") <= now)
    if closed.is_empty():
        ends = sessions.unique("mic", keep="first", maintain_order=True)
        told = not_closed(list(ends.select("mic", "close_time").iter_rows()))
        return QualityReport(first, last, mics, told, venues=tuple(_venues(sessions, closed, {}, None)))
    frames = _frames(platform, first, last, mics, closed)
    settles = _settles_time(frames["minutes"], now)
    return QualityReport(
        first,
        last,
        mics,
        verdict(frames["expected"], frames["findings"], settles),
        frames["spoken"].get_column("received_time").max(),  # type: ignore[arg-type]
        tuple(_venues(sessions, closed, frames, settles)),
        frames["expected"],
        heat(_drawn(frames["states"], frames["expected"]), closed),
        frames["findings"],
        _parts(frames),
        tuple(_drawings(frames["outliers"], frames["minutes"])),
    )


def _require_calendars(sessions: pl.DataFrame, first: date, last: date) -> None:
    """ConfigurationError where no calendar reaches the days: they can't be told from holidays."""
    days = sessions.get_column("session_date")
    begin, end = days.min(), days.max()
    is_within = isinstance(begin, date) and isinstance(end, date) and begin <= last and first <= end
    if not is_within:
        raise ConfigurationError(
            f"No calendar reaches {first}: they go from {begin!s} to {end!s}",
            "findata calendars shows how far each exchange's calendar reaches",
        )


def _frames(
    platform: Platform, first: date, last: date, mics: Sequence[str], closed: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Read what the books say of closed sessions, and find what speaks against them."""
    database, end = platform.store.database, last + DAY
    read = {
        "states": _known(platform, first, end),
        "breaks": books.breaks(database, first, last),
        "refused": books.refused(database, first, last).rename({"subject": "instrument_id"}),
        "held": books.held(database, first, last).rename({"subject": "instrument_id"}),
        "minutes": platform.read("market.bars", first, end, interval="1m"),
        "spoken": books.spoken(database, first, last),
        "revisions": _revisions(platform, first, end),
    }
    frames = {name: _of_venues(rows, mics) for name, rows in read.items()}
    frames["expected"] = _expected(platform, closed, frames["states"])
    frames["outliers"] = outliers(frames["minutes"])
    frames["arrivals"] = _awaited(books.arrivals(database, first, last), mics)
    marks, lake_marks = books.marks(database, first, last), books.lake_marks(database, first, last)
    frames["findings"] = found.as_frame(
        [
            *found.of_states(frames["expected"], frames["states"], BAR_PROVIDERS),
            *found.of_breaks(frames["breaks"]),
            *found.of_refused(found.counted(frames["refused"])),
            *found.of_outliers(frames["outliers"]),
            *found.of_held(frames["held"].filter(state="held")),
            *found.of_arrivals(frames["arrivals"], LIVE_SOURCES, platform.clock.now()),
            *found.of_marks(marks, first, last),
            *found.of_lake(lake_marks, first),
        ]
    )
    return frames


def _known(platform: Platform, first: date, end: date) -> pl.DataFrame:
    states = known_states(platform, first, end)
    if states.width:
        return states
    texts = dict.fromkeys((*SESSION, "status", "state", "missing_ranges"), pl.String())
    kinds: dict[str, pl.DataType] = {
        **dict.fromkeys(("is_final", "is_due"), pl.Boolean()),
        **dict.fromkeys(("present_bars", "expected_bars"), pl.Int32()),
        "session_date": pl.Date(),
        "expires_time": pl.Datetime("us", "UTC"),
    }
    return pl.DataFrame(schema=pl.Schema({**texts, **kinds}))


def _revisions(platform: Platform, first: date, end: date) -> pl.DataFrame:
    """Return what was taken back of minutes and of days."""
    told = []
    for address in ("market.bars", "market.bars_1d"):
        target = table(address)
        if platform.store.read(target.history(), first, end).height:
            # Again, with the current ones: what is closed in between would be taken for withdrawn.
            told.append(revisions(*all_versions(platform.store.database, target, first, end)))
    return pl.concat(told) if told else pl.DataFrame(schema={"instrument_id": pl.String})


def _expected(platform: Platform, closed: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Return instrument_id and session_date of what should have bars: followed ones, and what was counted."""
    day = pl.col("session_date")
    followed = books.followed(platform.store.database).join(closed.select("mic", "session_date"), on="mic")
    listed = followed.filter(
        (day >= pl.col("from_date")).fill_null(value=True), (day <= pl.col("to_date")).fill_null(value=True)
    )
    names = ["instrument_id", "session_date"]
    return pl.concat([listed.select(names), states.select(names)]).unique().sort(names)


def _of_venues(rows: pl.DataFrame, mics: Sequence[str]) -> pl.DataFrame:
    """Return the rows of instruments of some exchanges; what names no instrument belongs to all."""
    mic = pl.col("instrument_id").str.extract(r"\.([A-Z0-9]{4})$")
    return rows.filter(mic.is_in(list(mics)) | mic.is_null())


def _awaited(arrivals: pl.DataFrame, mics: Sequence[str]) -> pl.DataFrame:
    """Return what is awaited of some exchanges; rates and series belong to all."""
    is_other_mic = pl.col("subject").is_in(list(EXCHANGES)) & ~pl.col("subject").is_in(list(mics))
    return arrivals.filter(~is_other_mic)


def _drawn(states: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """Return the states of minutes, and of sessions that no book knows anything of a line under their usual source."""
    columns = ["instrument_id", "source", "session_date", "status", "missing_ranges"]
    minutes = states.filter(interval="1m").select(columns)
    unknown = expected.join(states, on=["instrument_id", "session_date"], how="anti")
    usual = minutes.select("instrument_id", "source").unique()
    empty = unknown.join(usual, on="instrument_id", how="left").with_columns(
        pl.col("source").fill_null("nobody"),
        status=pl.lit("missing"),
        missing_ranges=pl.lit(None, pl.String),
    )
    return pl.concat([minutes, empty.select(columns)])


def _settles_time(minutes: pl.DataFrame, now: datetime) -> datetime | None:
    last = minutes.get_column("settles_time").max()
    return last if isinstance(last, datetime) and last > now else None


def _venues(
    sessions: pl.DataFrame, closed: pl.DataFrame, frames: Frames, settles: datetime | None
) -> Iterator[Venue]:
    """Yield each exchange's sessions with the verdict on it alone."""
    done = set(closed.select("mic", "session_date").iter_rows())
    for row in sessions.sort("session_date", "open_time", "mic").iter_rows(named=True):
        told = (
            _alone(row["mic"], row["session_date"], frames, settles)
            if (row["mic"], row["session_date"]) in done
            else not_closed([(row["mic"], row["close_time"])])
        )
        names = ("mic", "session_date", "time_zone", "open_time", "close_time")
        yield Venue(**{name: row[name] for name in names}, verdict=told)


def _alone(mic: str, day: date, frames: Frames, settles: datetime | None) -> Verdict:
    mine = frames["expected"].filter(pl.col("instrument_id").str.ends_with(f".{mic}"), session_date=day)
    findings = frames["findings"].filter(
        pl.col("mic").is_in([mic, ""]), (pl.col("session_date") == day) | (pl.col("instrument_id") == "")
    )
    return verdict(mine, findings, settles)


def _parts(frames: Frames) -> dict[str, Shown]:
    breaks = frames["breaks"]
    is_sick = pl.col("kind") == "sick_volume"
    return {
        "refused": shown(frames["refused"]),
        "breaks": shown(breaks.filter(~is_sick)),
        "sick": shown(breaks.filter(is_sick)),
        "revisions": shown(frames["revisions"]),
        "held": shown(frames["held"]),
        "outliers": shown(frames["outliers"]),
        "freshness": shown(_freshness(frames["spoken"])),
        "arrivals": shown(frames["arrivals"]),
        "payloads": shown(frames["spoken"]),
    }


def _freshness(spoken: pl.DataFrame) -> pl.DataFrame:
    """Return when each source was last heard of, by table."""
    return (
        spoken.group_by("source", "table_name")
        .agg(
            instruments=pl.col("instrument_id").n_unique(),
            payloads=pl.col("payload_id").n_unique(),
            first_time=pl.col("received_time").min(),
            last_time=pl.col("received_time").max(),
        )
        .sort("source", "table_name")
    )


def _drawings(stray: pl.DataFrame, minutes: pl.DataFrame) -> Iterator[Drawing]:
    """Yield the sessions of the farthest outliers, one drawing a session."""
    regular = minutes.filter(session_phase="regular").select(*SERIES, "event_time", "low", "high", "close")
    for row in stray.unique(SERIES, keep="first", maintain_order=True).head(MOST_DRAWN).iter_rows(named=True):
        mine = regular.filter(**{name: row[name] for name in SERIES}).sort("event_time")
        marked = stray.filter(**{name: row[name] for name in SERIES})
        yield Drawing(row, mine, marked)


def _sessions_around(sessions: pl.DataFrame, first: date, last: date) -> list[date]:
    days = sessions.get_column("session_date")
    before, after = days.filter(days < first).max(), days.filter(days > last).min()
    return [day for day in (before, after) if isinstance(day, date)]
