"""Days of sessions: the span of some, and the sessions in it, without a query over forty years of them.

What belongs here: choosing by day. What does not: what a session is (calendars), what is done with it.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from findata_core.schema.runs import rows_at

EPOCH = date(1970, 1, 1).toordinal()  # from which Polars counts days


def span_of(days: pl.Series) -> tuple[date, date] | None:
    """Return the first and the last of the days, both inclusive; None where there is none."""
    first, last = days.min(), days.max()
    return (first, last) if isinstance(first, date) and isinstance(last, date) else None


def rows_of_days(sessions: pl.DataFrame, span: tuple[date, date] | None) -> pl.DataFrame:
    """Return the rows with a session_date in the span, both ends inclusive."""
    if span is None:
        return sessions.clear()
    first, last = (day.toordinal() - EPOCH for day in span)
    days = sessions.get_column("session_date").cast(pl.Int32).to_numpy()
    return rows_at(sessions, np.flatnonzero((days >= first) & (days <= last)))
