"""All steps in the order of the lineage: running them once leaves nothing due."""

from collections.abc import Callable, Mapping

from findata_assets.steps.breaks import refresh_breaks
from findata_assets.steps.coverage import refresh_coverage
from findata_assets.steps.derived import (
    derive_averages,
    derive_pivots,
    derive_securities,
    derive_security_symbols,
    derive_signals,
    fold_candles,
    fold_months,
    fold_weeks,
)
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.platform import Platform
from findata_resources.stores.reports import WriteReport

Step = Callable[[Platform], WriteReport]


def _folding(address: str) -> Step:
    return lambda platform: fold_facts(platform, address)


# table -> the step that makes it, upstream before downstream
STEPS: Mapping[str, Step] = {
    "reference.sessions": _folding("reference.sessions"),
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
    "ops.coverage": refresh_coverage,
    "ops.breaks": refresh_breaks,
}


def run_due(platform: Platform) -> dict[str, WriteReport]:
    """Run every step once, in order, and return the reports by table."""
    return {name: step(platform) for name, step in STEPS.items()}
