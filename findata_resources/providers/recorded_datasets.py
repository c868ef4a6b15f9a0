"""The datasets that a manifest may name: their columns, their layouts, and the keys without which they can't be read.

What belongs here: the catalogue by dataset. How a manifest is checked against it is in recorded_manifest.py.
"""

from __future__ import annotations

from collections.abc import Mapping

BAR_COLUMNS = ("open", "high", "low", "close", "volume")
OPTIONAL_BAR_COLUMNS = ("vwap", "trade_count")
RATE_COLUMNS = (
    "rate_percent",
    "percentile_1_percent",
    "percentile_25_percent",
    "percentile_75_percent",
    "percentile_99_percent",
    "volume_billions_usd",
    "target_from_percent",
    "target_to_percent",
    "revision_indicator",
    "footnote_id",
    "intraday_low_percent",
    "intraday_high_percent",
    "standard_deviation_percent",
)
ACTION_COLUMNS = ("ratio", "numerator", "denominator", "amount", "currency", "kind")
LISTING_COLUMNS = (
    "mic",
    "from_date",
    "to_date",
    "source_id",
    "name",
    "security_type",
    "currency",
    "cik",
    "gics_sector",
    "gics_sub_industry",
    "sector",
    "industry",
    "country",
    "listed_date",
    "delisted_date",
)
LEVEL_COLUMNS = ("level", "open_level", "high_level", "low_level")
MEMBER_COLUMNS = ("symbol", "from_date", "to_date")
AVERAGE_COLUMNS = ("average_30day_percent", "average_90day_percent", "average_180day_percent", "index_value")

# dataset -> names that `columns` may map. Sorted.
KNOWN_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "actions": ACTION_COLUMNS,
    "bars": BAR_COLUMNS + OPTIONAL_BAR_COLUMNS,
    "fx": (),
    "index_levels": LEVEL_COLUMNS,
    "index_members": MEMBER_COLUMNS,
    "observations": ("value",),
    "rates": ("rate", *RATE_COLUMNS, *AVERAGE_COLUMNS),
    "securities": LISTING_COLUMNS,
    "series": (),
    "vintages": (),
}
# dataset -> keys without which its files can't be read. Sorted.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "actions": ("instrument", "time", "adjustment"),
    "fx": (),
    "index_levels": ("index", "time"),
    "index_members": ("index", "until"),
    "observations": ("series", "time"),
    "securities": ("instrument",),
    "series": (),
    "vintages": ("series",),
}
# dataset -> columns that it must map. Sorted.
MAPPED: Mapping[str, tuple[str, ...]] = {
    "index_levels": ("level",),
    "index_members": MEMBER_COLUMNS,
    "observations": ("value",),
}
# dataset -> layouts that it may have. Sorted.
FORMATS: Mapping[str, tuple[str, ...]] = {
    "actions": ("csv", "lean_factors", "parquet"),
    "bars": ("csv", "parquet"),
    "fx": ("ecb_csv",),
    "index_levels": ("csv", "parquet"),
    "index_members": ("csv", "parquet"),
    "observations": ("csv", "fred_json", "parquet"),
    "rates": ("csv", "nyfed_export", "nyfed_json", "parquet"),
    "securities": ("csv", "json", "lean_map", "parquet"),
    "series": ("fred_json",),
    "vintages": ("fred_json",),
}
