"""The split of a batch into good rows and failures, rule by rule over the whole catalogue of tables."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from findata_core.rules import RULES
from findata_core.schema.frames import polars_schema
from findata_core.schema.tables import Column, ColumnKind, Table, table, tables
from findata_core.schema.validation import KEY_NOT_INCREASING, reasons, validate
from tests.schema.good_rows import CLOSE, OPEN, frame_of, good_row

ADDRESSES = [item.address for item in tables()]
SECOND = timedelta(seconds=1)
NOT_A_NUMBER = float("nan")

OHLC: dict[str, list[dict[str, Any]]] = {
    "high_not_highest": [{"high": 254.0}, {"high": 253.7, "close": 253.8}, {"open": 255.0}],
    "low_not_lowest": [{"low": 254.0}, {"close": 253.0}, {"open": 253.0}],
    "price_not_positive": [{"low": 0.0}, {"low": -1.0}],
    "price_not_finite": [{"high": float("inf")}, {"close": NOT_A_NUMBER}, {"open": NOT_A_NUMBER}],
}
# (message, rule) -> changes to the good row, each of which breaks the rule
BREAKS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "findata.economic.v1.FxRate": {
        "priced_in_itself": [{"quote": "EUR"}],
        "rate_not_finite": [{"rate": float("inf")}],
    },
    "findata.economic.v1.IndexLevel": {
        "high_below_low": [{"high_level": 17.0}, {"low_level": 18.0}],
        "level_not_finite": [{"level": float("inf")}],
        "level_not_positive": [{"level": 0.0}],
    },
    "findata.economic.v1.IndexMember": {
        "ends_before_it_begins": [{"to_date": date(1996, 1, 1)}],
        "spells_overlap": [],  # two rows break it: test_two_spells_that_share_a_day_are_both_refused
    },
    "findata.economic.v1.Observation": {
        "value_not_finite": [{"value": float("inf")}],
        "value_unreadable": [{"value": None}, {"state": "missing"}, {"state": "withdrawn"}],
        "vintage_is_no_day": [{"vintage_date": date(9999, 12, 31)}],
    },
    "findata.market.v1.Bar": {
        **OHLC,
        "stamp_off_the_minute": [{"event_time": OPEN + SECOND}],
        "settles_too_early": [{"settles_time": OPEN - SECOND}],
    },
    "findata.market.v1.Candle": {
        **OHLC,
        "more_than_expected": [{"present_minutes": 61, "is_complete": False}],
        "completeness_wrong": [{"is_complete": False}, {"present_minutes": 59}],
        "ends_before_it_starts": [{"available_time": OPEN}],
    },
    "findata.market.v1.PeriodCandle": {
        **OHLC,
        "more_than_expected": [{"present_sessions": 6}, {"present_minutes": 1951}],
        "ends_before_it_starts": [{"available_time": OPEN - timedelta(days=30)}],
    },
    "findata.rates.v1.PublishedAverage": {"rate_unknown": [{"rate": "EFFR"}]},
    "findata.rates.v1.ReferenceRate": {
        "percentiles_not_ordered": [
            {"percentile_1_percent": 0.79},
            {"percentile_75_percent": 0.77},
            {"percentile_99_percent": 0.1},
        ],
        "rate_unknown": [{"rate": "LIBOR"}],
    },
    "findata.reference.v1.Dividend": {"amount_not_positive": [{"amount": Decimal(0)}]},
    "findata.reference.v1.ExchangeSession": {
        "closes_before_it_opens": [
            {"close_time": OPEN - timedelta(days=1), "break_start_time": None, "break_end_time": None}
        ],
        "break_outside_session": [
            {"break_start_time": OPEN - timedelta(days=1)},
            {"break_end_time": OPEN + timedelta(days=1)},
        ],
    },
    "findata.reference.v1.Listing": {
        "ends_before_it_begins": [{"to_date": date(1986, 3, 12)}],
        "means_two_securities": [],  # that takes two rows: tests/reference/test_securities.py
        "unknown_mic": [{"mic": "XXXX"}],
    },
    "findata.reference.v1.Split": {
        "ratio_is_one": [{"denominator": 2}],
        "ratio_not_whole": [{"numerator": None}],
    },
    "findata.signals.v1.PivotLevels": {
        "levels_not_ordered": [{"r1": 14.0}, {"s1": 12.5}, {"s2": 9.5}],
        "never_valid": [{"valid_until_time": OPEN - timedelta(days=10)}],
    },
}


def rules_broken(declared: Table, **changes: Any) -> set[str]:
    rows = frame_of(declared, {**good_row(declared), **changes})
    validated = validate(declared, rows)
    assert validated.good.height == (0 if validated.failures.height else 1)
    return set(validated.failures.get_column("rule"))


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_good_row_breaks_nothing(address: str) -> None:
    assert rules_broken(table(address)) == set()


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_rows_break_nothing(address: str) -> None:
    rows = pl.DataFrame(schema=polars_schema(table(address)))

    validated = validate(table(address), rows)

    assert validated.good.schema == rows.schema
    assert validated.failures.is_empty()


def test_every_domain_rule_has_a_row_that_breaks_it() -> None:
    assert {message: sorted(rule.name for rule in rules) for message, rules in RULES.items()} == {
        message: sorted(breaks) for message, breaks in BREAKS.items()
    }


@pytest.mark.parametrize(
    ("message", "rule", "changes"),
    [
        (message, rule, changes)
        for message, breaks in BREAKS.items()
        for rule, all_changes in breaks.items()
        for changes in all_changes
    ],
)
def test_a_row_that_breaks_a_domain_rule_is_told_so(message: str, rule: str, changes: dict[str, Any]) -> None:
    for declared in (item for item in tables() if item.message == message):
        assert rule in rules_broken(declared, **changes)


def column_breaks(column: Column) -> dict[str, Any]:
    """For each rule that the column's options make, a value that breaks it."""
    breaks: dict[str, Any] = {}
    number = int if column.kind in (ColumnKind.INT32, ColumnKind.INT64) else float
    if not column.is_nullable:
        breaks[f"{column.name}_null"] = None
    if column.minimum is not None:
        breaks[f"{column.name}_below_minimum"] = number(column.minimum - 1)
    if column.maximum is not None:
        breaks[f"{column.name}_above_maximum"] = number(column.maximum + 1)
    if column.allowed:
        breaks[f"{column.name}_not_allowed"] = "neither"
    if column.pattern:
        breaks[f"{column.name}_malformed"] = "not like this\n"
    return breaks


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_bound_of_each_column_is_held(address: str) -> None:
    declared = table(address)
    breaks = {rule: (c, value) for c in declared.columns for rule, value in column_breaks(c).items()}
    rows = [{**good_row(declared), column.name: value} for column, value in breaks.values()]

    failures = validate(declared, frame_of(declared, *rows)).failures

    told = set(failures.select("row_number", "rule").rows())
    for number, rule in enumerate(breaks):
        assert (number, rule) in told, rule
    domain = {rule for rules in [BREAKS.get(declared.message, {})] for rule in rules}
    assert set(reasons(declared)) == breaks.keys() | domain | {KEY_NOT_INCREASING}


