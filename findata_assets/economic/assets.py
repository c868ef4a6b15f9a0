"""Series with every vintage and their revisions; exchange rates; index levels and members."""

import dagster as dg

from findata_assets import pictures
from findata_assets.automation import WHEN_INPUTS_ARE_CHECKED
from findata_assets.contract import attempt, materialize, table_asset
from findata_assets.resource import PlatformResource
from findata_assets.steps.derived import derive_revisions
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.series import load_catalogue

RAW_RECORDED = ["raw.recorded.economic", "raw.recorded.inbox"]
RAW_SERIES = ["raw.fred.series", *RAW_RECORDED]


@table_asset("economic.series", deps=RAW_SERIES, automation_condition=WHEN_INPUTS_ARE_CHECKED)
def series(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Receive the catalogue if it has changed, and fold it with what FRED says of the series."""
    attempt(lambda: load_catalogue(platform.steps))
    return materialize("economic.series", lambda: fold_facts(platform.steps, "economic.series"))


@table_asset("economic.vintages", deps=RAW_SERIES, automation_condition=WHEN_INPUTS_ARE_CHECKED)
def vintages(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the days of vintages that are due."""
    return materialize("economic.vintages", lambda: fold_facts(platform.steps, "economic.vintages"))


@table_asset("economic.observations", deps=RAW_SERIES, automation_condition=WHEN_INPUTS_ARE_CHECKED)
def observations(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the payloads that are due into observations, a row for each vintage that said something new."""
    return materialize("economic.observations", lambda: fold_facts(platform.steps, "economic.observations"))


@table_asset(
    "economic.revisions", deps=["economic.observations"], automation_condition=WHEN_INPUTS_ARE_CHECKED
)
def revisions(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Make realtime bounds from all vintages of the series that are due."""
    return materialize(
        "economic.revisions",
        lambda: derive_revisions(platform.steps),
        lambda report: pictures.revisions(platform.steps, report),
    )


@table_asset(
    "economic.fx_rates", deps=["raw.ecb.fx", *RAW_RECORDED], automation_condition=WHEN_INPUTS_ARE_CHECKED
)
def fx_rates(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the exchange rates that are due."""
    return materialize("economic.fx_rates", lambda: fold_facts(platform.steps, "economic.fx_rates"))


@table_asset("economic.index_levels", deps=RAW_RECORDED, automation_condition=WHEN_INPUTS_ARE_CHECKED)
def index_levels(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the index levels that are due."""
    return materialize("economic.index_levels", lambda: fold_facts(platform.steps, "economic.index_levels"))


@table_asset("economic.index_members", deps=RAW_RECORDED, automation_condition=WHEN_INPUTS_ARE_CHECKED)
def index_members(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the spells in an index that are due."""
    return materialize("economic.index_members", lambda: fold_facts(platform.steps, "economic.index_members"))
