"""One factory for the checks that every table has: its schema and domain rules, and its quarantine.

The schema check reads what is stored and blocks what is downstream; the quarantine check shows the rows
that were refused on the way, and warns.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
from psycopg import sql

from findata_assets.partitions import checked_window
from findata_assets.resource import PlatformResource
from findata_assets.steps.platform import Platform
from findata_core.schema.tables import Table, table

MOST_ROWS_SHOWN = 50
Grain = dg.TimeWindowPartitionsDefinition | None


def contract_checks(address: str, grain: Grain = None) -> list[dg.AssetChecksDefinition]:
    """Return the checks of a table, whose partitions are `grain`: they look at those that a run is about."""
    target = table(address)

    @dg.asset_check(
        asset=list(target.asset_key),
        name="contract",
        blocking=True,
        description=f"Columns, bounds and domain rules of {address}, on the rows stored.",
    )
    def contract(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> dg.AssetCheckResult:
        start, end = checked_window(context, grain) if grain else (None, None)
        return check_rows(platform.steps, target, start, end)

    @dg.asset_check(
        asset=list(target.asset_key),
        name="quarantine",
        description=f"Rows meant for {address} that were refused, with the rule that each broke.",
    )
    def quarantine(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> dg.AssetCheckResult:
        start, end = checked_window(context, grain) if grain else (None, None)
        return check_quarantine(platform.steps, target, start, end)

    return [contract, quarantine]


def check_rows(
    platform: Platform, target: Table, start: date | None, end: date | None
) -> dg.AssetCheckResult:
    """Validate the stored rows with scope dates in [start, end)."""
    from findata_core.schema.validation import validate  # Pandera: not for whoever only loads the definitions

    rows = platform.store.read(target, start, end)
    failures = validate(target, rows).failures
    shown = failures.head(MOST_ROWS_SHOWN).join(
        rows.with_row_index("row_number").select(
            pl.col("row_number").cast(pl.Int64),
            *(pl.col(name).cast(pl.String) for name in target.business_key),
        ),
        on="row_number",
        how="left",
    )
    return result(failures.is_empty(), {"rows_checked": rows.height, "failures": failures.height}, shown)


def check_quarantine(
    platform: Platform, target: Table, start: date | None, end: date | None
) -> dg.AssetCheckResult:
    """Show what was refused with scope dates in [start, end); rows without a date belong to all."""
    dated = sql.SQL("AND (scope_date IS NULL OR scope_date >= {}::date AND scope_date < {}::date)").format(
        sql.Literal(str(start)), sql.Literal(str(end))
    )
    rows = platform.store.database.frame(
        sql.SQL(
            "SELECT rule, subject, scope_date::text AS scope_date, reason, row::text AS row FROM ops.quarantine "
            "WHERE table_name = {} {} ORDER BY ingest_time DESC, payload_id, row_number"
        ).format(sql.Literal(target.address), dated if start else sql.SQL(""))
    )
    counts = rows.group_by("rule").len("rows").sort("rule")
    metadata = {"rows_quarantined": rows.height, "rules": dict(counts.iter_rows())}
    return result(rows.is_empty(), metadata, rows.head(MOST_ROWS_SHOWN), dg.AssetCheckSeverity.WARN)


def result(
    passed: bool,
    metadata: Mapping[str, Any],
    shown: pl.DataFrame,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    """Return a check's result with the offending rows as a table."""
    table_of_rows = dg.MetadataValue.table(
        [dg.TableRecord({name: _plain(value) for name, value in row.items()}) for row in shown.to_dicts()],
        schema=dg.TableSchema(columns=[dg.TableColumn(name) for name in shown.columns]),
    )
    extra = {"rows": table_of_rows} if not passed else {}
    return dg.AssetCheckResult(passed=bool(passed), severity=severity, metadata={**metadata, **extra})


def _plain(value: object) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(value)
