"""Everything that Dagster loads: assets and checks in sorted lists, one resource, stopped schedules."""

import dagster as dg

from findata_assets import alert_sensor, automation, healing_sensor, partitions
from findata_assets.betas import accepted_betas
from findata_assets.checks.contract import contract_checks
from findata_assets.checks.derived import DERIVED_CHECKS
from findata_assets.checks.expiry import nothing_expires_soon
from findata_assets.checks.freshness import FRESHNESS_CHECKS
from findata_assets.checks.held import HELD_CHECKS
from findata_assets.checks.rates import RATE_CHECKS
from findata_assets.checks.series import SERIES_CHECKS
from findata_assets.economic import assets as economic
from findata_assets.market import assets as market
from findata_assets.ops import assets as ops
from findata_assets.ops import backups, retention, upkeep
from findata_assets.rates import assets as rates
from findata_assets.raw import alphavantage, ecb, fred, inbox, nyfed, recorded, yahoo
from findata_assets.reference import assets as reference
from findata_assets.reports import assets as reports
from findata_assets.resource import PlatformResource
from findata_assets.sensors import due, freshness, quarantine
from findata_assets.sensors import inbox as inbox_sensor
from findata_assets.signals import assets as signals

ASSETS = [
    economic.fx_rates,
    economic.index_levels,
    economic.index_members,
    economic.observations,
    economic.revisions,
    economic.series,
    economic.vintages,
    market.bars,
    market.bars_1d,
    market.candles,
    market.monthly_candles,
    market.weekly_candles,
    ops.arrivals,
    ops.breaks,
    ops.coverage,
    rates.averages,
    rates.calendar_disagreements,
    rates.published_averages,
    rates.rates,
    alphavantage.alphavantage_bars,
    ecb.ecb_fx,
    fred.fred_series,
    nyfed.nyfed_rates,
    recorded.recorded_actions,
    recorded.recorded_bars,
    recorded.recorded_economic,
    inbox.recorded_inbox,
    recorded.recorded_rates,
    recorded.recorded_securities,
    yahoo.yahoo_bars,
    reference.dividends,
    reference.instruments,
    reference.listings,
    reference.securities,
    reference.security_symbols,
    reference.session_changes,
    reference.sessions,
    reference.splits,
    reference.symbols,
    reports.sessions,
    reports.weeks,
    signals.pivot_signals,
    signals.weekly_pivots,
]

# table -> partitions of its checks
CHECKED_TABLES: dict[str, dg.TimeWindowPartitionsDefinition | None] = {
    "economic.fx_rates": None,
    "economic.index_levels": None,
    "economic.index_members": None,
    "economic.observations": None,
    "economic.revisions": None,
    "economic.series": None,
    "economic.vintages": None,
    "market.bars": partitions.SESSIONS,
    "market.bars_1d": partitions.MONTHS,
    "market.candles": partitions.SESSIONS,
    "market.monthly_candles": None,
    "market.weekly_candles": None,
    "ops.arrivals": None,
    "ops.breaks": None,
    "ops.coverage": None,
    "rates.averages": None,
    "rates.calendar_disagreements": None,
    "rates.published_averages": None,
    "rates.rates": None,
    "reference.dividends": None,
    "reference.instruments": None,
    "reference.listings": None,
    "reference.securities": None,
    "reference.security_symbols": None,
    "reference.session_changes": None,
    "reference.sessions": None,
    "reference.splits": None,
    "reference.symbols": None,
    "signals.pivot_signals": partitions.SESSIONS,
    "signals.weekly_pivots": None,
}


@dg.definitions
def findata() -> dg.Definitions:
    """Return all definitions, as Dagster's processes load them."""
    return definitions_on(PlatformResource())


def definitions_on(platform: PlatformResource) -> dg.Definitions:
    """Return all definitions, on a platform."""
    with accepted_betas():
        assets = dg.with_source_code_references(ASSETS)
    checks = [check for name, grain in CHECKED_TABLES.items() for check in contract_checks(name, grain)]
    return dg.Definitions(
        assets=assets,
        asset_checks=[
            *checks,
            *DERIVED_CHECKS,
            *FRESHNESS_CHECKS,
            *HELD_CHECKS,
            *RATE_CHECKS,
            *SERIES_CHECKS,
            nothing_expires_soon,
        ],
        jobs=[
            backups.backup,
            automation.fx_job,
            upkeep.lake_upkeep,
            reports.report_job,
            retention.retention,
            automation.rates_job,
            backups.restore_drill,
            automation.series_job,
            automation.session_job,
            *healing_sensor.JOBS,
            *due.JOBS.values(),
            freshness.freshness_job,
            inbox_sensor.inbox_job,
            quarantine.waiting_job,
        ],
        schedules=[
            *automation.session_schedules(partitions.FOLLOWED.closes),
            backups.backup_schedule,
            automation.fx_schedule,
            freshness.daily_checks,
            upkeep.lake_schedule,
            reports.report_schedule,
            retention.retention_schedule,
            *automation.rate_schedules,
            backups.drill_schedule,
            automation.series_schedule,
        ],
        sensors=[
            alert_sensor.alerts,
            automation.conditions,
            due.due,
            freshness.freshness,
            healing_sensor.healing,
            inbox_sensor.inbox,
            quarantine.quarantine_waiting,
        ],
        resources={"platform": platform},
        executor=dg.in_process_executor,
    )
