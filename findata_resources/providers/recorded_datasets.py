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
)
LEVEL_COLUMNS = ("level", "open_level", "high_level", "low_level")
MEMBER_COLUMNS = ("symbol", "from_date", "to_date")
AVERAGE_COLUMNS = ("average_30day_percent", "average_90day_percent", "average_180day_percent", "index_value")

# dataset -> names that `columns` may map. Sorted.
KNOWN_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "bars": BAR_COLUMNS + OPTIONAL_BAR_COLUMNS,
    "fx": (),
    "index_levels": LEVEL_COLUMNS,
    "index_members": MEMBER_COLUMNS,
    "observations": ("value",),
    "series": (),
    "sofr": ("rate", *RATE_COLUMNS, *AVERAGE_COLUMNS),
    "vintages": (),
}
# dataset -> keys without which its files can't be read. Sorted.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "fx": (),
    "index_levels": ("index", "time"),
    "index_members": ("index", "until"),
    "observations": ("series", "time"),
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
    "bars": ("csv", "parquet"),
    "fx": ("ecb_csv",),
    "index_levels": ("csv", "parquet"),
    "index_members": ("csv", "parquet"),
    "observations": ("csv", "fred_json", "parquet"),
    "series": ("fred_json",),
    "sofr": ("csv", "nyfed_json", "parquet"),
    "vintages": ("fred_json",),
}
