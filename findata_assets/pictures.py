"""Small pictures for the metadata of materializations, where a person would look for one.

Each returns Markdown with an embedded PNG, or None when there is nothing to draw. matplotlib is only
imported when something is drawn: every process that loads the definitions would pay for it.
"""

import base64
import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import polars as pl

from findata_assets.steps.platform import Platform
from findata_core.schema.tables import table
from findata_resources.stores.reports import WriteReport

MOST_SUBJECTS = 6  # lines that a small picture can carry
STATUS_CODES = {"missing": 0, "partial": 1, "complete": 2}


def closes(platform: Platform, report: WriteReport, start: date, end: date) -> str | None:
    """Draw the closes of the 5-minute candles, each relative to its first."""
    subjects = sorted(report.subjects)[:MOST_SUBJECTS]
    first = max(start, end - timedelta(days=31))
    rows = platform.read("market.candles", first, end, pl.Series(subjects), "5m")

    def draw(axes: Any) -> None:
        for (subject,), part in rows.group_by(["instrument_id"], maintain_order=True):
            relative = part.get_column("close") / part.get_column("close")[0] * 100
            axes.plot(range(len(relative)), relative, linewidth=1, label=subject)
        axes.set(ylabel="close, first = 100", xlabel="5-minute candles, sessions end to end")
        axes.legend(fontsize=7)

    return _picture(draw) if rows.height else None


def levels(platform: Platform, report: WriteReport) -> str | None:
    """Draw the traditional levels of the first instrument by week."""
    subjects = sorted(report.subjects)[:1]
    rows = (
        platform.store.read(table("signals.weekly_pivots"), subjects=subjects)
        .filter(pl.col("variant") == "traditional", pl.col("source_interval") == "1d")
        .tail(12)
    )

    def draw(axes: Any) -> None:
        weeks = rows.get_column("window_start_date").cast(pl.String).to_list()
        for name in ("s3", "s2", "s1", "pp", "r1", "r2", "r3"):
            axes.step(weeks, rows.get_column(name), where="mid", label=name, linewidth=1)
        axes.set(title=f"{subjects[0]}, traditional", xlabel="week the levels come from")
        axes.tick_params(axis="x", rotation=45, labelsize=7)
        axes.legend(fontsize=7, ncols=4)

    return _picture(draw) if rows.height else None


def averages(platform: Platform, report: WriteReport) -> str | None:
    """Draw the recomputed averages with the published ones as dots."""
    rows = platform.store.read(table("rates.averages"), subjects=report.subjects).filter(
        pl.col("measure") != "index"
    )

    def draw(axes: Any) -> None:
        for (measure,), part in rows.group_by(["measure"], maintain_order=True):
            days = part.get_column("observation_date").to_list()
            axes.plot(days, part.get_column("recomputed"), linewidth=1, label=measure)
            axes.plot(days, part.get_column("published"), ".", markersize=2, color="black")
        axes.set(ylabel="percent", title="recomputed (lines), published (dots)")
        axes.legend(fontsize=7)

    return _picture(draw) if rows.height else None


def coverage(platform: Platform, report: WriteReport) -> str | None:
    """Draw the last sessions of the instruments: complete, partial, missing."""
    subjects = literal_subjects(report)
    rows = platform.store.database.frame(_coverage_query(subjects))
    if rows.is_empty():
        return None
    codes = rows.with_columns(pl.col("status").replace_strict(STATUS_CODES, return_dtype=pl.Int8))
    grid = codes.pivot(on="session_date", index="line", values="status", sort_columns=True).sort("line")

    def draw(axes: Any) -> None:
        from matplotlib.colors import ListedColormap

        colours = ListedColormap(["#c0392b", "#f1c40f", "#27ae60"])
        axes.imshow(
            grid.drop("line").to_numpy(), aspect="auto", cmap=colours, vmin=0, vmax=2, interpolation="nearest"
        )
        axes.set_yticks(range(grid.height), grid.get_column("line"), fontsize=6)
        axes.set(
            xlabel=f"sessions {grid.columns[1]} .. {grid.columns[-1]}",
            title="green complete, yellow partial, red missing",
        )

    return _picture(draw)


def literal_subjects(report: WriteReport) -> list[str]:
    """Return as many instruments as a heat map can carry."""
    return sorted(report.subjects)[:40]


def _coverage_query(subjects: list[str]) -> Any:
    from psycopg import sql

    from findata_resources.stores.database import literal_list

    return sql.SQL(
        "SELECT instrument_id || ' ' || interval || ' ' || source AS line, session_date, status FROM ops.coverage "
        "WHERE instrument_id = ANY({subjects}) AND session_date IN (SELECT DISTINCT session_date FROM ops.coverage "
        "WHERE instrument_id = ANY({subjects}) ORDER BY 1 DESC LIMIT 60)"
    ).format(subjects=literal_list(subjects, "text"))


def _picture(draw: Callable[[Any], None]) -> str:
    """Return Markdown that holds the drawing as a PNG of some ten kilobytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(7, 3), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure.subplots())
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    # Few colours are enough for lines, and Dagster keeps the picture once for each partition of a run.
    Image.open(drawn).convert("RGB").quantize(24).save(small, "PNG", optimize=True)
    return f"![picture](data:image/png;base64,{base64.b64encode(small.getvalue()).decode()})"
