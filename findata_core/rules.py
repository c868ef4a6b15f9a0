"""The domain rules of each table: what a good row is, beyond columns and their bounds.

A rule is a Polars expression over the table's columns that is true (or null) for a good row. The same
rules split a batch into good rows and quarantine before it is stored, and check what is stored. Rules
that need the calendar or other tables are in findata_core/market and findata_core/quality.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from findata_core.economic.memberships import overlaps
from findata_core.exchanges import EXCHANGES
from findata_core.rates.catalogue import AVERAGES_OF, RATES


@dataclass(frozen=True)
class Rule:
    """A named rule; `reason` says in words what a row that breaks it has."""

    name: str
    is_good: pl.Expr
    reason: str


OHLC_RULES = (
    Rule(
        "high_not_highest",
        pl.col("high") >= pl.max_horizontal("open", "low", "close"),
        "high is below open, low or close",
    ),
    Rule(
        "low_not_lowest",
        pl.col("low") <= pl.min_horizontal("open", "high", "close"),
        "low is above open, high or close",
    ),
    Rule("price_not_positive", pl.col("low") > 0, "a price is zero or negative"),
    Rule(
        "price_not_finite",
        (pl.col("high") - pl.col("low")).is_finite() & (pl.col("open") + pl.col("close")).is_finite(),
        "a price is not a finite number",
    ),
)

ORDERED_PERCENTILES = (
    (pl.col("percentile_1_percent") <= pl.col("percentile_25_percent"))
    & (pl.col("percentile_25_percent") <= pl.col("percentile_75_percent"))
    & (pl.col("percentile_75_percent") <= pl.col("percentile_99_percent"))
)

RELATIVE_ROUNDING = 1e-9  # levels of a flat week differ by the last bits of their arithmetic


def _is_at_most(lower: str, upper: str) -> pl.Expr:
    """Tell whether one level is not above another, but for rounding; null where a variant lacks one."""
    return pl.col(lower) <= pl.col(upper) + pl.col("pp").abs() * RELATIVE_ROUNDING


_NAME = ["payload_id", "source", "symbology", "symbol", "mic"]


def _overlaps_neighbour(distance: int) -> pl.Expr:
    """Tell whether the spell before (1) or after (-1), of the same name, shares a date and means something else."""

    def beside(name: str) -> pl.Expr:
        return pl.col(name).shift(distance).over(_NAME, order_by="from_date")

    forever = pl.lit(date.max)
    meets = (beside("from_date") <= pl.col("to_date").fill_null(forever)) & (
        pl.col("from_date") <= beside("to_date").fill_null(forever)
    )
    is_other = beside("source_id") != pl.col("source_id")
    return (meets & is_other).fill_null(value=False)


RULES: Mapping[str, tuple[Rule, ...]] = {
    "findata.economic.v1.FxRate": (
        Rule("rate_not_finite", pl.col("rate").is_finite(), "the rate is not a finite number"),
        Rule("priced_in_itself", pl.col("base") != pl.col("quote"), "base and quote are the same currency"),
    ),
    "findata.economic.v1.IndexLevel": (
        Rule("level_not_positive", pl.col("level") > 0, "the level is zero"),
        Rule("level_not_finite", pl.col("level").is_finite(), "the level is not a finite number"),
        Rule(
            "high_below_low",
            pl.col("high_level") >= pl.col("low_level"),
            "the highest level is below the lowest",
        ),
    ),
    "findata.economic.v1.IndexMember": (
        Rule(
            "ends_before_it_begins",
            pl.col("to_date") >= pl.col("from_date"),
            "the spell ends before it begins",
        ),
        Rule("spells_overlap", ~overlaps(), "another spell of the symbol holds some of its days"),
    ),
    "findata.economic.v1.Observation": (
        Rule(
            "value_unreadable",
            (pl.col("state") == "value") == pl.col("value").is_not_null(),
            "the value is neither a number nor the source's mark of a missing one",
        ),
        Rule("value_not_finite", pl.col("value").is_finite(), "the value is not a finite number"),
        Rule(
            "vintage_is_no_day",
            pl.col("vintage_date") < date(9999, 1, 1),
            "the vintage is no day of a calendar",
        ),
    ),
    "findata.market.v1.Bar": (
        *OHLC_RULES,
        Rule(
            "stamp_off_the_minute",
            pl.col("event_time").dt.timestamp("us") % 60_000_000 == 0,
            "the stamp is not on a whole minute",
        ),
        Rule(
            "settles_too_early", pl.col("settles_time") >= pl.col("event_time"), "it settles before it starts"
        ),
    ),
    "findata.market.v1.Candle": (
        *OHLC_RULES,
        Rule(
            "more_than_expected",
            pl.col("present_minutes") <= pl.col("expected_minutes"),
            "more minutes are present than the calendar expects",
        ),
        Rule(
            "completeness_wrong",
            pl.col("is_complete") == (pl.col("present_minutes") == pl.col("expected_minutes")),
            "is_complete does not follow from the minutes",
        ),
        Rule("ends_before_it_starts", pl.col("available_time") > pl.col("event_time"), "it has no width"),
    ),
    "findata.market.v1.PeriodCandle": (
        *OHLC_RULES,
        Rule(
            "more_than_expected",
            (pl.col("present_sessions") <= pl.col("expected_sessions"))
            & (pl.col("present_minutes") <= pl.col("expected_minutes")),
            "more is present than the calendar expects",
        ),
        Rule("ends_before_it_starts", pl.col("available_time") > pl.col("event_time"), "it has no width"),
    ),
    "findata.rates.v1.PublishedAverage": (
        Rule(
            "rate_unknown",
            pl.col("rate").is_in(list(AVERAGES_OF.values())),
            f"no averages are published of other rates than {', '.join(AVERAGES_OF.values())}",
        ),
    ),
    "findata.rates.v1.ReferenceRate": (
        Rule("percentiles_not_ordered", ORDERED_PERCENTILES, "the percentiles are not in order"),
        Rule("rate_unknown", pl.col("rate").is_in(list(RATES)), f"the rate is none of {', '.join(RATES)}"),
    ),
    "findata.reference.v1.Dividend": (Rule("amount_not_positive", pl.col("amount") > 0, "nothing is paid"),),
    "findata.reference.v1.ExchangeSession": (
        Rule(
            "closes_before_it_opens", pl.col("close_time") > pl.col("open_time"), "it closes before it opens"
        ),
        Rule(
            "break_outside_session",
            (pl.col("break_start_time") > pl.col("open_time"))
            & (pl.col("break_end_time") > pl.col("break_start_time"))
            & (pl.col("close_time") > pl.col("break_end_time")),
            "the break does not lie inside the session",
        ),
    ),
    "findata.reference.v1.Listing": (
        Rule(
            "unknown_mic",
            pl.col("mic").is_in(["", *EXCHANGES]),
            "no exchange of the catalogue has this market identifier code",
        ),
        Rule(
            "ends_before_it_begins",
            pl.col("to_date") >= pl.col("from_date"),
            "the name ends before it begins",
        ),
        Rule(
            "means_two_securities",
            ~(_overlaps_neighbour(1) | _overlaps_neighbour(-1)),
            "the same source says of the same name, on some of these dates, that it means another security",
        ),
    ),
    "findata.reference.v1.Split": (
        Rule("ratio_not_whole", pl.col("numerator").is_not_null(), "the ratio is none of two whole numbers"),
        Rule("ratio_is_one", pl.col("numerator") != pl.col("denominator"), "the number of shares stays"),
    ),
    "findata.signals.v1.PivotLevels": (
        Rule(
            "levels_not_ordered",
            # Woodie's first and second levels change places when the week opens far from P.
            pl.col("variant").is_in(["woodie_open"])
            | (_is_at_most("s2", "s1") & _is_at_most("s1", "r1") & _is_at_most("r1", "r2")),
            "supports and resistances are not in order",
        ),
        Rule(
            "never_valid",
            pl.col("valid_until_time") > pl.col("valid_from_time"),
            "the levels end before they begin",
        ),
    ),
}


def rules_of(message: str) -> tuple[Rule, ...]:
    """Return the domain rules of a proto message's tables; most reference tables have none."""
    return RULES.get(message, ())
