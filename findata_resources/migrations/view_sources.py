"""Which tables the rows of each view come from: the one place that changes when the storage does.

A column of a view is the table's column of that name, unless a source says by what expression it is made. What the
views promise is declared in proto/findata/reader/v1 and does not change with the storage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Source:
    """A table (t in expressions), and the columns that are not simply the table's.

    `widths`: what holds for all its rows, said for the planner, which then leaves the table out where it can't be met.
    """

    table: str
    columns: Mapping[str, str] = field(default_factory=dict)
    widths: str = ""


_NO_PERIOD = {
    "period_start_date": "NULL",
    "period_end_date": "NULL",
    "expected_sessions": "NULL",
    "present_sessions": "NULL",
}

# The width is said as a constant, so that the planner leaves out a table that can't have the width asked for.
SOURCES: dict[str, tuple[Source, ...]] = {
    "averages": (Source("rates.averages"),),
    "bars": (
        Source("market.bars", widths="t.interval <> '1d'"),
        Source("market.bars_1d", {"interval": "'1d'"}),
    ),
    "candles": (
        Source("market.candles", _NO_PERIOD, "t.interval NOT IN ('1w', '1mo')"),
        Source("market.weekly_candles", {"interval": "'1w'", "session_date": "NULL"}),
        Source("market.monthly_candles", {"interval": "'1mo'", "session_date": "NULL"}),
    ),
    "coverage": (Source("ops.coverage"),),
    "dividends": (Source("reference.dividends"),),
    "instruments": (Source("reference.instruments"),),
    "observations": (Source("economic.observations"),),
    "pivots": (Source("signals.weekly_pivots"),),
    "rates": (Source("rates.rates"),),
    "series": (Source("economic.series"),),
    "sessions": (Source("reference.sessions"),),
    "signals": (Source("signals.pivot_signals"),),
    "splits": (Source("reference.splits"),),
}
SOURCES["latest_candles"] = SOURCES["candles"]

# Views of the last row of a kind: the kinds that there may be, and the order in which the last one is found. Each kind
# is looked up by the primary key; to go through all rows would take as long as there are rows.
_EACH = "reference.instruments AS i CROSS JOIN (VALUES {}) AS k (interval, source_interval)"
_KINDS = (
    "t.instrument_id = i.instrument_id AND t.interval = k.interval AND t.source_interval = k.source_interval"
)
_KEYS = {"instrument_id": "i.instrument_id", "interval": "k.interval", "source_interval": "k.source_interval"}
_WIDTHS = [*((width, "1m") for width in ("5m", "15m", "30m", "1h", "4h", "1d")), ("1d", "1d")]


def _each(kinds: list[tuple[str, str]]) -> str:
    return _EACH.format(", ".join(f"('{width}', '{source}')" for width, source in kinds))


@dataclass(frozen=True)
class Last:
    """One row for each of `each`: the last by `order` among the rows of the table for which `condition` holds.

    `keys`: the columns that name a kind, taken from `each`: who asks for one kind has only that one looked up.
    """

    each: str
    condition: str
    order: str
    keys: Mapping[str, str]


# view -> table -> how its last rows are found
LASTS: dict[str, dict[str, Last]] = {
    "latest_candles": {
        "market.candles": Last(_each(_WIDTHS), _KINDS, "t.event_time DESC", _KEYS),
        "market.weekly_candles": Last(
            _each([("1w", "1m"), ("1w", "1d")]), _KINDS, "t.period_start_date DESC", _KEYS
        ),
        "market.monthly_candles": Last(
            _each([("1mo", "1m"), ("1mo", "1d")]), _KINDS, "t.period_start_date DESC", _KEYS
        ),
    }
}
