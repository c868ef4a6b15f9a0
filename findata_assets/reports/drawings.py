"""Small drawings for pages, as SVG text: the minutes of a session with the points that stand apart.

What belongs here: coordinates. What does not: colours (the page's style sheet names the classes), what is drawn when.
Only numbers that are computed here go into the text: nothing of it needs escaping.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from findata_core.quality.report import Drawing

WIDTH, HEIGHT, MARGIN = 300, 90, 6
RADIUS = 3.5


@dataclass(frozen=True)
class _Scale:
    """Where an instant and a price stand in the drawing."""

    first: float
    seconds: float
    low: float
    spread: float

    def at(self, moment: datetime, price: float) -> tuple[float, float]:
        """Return x and y, from the upper left."""
        x = MARGIN + (moment.timestamp() - self.first) / self.seconds * (WIDTH - 2 * MARGIN)
        y = HEIGHT - MARGIN - (price - self.low) / self.spread * (HEIGHT - 2 * MARGIN)
        return round(x, 1), round(y, 1)


def minutes_with_outliers(drawing: Drawing) -> str:
    """Return the drawing of a session: its closes as a line, lows to highs as a band, outliers as circles."""
    scale = _scale(drawing.minutes, drawing.outliers)
    lines = [_path("close", _closes(drawing.minutes, scale)), _path("range", _ranges(drawing.minutes, scale))]
    points = [
        scale.at(moment, price)
        for moment, price in drawing.outliers.select("event_time", "price").iter_rows()
    ]
    circles = [f'<circle class="stray" cx="{x}" cy="{y}" r="{RADIUS}"/>' for x, y in points]
    return f'<svg class="minutes" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(lines + circles)}</svg>'


def _scale(minutes: pl.DataFrame, stray: pl.DataFrame) -> _Scale:
    times = [moment.timestamp() for moment in minutes.get_column("event_time")]
    prices = pl.concat([minutes.get_column("low"), minutes.get_column("high"), stray.get_column("price")])
    low, high = float(prices.min() or 0), float(prices.max() or 0)  # type: ignore[arg-type]
    return _Scale(min(times), max(times) - min(times) or 1, low, high - low or 1)


def _closes(minutes: pl.DataFrame, scale: _Scale) -> str:
    """Return a line through the closes; a stretch without bars is a gap in it."""
    steps, before = [], None
    for moment, close in minutes.select("event_time", "close").iter_rows():
        x, y = scale.at(moment, close)
        is_next = before is not None and (moment - before).total_seconds() <= 60
        steps.append(f"{'L' if is_next else 'M'}{x} {y}")
        before = moment
    return "".join(steps)


def _ranges(minutes: pl.DataFrame, scale: _Scale) -> str:
    """Return a stroke from the low to the high of each minute."""
    strokes = []
    for moment, low, high in minutes.select("event_time", "low", "high").iter_rows():
        (x, lower), (_, upper) = scale.at(moment, low), scale.at(moment, high)
        strokes.append(f"M{x} {lower}V{upper}")
    return "".join(strokes)


def _path(name: str, steps: str) -> str:
    return f'<path class="{name}" d="{steps}"/>'
