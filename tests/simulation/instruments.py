"""The instruments of the simulated world: where they trade, since when, who knows them, how often they trade.

What belongs here: the universe, and its file as an operator would write it. What does not: prices (truth).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import ceil

import numpy as np

from tests.simulation.chance import chance

# Exchange -> how many of a hundred instruments; opening hours, breaks and holidays of these differ in November.
SHARES = {"XNAS": 35, "XNYS": 30, "XLON": 15, "XHKG": 10, "XETR": 5, "XTKS": 5}
SUFFIXES = {"XNAS": "", "XNYS": "", "XLON": ".L", "XHKG": ".HK", "XETR": ".DE", "XTKS": ".T"}
CURRENCIES = {
    "XNAS": ("USD", "USD"),
    "XNYS": ("USD", "USD"),
    "XLON": ("GBP", "GBp"),  # the universe's currency, and what Yahoo calls its hundredth
    "XHKG": ("HKD", "HKD"),
    "XETR": ("EUR", "EUR"),
    "XSTO": ("SEK", "SEK"),
    "XTKS": ("JPY", "JPY"),
}
ALPHAVANTAGE_MICS = ("XNAS", "XNYS")  # its stamps are New York's


@dataclass(frozen=True)
class Instrument:
    """One line of the universe file, and what the providers know of it.

    `alphavantage` is its symbol there, "" for none. `is_thin`: most minutes pass without a trade.
    `untraded_date`: it is listed, and nobody trades it. `is_known`: Yahoo has heard of it.
    """

    instrument_id: str
    mic: str
    symbol: str
    alphavantage: str = ""
    from_date: date | None = None
    to_date: date | None = None
    is_thin: bool = False
    untraded_date: date | None = None
    is_known: bool = True

    def trades_on(self, day: date) -> bool:
        """Tell whether it is listed on a day."""
        return (self.from_date or date.min) <= day <= (self.to_date or date.max)


THIN_PERCENT = 12


def instruments(seed: int, count: int, days: Sequence[date], on: Collection[str]) -> list[Instrument]:
    """Return so many instruments, sorted by id, and one that nobody knows where that is `on` (mischief).

    `days` are those that are simulated, in order.
    """
    mics = _mics(count)
    changed = _with_changes([_instrument(number, mic) for number, mic in enumerate(mics)], days, on)
    # The last of each exchange stays plain: what strikes one instrument once strikes it (mischief).
    not_last = [number for number in range(count - 1) if mics[number] == mics[number + 1]]
    ordinary = [number for number in not_last if _is_ordinary(changed[number])]
    by_chance = sorted(ordinary, key=lambda number: chance(seed, "thin", number))
    for place, number in enumerate(
        by_chance[: ceil(count * THIN_PERCENT / 100)] if "thin_names" in on else ()
    ):
        is_untraded = "untraded" in on and place == 0
        changed[number] = replace(
            changed[number], is_thin=True, untraded_date=days[-4] if is_untraded else None
        )
    return sorted(changed, key=lambda instrument: instrument.instrument_id)


def _is_ordinary(one: Instrument) -> bool:
    return not (one.alphavantage or one.from_date or one.to_date)


def universe_file(listed: Sequence[Instrument]) -> str:
    """Return the universe file that follows them."""
    lines = ["instrument_id,mic,currency,price_units,yahoo,alphavantage,from_date,to_date"]
    for one in listed:
        units = 100 if one.mic == "XLON" else 1
        dates = f"{one.from_date or '2020-01-02'},{one.to_date or ''}"
        currency = CURRENCIES[one.mic][0]
        lines.append(
            f"{one.instrument_id},{one.mic},{currency},{units},{one.symbol},{one.alphavantage},{dates}"
        )
    return "\n".join(lines) + "\n"


def _mics(count: int) -> list[str]:
    """Return the exchanges of so many instruments by their shares; each has one where there is room."""
    names, weights = list(SHARES), np.array(list(SHARES.values()), dtype=float)
    wanted = np.floor(weights / weights.sum() * count).astype(int)
    for position in np.argsort(wanted, kind="stable")[: count - int(wanted.sum())]:
        wanted[position] += 1
    return [name for name, number in zip(names, wanted, strict=True) for _ in range(number)]


def _instrument(number: int, mic: str) -> Instrument:
    name = f"{number + 1:04d}" if mic in ("XHKG", "XTKS") else f"S{_letters(number)}"
    # About one in eight names of New York's exchanges: more than its requests of a day reach.
    has_second = mic in ALPHAVANTAGE_MICS and number % 8 == 0
    return Instrument(f"{name}.{mic}", mic, name + SUFFIXES[mic], name if has_second else "")


def _letters(number: int) -> str:
    return "".join(chr(ord("A") + number // 26**place % 26) for place in (2, 1, 0))


def _with_changes(plain: list[Instrument], days: Sequence[date], on: Collection[str]) -> list[Instrument]:
    """Return them with one that is listed, one that is delisted mid-month, and one that nobody knows."""
    changed = list(plain)
    of_new_york = [n for n, one in enumerate(plain) if one.mic == "XNYS" and not one.alphavantage]
    middle = len(days) // 2
    changes = [{"from_date": days[middle]}, {"to_date": days[middle]}] if "comes_and_goes" in on else []
    for position, change in zip(of_new_york, changes, strict=False):
        one = plain[position]
        changed[position] = replace(one, **change)
    if "unknown_symbol" in on:
        changed.append(Instrument("NOBODY.XNAS", "XNAS", "NOBODY", is_known=False))
    return changed
