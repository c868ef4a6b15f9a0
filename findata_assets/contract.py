"""What every asset of a table says of itself, taken from the contract and the lineage.

Here belongs how tables become asset specs and reports become metadata; what an asset does is a step.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import dagster as dg

from findata_assets.betas import asset
from findata_core.errors import DailyLimitReached, FindataError, RetriableProviderError, Unreachable
from findata_core.lineage import column_sources
from findata_core.schema.tables import Column, Table, table
from findata_resources.stores.reports import WriteReport
from findata_resources.tracing import span

Result = TypeVar("Result")

OWNERS = ["team:findata"]
KINDS = {"postgres", "polars"}

# A provider that is busy costs nothing but a retry; wrong settings or rows are not mended by one.
RETRIES = dg.RetryPolicy(max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.FULL)


def table_asset(
    address: str,
    deps: Sequence[str],
    kinds: set[str] | None = None,
    **further: Any,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return the asset decorator of a table: what it says of itself comes from the contract."""
    target = table(address)
    return asset(
        key=list(target.asset_key),
        deps=[dep.replace(".", "/").split("/") for dep in deps],
        group_name=target.schema,
        kinds=KINDS | (kinds or set()),
        owners=OWNERS,
        tags={"layer": target.schema},
        description=description(target),
        metadata={"dagster/table_name": address, "dagster/column_schema": column_schema(target)},
        **further,
    )


def description(target: Table) -> str:
    """Return the table's meaning and key, in Markdown."""
    return f"{target.comment}\n\nKey: {', '.join(f'`{name}`' for name in target.business_key)}."


def column_schema(target: Table) -> dg.TableSchema:
    """Return the columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                type=str(column.kind),
                description=_meaning(column),
                constraints=dg.TableColumnConstraints(nullable=column.is_nullable, other=_bounds(column)),
            )
            for column in target.columns
        ]
    )


def column_lineage(target: Table) -> dg.TableColumnLineage:
    """Return which columns of other tables each column is made from."""
    return dg.TableColumnLineage(
        deps_by_column={
            name: [dg.TableColumnDep(dg.AssetKey(source.split(".")), column) for source, column in sources]
            for name, sources in column_sources(target.address).items()
        }
    )


def materialize(
    address: str,
    step: Callable[[], WriteReport],
    picture: Callable[[WriteReport], str | None] | None = None,
) -> dg.MaterializeResult[None]:
    """Run a step and report what it did; an error that a retry can't mend is final at once."""
    started = time.monotonic()
    report = attempt(step, table=address)
    metadata = {**report_metadata(report), "seconds": round(time.monotonic() - started, 3)}
    lineage = column_lineage(table(address))
    if lineage.deps_by_column:
        metadata["dagster/column_lineage"] = lineage
    drawn = picture(report) if picture and report.rows_written else None
    if drawn:
        metadata["picture"] = dg.MetadataValue.md(drawn)
    return dg.MaterializeResult(metadata=metadata)


def attempt(step: Callable[[], Result], **about: str) -> Result:
    """Run a step; findata's errors become Dagster failures that say what to do next. `about`: told in its trace."""
    try:
        with span("step", **about):
            return step()
    except FindataError as error:
        # A provider that is busy is asked again; without a network, or a quota, that is said at once.
        is_final = isinstance(error, Unreachable | DailyLimitReached)
        if isinstance(error, RetriableProviderError) and not is_final:
            raise
        raise dg.Failure(
            description=str(error),
            metadata={"cause": error.message, "next_step": error.next_step},
            allow_retries=False,
        ) from error


def report_metadata(report: WriteReport) -> dict[str, Any]:
    """Return a report as metadata."""
    metadata: dict[str, Any] = {
        "rows_written": report.rows_written,
        "rows_unchanged": report.rows_unchanged,
        "rows_revised": report.rows_revised,
        "rows_quarantined": report.rows_quarantined,
        "subjects": len(report.subjects),
    }
    if report.first_time and report.last_time:
        metadata["first_time"] = report.first_time.isoformat()
        metadata["last_time"] = report.last_time.isoformat()
    return metadata


def _meaning(column: Column) -> str:
    return f"{column.comment} [{column.unit}]" if column.unit else column.comment


def _bounds(column: Column) -> list[str]:
    bounds = []
    if column.minimum is not None:
        bounds.append(f">= {column.minimum:g}")
    if column.maximum is not None:
        bounds.append(f"<= {column.maximum:g}")
    if column.allowed:
        bounds.append(f"one of {', '.join(column.allowed)}")
    return bounds
