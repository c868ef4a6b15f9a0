"""How far two figures may lie apart before that is a break: one line per comparison and field.

What belongs here: the figures, with where each comes from. What does not: comparing (reconciliation), sick
volume, which no single figure shows (volumes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from findata_core.errors import ConfigurationError
from findata_core.exchanges import EXCHANGES, mic_of


@dataclass(frozen=True)
class Tolerance:
    """The left figure may lie from right * (1 - below) - absolute to right * (1 + above) + absolute.

    `country`: of the exchanges that the line is for (ISO 3166); "" for those that no other line names.
    """

    kind: str
    field: str
    below: float
    above: float
    absolute: float = 0.0
    country: str = ""


# Sources round prices to cents, some of them bars that others give with four places: half a cent on either
# side is no difference. In price units; in pence it is next to nothing.
CENT = 0.01
# A round lot: odd lots enter one tape and not the other.
LOT = 100

# Sorted by comparison, field and country. "Seen" is what the recorded sets show (Yahoo, MSFT and AZN.L 2022 and
# 2024; Alpha Vantage, 24 names of 2019), sessions with all their minutes.
TOLERANCES = (
    # candles_bars: one source at two widths. Seen: of Yahoo's 3,826 five-minute bars 99.8 % have our prices to
    # the last digit, of Alpha Vantage's 2,462 bars of 15 minutes 99 % lie within 0.07 %.
    Tolerance("candles_bars", "close", 0.001, 0.001, CENT),
    Tolerance("candles_bars", "high", 0.001, 0.001, CENT),
    Tolerance("candles_bars", "low", 0.001, 0.001, CENT),
    Tolerance("candles_bars", "open", 0.001, 0.001, CENT),
    # Seen: Yahoo 99 % within 4 %, Alpha Vantage 95 % within 5.6 %: trades that were corrected in one of the two.
    Tolerance("candles_bars", "volume", 0.10, 0.10, LOT),
    # minutes_daily: the official open and close are prices of auctions. Seen: the close differs from that of the
    # last minute by up to 0.3 %, and the open from that of the first by as much (99 % of the sessions).
    Tolerance("minutes_daily", "close", 0.003, 0.003, CENT),
    # Seen: highs and lows agree within 0.06 %.
    Tolerance("minutes_daily", "high", 0.0006, 0.0006, CENT),
    Tolerance("minutes_daily", "low", 0.0006, 0.0006, CENT),
    Tolerance("minutes_daily", "open", 0.003, 0.003, CENT),
    # A day has auctions, hours around the session and late reports that its minutes lack, so minutes sum to less,
    # and never to more. Seen in London: 17 to 64 %, because large trades are reported off the book.
    Tolerance("minutes_daily", "volume", 0.90, 0.0, LOT),
    # Seen on the tapes of the United States: 51 to 97 %.
    Tolerance("minutes_daily", "volume", 0.55, 0.0, LOT, country="US"),
    # providers: two sources of the same trades. Seen: of 283 daily bars of MSFT from two sources 99 % agree within
    # 0.006 %; minutes are cut off at slightly different instants, which a tenth of a percent allows for.
    Tolerance("providers", "close", 0.001, 0.001, CENT),
    Tolerance("providers", "high", 0.001, 0.001, CENT),
    Tolerance("providers", "low", 0.001, 0.001, CENT),
    Tolerance("providers", "open", 0.001, 0.001, CENT),
    # Seen: 99 % of those daily bars within 9.7 %, all within 17.2 %.
    Tolerance("providers", "volume", 0.20, 0.20, LOT),
)


def allowed_distance(kind: str, field: str) -> pl.Expr:
    """The greatest distance allowed between left_<field> and right_<field> of rows with instrument_id.

    On the side that the left figure is on. ConfigurationError where the catalogue has no such line.
    """
    lines = list(_lines_of(kind, field))
    country = mic_of(pl.col("instrument_id")).replace_strict(
        {mic: exchange.country for mic, exchange in EXCHANGES.items()}, default="", return_dtype=pl.String
    )
    chosen = _distance(lines[0])
    for line in lines[1:]:
        chosen = pl.when(country == line.country).then(_distance(line)).otherwise(chosen)
    return chosen


def _lines_of(kind: str, field: str) -> Iterator[Tolerance]:
    """Yield the lines of a comparison's field, the one for everywhere first."""
    lines = [line for line in TOLERANCES if (line.kind, line.field) == (kind, field)]
    if not lines:
        raise ConfigurationError(
            f"No tolerance is stated for {field} in {kind}",
            "Add its line to findata_core/quality/tolerances.py",
        )
    return iter(sorted(lines, key=lambda line: line.country))


def _distance(line: Tolerance) -> pl.Expr:
    left, right = pl.col(f"left_{line.field}"), pl.col(f"right_{line.field}")
    share = pl.when(left < right).then(line.below).otherwise(line.above)
    return share * right.abs() + line.absolute
