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
MOST_LINES, MOST_SESSIONS = 40, 60  # that a heat map can carry
# What is known of a session -> its colour; green to yellow is there, blue is known not to be, red is missing.
STATE_COLOURS = {
    "complete": "#27ae60",
    "partial": "#f1c40f",
    "proven_empty": "#5dade2",
    "awaiting": "#8e44ad",
    "never_asked": "#c0392b",
    "unobtainable": "#7f8c8d",
}


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


def revisions(platform: Platform, report: WriteReport) -> str | None:
    """Draw the first releases and the latest values of a series, and between them what was revised."""
    subjects = sorted(report.subjects)[:1]
    rows = platform.store.read(table("economic.revisions"), subjects=subjects).filter(state="value")
    first = rows.group_by("observation_date", maintain_order=True).first().sort("observation_date")
    latest = rows.filter("is_latest").sort("observation_date")

    def draw(axes: Any) -> None:
        axes.vlines(*_ranges(rows), color="#aab7b8", linewidth=1, label="revised in between")
        axes.plot(first["observation_date"], first["value"], ".", markersize=3, label="first known")
        axes.plot(latest["observation_date"], latest["value"], linewidth=1, label="latest")
        axes.set(title=f"{subjects[0]}: {rows.height - first.height} revisions")
        axes.legend(fontsize=7)

    return _picture(draw) if rows.height else None


def _ranges(rows: pl.DataFrame) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return the days whose value was revised, its least and its greatest value."""
    ranges = rows.group_by("observation_date", maintain_order=True).agg(
        low=pl.col("value").min(), high=pl.col("value").max()
    )
    revised = ranges.filter(pl.col("low") < pl.col("high"))
    return revised["observation_date"], revised["low"], revised["high"]


def coverage(states: pl.DataFrame) -> str | None:
    """Draw the last sessions of those instruments that lack most, from rows of known_states()."""
    if states.is_empty():
        return None
    kind = pl.when(pl.col("state") == "present").then("status").otherwise("state")
    coded = states.select(
        pl.format("{} {} {}", "instrument_id", "interval", "source").alias("line"),
        "session_date",
        kind.replace_strict(
            {name: code for code, name in enumerate(STATE_COLOURS)}, return_dtype=pl.Int8
        ).alias("code"),
    )
    last = coded.get_column("session_date").unique().sort().tail(MOST_SESSIONS)
    shown = coded.filter(pl.col("session_date").is_in(last.implode()))
    lacking = shown.group_by("line").agg(complete=(pl.col("code") == 0).mean()).sort("complete", "line")
    lines = lacking.get_column("line").head(MOST_LINES)
    grid = shown.filter(pl.col("line").is_in(lines.implode())).pivot(
        on="session_date", index="line", values="code", sort_columns=True
    )
    return _picture(
        lambda axes: _draw_states(axes, grid.sort("line")), height=max(3.0, 0.9 + 0.16 * len(lines))
    )


def _draw_states(axes: Any, grid: pl.DataFrame) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    colours = ListedColormap(list(STATE_COLOURS.values()))
    codes = grid.drop("line").to_numpy().astype(float)
    axes.imshow(
        codes, aspect="auto", cmap=colours, vmin=0, vmax=len(STATE_COLOURS) - 1, interpolation="nearest"
    )
    axes.set_yticks(range(grid.height), grid.get_column("line"), fontsize=6)
    days = grid.columns[1:]
    ticks = range(0, len(days), max(1, len(days) // 6))
    axes.set_xticks(ticks, [days[place] for place in ticks], fontsize=6)
    legend = [Patch(color=colour, label=name.replace("_", " ")) for name, colour in STATE_COLOURS.items()]
    axes.legend(handles=legend, fontsize=6, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _picture(draw: Callable[[Any], None], height: float = 3) -> str:
    """Return Markdown that holds the drawing as a PNG of some ten kilobytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(7, height), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure.subplots())
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    # Few colours are enough for lines, and Dagster keeps the picture once for each partition of a run.
    Image.open(drawn).convert("RGB").quantize(48).save(small, "PNG", optimize=True)
    return f"![picture](data:image/png;base64,{base64.b64encode(small.getvalue()).decode()})"
