"""From rows of the books to Prometheus's metric families: sums by label, in one order.

What belongs here: shapes. What does not: which metrics there are, and where they come from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

Row = Mapping[str, Any]


def gauge(
    name: str, meaning: str, rows: Iterable[Row], value: str, labels: Mapping[str, str] | None = None
) -> Metric:
    """Return a gauge: `value` summed over rows of equal labels (label -> column); null values are left out."""
    names = labels or {}
    family = GaugeMetricFamily(name, meaning, labels=list(names))
    for key, total in _sums(rows, list(names.values()), value):
        family.add_metric(key, total)
    return family


def counter(
    name: str, meaning: str, rows: Iterable[Row], value: str, labels: Mapping[str, str] | None = None
) -> Metric:
    """Return a counter; its name ends in _total."""
    names = labels or {}
    family = CounterMetricFamily(name.removesuffix("_total"), meaning, labels=list(names))
    for key, total in _sums(rows, list(names.values()), value):
        family.add_metric(key, total)
    return family


def one(name: str, meaning: str, value: float) -> Metric:
    """Return a gauge without labels."""
    return GaugeMetricFamily(name, meaning, value=value)


def histogram(
    name: str,
    meaning: str,
    rows: Sequence[Row],
    bounds_seconds: Sequence[float],
    labels: Mapping[str, str],
    *,
    is_windowed: bool = False,
) -> Metric:
    """Return a histogram of seconds from rows with `number`, their `seconds`, and how many of them lie within each
    of the bounds, which ascend: `within_0`, `within_1` and so on (outside.counts_within).

    One over a sliding window may go down, which a histogram may not: it is a gauge histogram.
    """
    kind = GaugeHistogramMetricFamily if is_windowed else HistogramMetricFamily
    family, columns = kind(name, meaning, labels=list(labels)), list(labels.values())
    seconds = dict(_sums(rows, columns, "seconds"))
    within = [dict(_sums(rows, columns, f"within_{place}")) for place in range(len(bounds_seconds))]
    for key, number in _sums(rows, columns, "number"):
        buckets = [
            (str(float(bound)), counts[key]) for bound, counts in zip(bounds_seconds, within, strict=True)
        ]
        family.add_metric(key, [*buckets, ("+Inf", number)], seconds.get(key, 0.0))
    return family


def _sums(rows: Iterable[Row], columns: Sequence[str], value: str) -> list[tuple[tuple[str, ...], float]]:
    found: dict[tuple[str, ...], float] = defaultdict(float)
    for row in rows:
        if row[value] is not None:
            found[tuple(_text(row[column]) for column in columns)] += float(row[value])
    return sorted(found.items())


def _text(value: Any) -> str:
    return "" if value is None else str(value)
