"""Which source speaks for a rate on a day where several have told it.

The administrator's own figure, else that of the source that comes first by name. Fixings are taken as whole rows: their
percentiles belong to their rate. Of published averages each figure is taken by itself: FRED gives each measure as a
series, so that each comes from a file of its own. What does not belong here: comparing sources.
"""

import polars as pl

ADMINISTRATOR = "nyfed"
KEY = ["rate", "observation_date"]
FIGURES = ("average_30day_percent", "average_90day_percent", "average_180day_percent", "index_value")


def preferred_fixings(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row of rates.rates per rate and day."""
    return _ranked(rows).unique(KEY, keep="first", maintain_order=True)


def merged_averages(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per rate and day of rows of rates.published_averages.

    Besides the table's columns, `<figure>.source` and `<figure>.ingest_time` say where each figure is from.
    """
    others = [name for name in rows.columns if name not in (*KEY, *FIGURES)]
    told = {
        name: pl.col(taken).filter(pl.col(figure).is_not_null()).first()
        for figure in FIGURES
        for name, taken in (
            (figure, figure),
            (f"{figure}.source", "source"),
            (f"{figure}.ingest_time", "ingest_time"),
        )
    }
    first = {name: pl.col(name).first() for name in others}
    return _ranked(rows).group_by(KEY, maintain_order=True).agg(**first, **told)


def contradicting_sources(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of rates.rates of the days on which sources give different rates."""
    differs = pl.col("rate_percent").n_unique().over(KEY) > 1
    return rows.filter(differs).sort(*KEY, "source")


def _ranked(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort(*KEY, pl.col("source") != ADMINISTRATOR, "source")
