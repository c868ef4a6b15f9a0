"""Coverage as lines and cells for a page: the worst first, what is whole in one line.

What belongs here: ordering, folding, labels. What does not: minutes of slots (findata_core.quality.heat), HTML.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import polars as pl

from findata_core.quality.report import QualityReport

MOST_LINES = 40  # of an exchange; two hundred sick instruments are told as names
SERIES = ["instrument_id", "source"]
NO_TRADING = -1


@dataclass(frozen=True)
class Cell:
    """A slot of a line: 0 to 100 % of its minutes are there; -1 where there is no trading."""

    share: int

    @property
    def shade(self) -> str:
        """The name of its colour: none, few, half, most, all, closed."""
        if self.share == NO_TRADING:
            return "closed"
        names = ((0, "none"), (33, "few"), (66, "half"), (99, "most"), (100, "all"))
        return next(name for bound, name in names if self.share <= bound)


@dataclass(frozen=True)
class Line:
    """An instrument of a source: its name, how much of the whole is there, its cells."""

    name: str
    source: str
    share: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class HeatMap:
    """An exchange: labels of the slots, the lines that lack something, the names of those that do not.

    `hidden`: how many lines lack something and are not drawn; `hidden_names`: which.
    """

    mic: str
    zone: str
    labels: tuple[str, ...]
    lines: tuple[Line, ...]
    whole: tuple[str, ...]
    hidden_names: tuple[str, ...]


def heat_maps(report: QualityReport) -> Iterator[HeatMap]:
    """Yield one map for each exchange, by name; of a week a day is a slot."""
    zones = {venue.mic: venue.time_zone for venue in report.venues}
    if report.heat.is_empty():
        return
    for (mic,), rows in report.heat.group_by(["mic"], maintain_order=True):
        yield _heat_map(str(mic), zones[str(mic)], rows, is_week=report.is_week)


def _heat_map(mic: str, zone: str, rows: pl.DataFrame, *, is_week: bool) -> HeatMap:
    slot = "session_date" if is_week else "slot_time"
    cells = rows.group_by(*SERIES, slot).agg(pl.col("expected", "present").sum())
    slots = cells.get_column(slot).unique().sort().to_list()
    labels = [f"{day:%a %d}" if is_week else f"{day.astimezone(ZoneInfo(zone)):%H:%M}" for day in slots]
    totals = rows.group_by(SERIES).agg(pl.col("expected", "present").sum())
    shares = totals.with_columns(share=_percent()).sort("share", *SERIES)
    lacking = shares.filter(pl.col("present") < pl.col("expected"))
    drawn = lacking.head(MOST_LINES)
    return HeatMap(
        mic,
        zone,
        tuple(labels),
        tuple(_lines(drawn, cells, slot, slots)),
        _names(shares.filter(pl.col("present") == pl.col("expected"))),
        _names(lacking.tail(-MOST_LINES) if lacking.height > MOST_LINES else lacking.clear()),
    )


def _lines(drawn: pl.DataFrame, cells: pl.DataFrame, slot: str, slots: list[object]) -> Iterator[Line]:
    known = {
        (name, source, place): share
        for name, source, place, share in cells.select(*SERIES, slot, _percent()).iter_rows()
    }
    for name, source, share in drawn.select(*SERIES, "share").iter_rows():
        mine = tuple(Cell(known.get((name, source, place), NO_TRADING)) for place in slots)
        yield Line(name, source, share, mine)


def _percent() -> pl.Expr:
    """Return whole percents, 100 for all and 0 for none alone."""
    share = (100 * pl.col("present") / pl.col("expected")).round().cast(pl.Int64)
    inner = share.clip(1, 99)
    return (
        pl.when(pl.col("present") == pl.col("expected"))
        .then(100)
        .when(pl.col("present") == 0)
        .then(0)
        .otherwise(inner)
        .cast(pl.Int64)
        .alias("share")
    )


def _names(rows: pl.DataFrame) -> tuple[str, ...]:
    several = rows.get_column("source").n_unique() > 1
    return tuple(
        f"{name} ({source})" if several else name for name, source in rows.select(SERIES).iter_rows()
    )
