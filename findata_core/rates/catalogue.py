"""The reference rates that findata knows: one line a rate.

What belongs here: what the New York Fed says of each rate as a whole. What does not: fixings, requests, schedules.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time


@dataclass(frozen=True)
class Family:
    """Rates that are published together. Times are by the wall clock of New York.

    `publication_time`: about when a business day's rate is published on the next one; `revision_time`: about when it is
    published again on that day, if it is revised at all.
    """

    name: str
    publication_time: time
    revision_time: time


@dataclass(frozen=True)
class ReferenceRate:
    """A rate. `first_date`: its first observation date; `averages_type`: what its averages and index are asked as."""

    name: str
    title: str
    family: str
    first_date: date
    averages_type: str | None = None


# Publication: the Office of Financial Research, which takes the rates over, says "approximately 8 a.m. Eastern time for
# secured rates, and at approximately 9 a.m. Eastern time for unsecured rates"
# (https://www.financialresearch.gov/short-term-funding-monitor/datasets/fnyr/). Revision: about 14:30, on the day of
# publication only (https://www.newyorkfed.org/markets/reference-rates/additional-information-about-reference-rates).
FAMILIES: Mapping[str, Family] = {
    "secured": Family("secured", time(8, 0), time(14, 30)),
    "unsecured": Family("unsecured", time(9, 0), time(14, 30)),
}

# First dates: FRED's series of the same names begin with the New York Fed's own (SOFRINDEX 2018-04-02, EFFR 2000-07-03,
# EFFR's percentiles and OBFR 2016-03-01). Sorted.
RATES: Mapping[str, ReferenceRate] = {
    rate.name: rate
    for rate in (
        ReferenceRate("BGCR", "Broad General Collateral Rate", "secured", date(2018, 4, 2)),
        ReferenceRate("EFFR", "Effective Federal Funds Rate", "unsecured", date(2000, 7, 3)),
        ReferenceRate("OBFR", "Overnight Bank Funding Rate", "unsecured", date(2016, 3, 1)),
        ReferenceRate("SOFR", "Secured Overnight Financing Rate", "secured", date(2018, 4, 2), "SOFRAI"),
        ReferenceRate("TGCR", "Tri-Party General Collateral Rate", "secured", date(2018, 4, 2)),
    )
}

# What averages and index are asked and answered as -> the rate that is averaged.
AVERAGES_OF: Mapping[str, str] = {
    rate.averages_type: name for name, rate in RATES.items() if rate.averages_type is not None
}


def types_of(family: str | None = None) -> list[str]:
    """Return what can be asked for of a family (default: of all): rates, then the averages of those that have some."""
    mine = [rate for rate in RATES.values() if family in (None, rate.family)]
    return [rate.name for rate in mine] + [rate.averages_type for rate in mine if rate.averages_type]


def rate_of(rate_type: str) -> ReferenceRate:
    """Return the rate that a type is about: itself, or the one that is averaged. KeyError where there is none."""
    return RATES[AVERAGES_OF.get(rate_type, rate_type)]
