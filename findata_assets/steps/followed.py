"""Which instruments a source is asked for, under which symbol, and on which days: what the universe file says now.

What belongs here: the file that was received last. What does not: its text (findata_resources/providers/universe.py),
which sessions that makes (expected).
"""

from datetime import date

import polars as pl
from psycopg import sql

from findata_assets.steps.facts import payloads_by_id
from findata_assets.steps.platform import Platform

_LATEST_UNIVERSE = sql.SQL(
    "SELECT payload_id FROM ops.payloads WHERE dataset = 'universe' "
    "ORDER BY received_time DESC, payload_id DESC LIMIT 1"
)
_FOLLOWED = {
    "instrument_id": pl.String(),
    "mic": pl.String(),
    "symbol": pl.String(),
    "first_date": pl.Date(),
    "last_date": pl.Date(),
}


def followed(platform: Platform, source: str) -> pl.DataFrame:
    """Return instrument_id, mic, symbol, first_date and last_date (both inclusive) of what a source is asked for.

    By the universe file received last alone: reference.symbols keeps what files before it called an instrument, by
    which old payloads are read. A symbol that was corrected or taken away must not be asked for beside the new one.
    """
    latest = platform.store.database.few(_LATEST_UNIVERSE, {"payload_id": pl.Int64()})
    if latest.is_empty():
        return pl.DataFrame(schema=_FOLLOWED)
    (payload,) = payloads_by_id(platform, latest.get_column("payload_id"))
    said = {part.table: part.rows for part in platform.parsed.of(payload)}
    instruments = said["reference.instruments"].select("instrument_id", "mic", "from_date", "to_date")
    symbols = said["reference.symbols"].filter(source=source)
    return symbols.join(instruments, on="instrument_id", suffix="_of_life", maintain_order="left").select(
        "instrument_id",
        "mic",
        "symbol",
        first_date=pl.max_horizontal("from_date", "from_date_of_life"),
        last_date=pl.min_horizontal("to_date", "to_date_of_life").fill_null(date.max),
    )
