"""What a write did, for whoever asked for it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from findata_core.schema.tables import Table


@dataclass(frozen=True)
class WriteReport:
    """What a write did: rows, and the first and last instant that they cover.

    `revised_at`: how many rows were revised, by the receive time of the payload that did it.
    """

    rows_written: int = 0
    rows_unchanged: int = 0
    rows_revised: int = 0
    rows_quarantined: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    subjects: frozenset[str] = field(default_factory=frozenset)
    revised_at: Mapping[datetime, int] = field(default_factory=dict)

    def __add__(self, other: "WriteReport") -> "WriteReport":
        firsts = [time for time in (self.first_time, other.first_time) if time]
        lasts = [time for time in (self.last_time, other.last_time) if time]
        return WriteReport(
            self.rows_written + other.rows_written,
            self.rows_unchanged + other.rows_unchanged,
            self.rows_revised + other.rows_revised,
            self.rows_quarantined + other.rows_quarantined,
            min(firsts, default=None),
            max(lasts, default=None),
            self.subjects | other.subjects,
            Counter(self.revised_at) + Counter(other.revised_at),
        )


def report_of(
    target: Table, written: pl.DataFrame, unchanged: int, closed: pl.DataFrame | None = None
) -> WriteReport:
    """Report rows written and left alone, and the versions that were closed by them."""
    times = closed.get_column("superseded_time").to_list() if closed is not None else []
    first, last = _span_of(target, written)
    return WriteReport(
        rows_written=written.height,
        rows_unchanged=unchanged,
        rows_revised=closed.height if closed is not None else 0,
        first_time=first,
        last_time=last,
        subjects=frozenset(written.get_column(target.digest_subject).unique()),
        revised_at=Counter(times),
    )


def _span_of(target: Table, rows: pl.DataFrame) -> tuple[datetime | None, datetime | None]:
    """Return the first and last instant of rows; a date stands for its midnight, UTC."""
    dates = [name for name in target.business_key if name.endswith("_date")]
    column = target.time_column or target.digest_date or next(iter(dates), "")
    if not column or rows.is_empty():
        return None, None
    times = rows.get_column(column).cast(pl.Datetime("us", "UTC"))
    first, last = times.min(), times.max()
    assert isinstance(first, datetime | None)
    assert isinstance(last, datetime | None)
    return first, last
