"""The ledger of published averages that are not what their fixings give, each with the cause that somebody has found.

A mismatch that stands here is shown, and fails no check. One line a figure. So far there is none: every published
figure of 2019-08-29 to 2022-06-30, and of 2024-06-03 to 06, follows from the fixings.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

KEY = ["rate", "measure", "observation_date"]
Mismatch = tuple[str, str, date, str]  # rate, measure, observation date, cause

REVIEWED_MISMATCHES: tuple[Mismatch, ...] = ()


def reviewed(mismatched: pl.DataFrame, ledger: Sequence[Mismatch] = REVIEWED_MISMATCHES) -> pl.DataFrame:
    """Return rate, measure and observation_date of mismatched averages, and their cause; "" where none is known."""
    schema = {"rate": pl.String, "measure": pl.String, "observation_date": pl.Date, "cause": pl.String}
    known = pl.DataFrame(list(ledger), schema=schema, orient="row")
    found = mismatched.select(KEY).join(known, on=KEY, how="left", maintain_order="left")
    return found.with_columns(pl.col("cause").fill_null(""))