def test_bounds_are_inclusive() -> None:
    sessions = table("reference.sessions")

    assert rules_broken(sessions, trading_minutes=1) == set()
    assert rules_broken(sessions, trading_minutes=1440) == set()
    assert rules_broken(sessions, trading_minutes=1441) == {"trading_minutes_above_maximum"}


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_second_row_of_a_key_is_refused_and_the_first_kept(address: str) -> None:
    declared = table(address)
    row = good_row(declared)

    validated = validate(declared, frame_of(declared, row, row))

    assert validated.good.height == 1
    assert validated.failures.rows() == [
        (1, KEY_NOT_INCREASING, f"({', '.join(declared.business_key)}) is not unique")
    ]


def test_only_the_bad_rows_of_a_batch_are_refused_and_each_names_all_its_rules() -> None:
    bars = table("market.bars")
    minutes = [good_row(bars) | {"event_time": OPEN + timedelta(minutes=n)} for n in range(4)]
    minutes[1] |= {"volume": -1, "high": 254.0}
    minutes[3] |= {"session_phase": None}

    validated = validate(bars, frame_of(bars, *minutes))

    assert validated.good.get_column("event_time").to_list() == [
        minutes[0]["event_time"],
        minutes[2]["event_time"],
    ]
    assert validated.failures.select("row_number", "rule").rows() == [
        (1, "high_not_highest"),
        (1, "volume_below_minimum"),
        (3, "session_phase_null"),
    ]
    assert validated.failures.get_column("reason").to_list()[1] == "volume is below 0"


def test_levels_that_a_variant_does_not_have_are_no_failure() -> None:
    pivots = table("signals.weekly_pivots")
    absent = dict.fromkeys(["r2", "r3", "s2", "s3"])

    assert rules_broken(pivots, variant="demark", **absent) == set()


def test_woodies_levels_may_change_places_when_the_week_opens_far_away() -> None:
    pivots = table("signals.weekly_pivots")

    assert rules_broken(pivots, variant="woodie_open", r1=20.0) == set()


def test_a_frame_of_another_shape_is_refused_as_a_whole() -> None:
    bars = table("market.bars")
    rows = frame_of(bars, good_row(bars)).with_columns(pl.col("volume").cast(pl.Float64))

    validated = validate(bars, rows)

    assert validated.good.is_empty()
    assert validated.failures.get_column("row_number").to_list() == [-1]


def test_two_spells_that_share_a_day_are_both_refused() -> None:
    members = table("economic.index_members")
    row = good_row(members)

    validated = validate(
        members, frame_of(members, row, {**row, "from_date": row["to_date"], "to_date": None})
    )

    assert validated.good.is_empty()
    assert validated.failures.get_column("rule").to_list() == ["spells_overlap"] * 2


def test_a_bar_of_a_session_without_a_break_is_good() -> None:
    sessions = table("reference.sessions")

    assert rules_broken(sessions, break_start_time=None, break_end_time=None) == set()
    assert rules_broken(sessions, close_time=CLOSE) == set()
