"""All steps in the order of the lineage: running them once leaves nothing due."""

from collections.abc import Callable, Mapping

from findata_assets.steps.breaks import refresh_breaks
from findata_assets.steps.coverage import refresh_coverage
from findata_assets.steps.derived import (
    derive_averages,
    derive_disagreements,
    derive_pivots,
    derive_revisions,
    derive_securities,
    derive_security_symbols,
    derive_signals,
    fold_candles,
    fold_months,
    fold_weeks,
)
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.platform import Platform
from findata_assets.steps.session_changes import note_session_changes
from findata_core.lineage import arrows_from
from findata_resources.stores import due
from findata_resources.stores.reports import WriteReport

Step = Callable[[Platform], WriteReport]

ROUNDS = 2  # a calendar that has changed makes due what no arrow leads to


def _folding(address: str) -> Step:
    return lambda platform: fold_facts(platform, address)


# table -> the step that makes it, upstream before downstream
STEPS: Mapping[str, Step] = {
    "reference.sessions": _folding("reference.sessions"),
    "reference.session_changes": note_session_changes,
    "reference.instruments": _folding("reference.instruments"),
    "reference.symbols": _folding("reference.symbols"),
    "reference.dividends": _folding("reference.dividends"),
    "reference.splits": _folding("reference.splits"),
    "reference.listings": _folding("reference.listings"),
    "reference.securities": derive_securities,
    "reference.security_symbols": derive_security_symbols,
    "market.bars": _folding("market.bars"),
    "market.bars_1d": _folding("market.bars_1d"),
    "market.candles": fold_candles,
    "market.weekly_candles": fold_weeks,
    "market.monthly_candles": fold_months,
    "signals.weekly_pivots": derive_pivots,
    "signals.pivot_signals": derive_signals,
    "rates.rates": _folding("rates.rates"),
    "rates.published_averages": _folding("rates.published_averages"),
    "rates.averages": derive_averages,
    "rates.calendar_disagreements": derive_disagreements,
    "economic.series": _folding("economic.series"),
    "economic.vintages": _folding("economic.vintages"),
    "economic.observations": _folding("economic.observations"),
    "economic.revisions": derive_revisions,
    "economic.fx_rates": _folding("economic.fx_rates"),
    "economic.index_levels": _folding("economic.index_levels"),
    "economic.index_members": _folding("economic.index_members"),
    "ops.coverage": refresh_coverage,
    "ops.breaks": refresh_breaks,
}


def run_due(platform: Platform) -> dict[str, WriteReport]:
    """Run the steps that something is due of, or of what they change, in order; return the reports by table.

    What an interrupted run has committed and not published is published too.
    """
    reports: dict[str, WriteReport] = {}
    for _ in range(ROUNDS):
        waiting = set(due.due_dates(platform.store.database).get_column("asset"))
        if not waiting:
            break
        for name, step in STEPS.items():
            if name in waiting:
                reports[name] = reports.get(name, WriteReport()) + step(platform)
                waiting.update(arrow.downstream for arrow in arrows_from(name))
    platform.lake.publish(platform.store)
    return reports
