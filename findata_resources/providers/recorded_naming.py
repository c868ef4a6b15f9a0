"""Which instrument each row of a recorded file is about, by the names that its request carries.

What belongs here: from a file's path or column to instruments. What does not: how the manifest's names were resolved
(recorded_files).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from findata_resources.provider import repeated
from findata_resources.providers.recorded_layout import field


def named_instruments(frame: pl.DataFrame, naming: Mapping[str, Any]) -> pl.DataFrame:
    """Return one record per row, with all that is known of its instrument; nulls where it is unknown."""
    schema: dict[str, pl.DataType] = {
        "instrument_id": pl.String(),
        "symbol": pl.String(),
        "mic": pl.String(),
        "currency": pl.String(),
        "price_units": pl.Int32(),
        "region": pl.String(),
    }
    if "fixed" in naming:
        fixed = naming["fixed"]
        return pl.DataFrame(
            {name: repeated(fixed[name], frame.height, dtype) for name, dtype in schema.items()}
        )
    named = field(frame, naming["column"]).cast(pl.String)
    records = [_instrument(name, naming) for name in named.unique().sort().to_list()]
    known = pl.DataFrame(records, schema={"name": pl.String(), **schema})
    return (
        pl.DataFrame({"name": named}).join(known, on="name", how="left", maintain_order="left").drop("name")
    )


def _instrument(name: str | None, naming: Mapping[str, Any]) -> dict[str, Any]:
    if name in naming["symbols"]:
        return {"name": name, **naming["symbols"][name]}
    if name is None or naming["other"] is None:
        return {"name": name}
    symbol = name.upper() if naming["upper_case"] else name
    return {
        "name": name,
        "symbol": symbol,
        "instrument_id": f"{symbol}.{naming['other']['mic']}",
        **naming["other"],
    }
