"""Reference rates as published with every revision, and averages recomputed."""

import dagster as dg

from findata_assets import pictures
from findata_assets.automation import WHEN_INPUTS_ARE_CHECKED
from findata_assets.contract import materialize, table_asset
from findata_assets.resource import PlatformResource
from findata_assets.steps.derived import derive_averages, derive_disagreements
from findata_assets.steps.facts import fold_facts

RAW_RATES = ["raw.nyfed.rates", "raw.recorded.inbox", "raw.recorded.rates"]


@table_asset("rates.rates", deps=RAW_RATES, automation_condition=WHEN_INPUTS_ARE_CHECKED)
def rates(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the payloads that are due into fixings."""
    return materialize("rates.rates", lambda: fold_facts(platform.steps, "rates.rates"))


@table_asset("rates.published_averages", deps=RAW_RATES, automation_condition=WHEN_INPUTS_ARE_CHECKED)
def published_averages(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the payloads that are due into published averages and index."""
    return materialize(
        "rates.published_averages", lambda: fold_facts(platform.steps, "rates.published_averages")
    )


@table_asset(
    "rates.averages",
    deps=["rates.rates", "rates.published_averages"],
    automation_condition=WHEN_INPUTS_ARE_CHECKED,
)
def averages(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Recompute averages and index from the fixings."""
    return materialize(
        "rates.averages",
        lambda: derive_averages(platform.steps),
        lambda report: pictures.averages(platform.steps, report),
    )


@table_asset(
    "rates.calendar_disagreements", deps=["rates.rates"], automation_condition=WHEN_INPUTS_ARE_CHECKED
)
def calendar_disagreements(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Compare what calendars say with what was published."""
    return materialize("rates.calendar_disagreements", lambda: derive_disagreements(platform.steps))
