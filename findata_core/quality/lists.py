"""Whether a list of securities can be true as a whole, beside the one of its source before.

What belongs here: the share of names that went or changed hands. What does not: renamings and reuse of single names,
which are what lists are read for (findata_core/reference/chains.py), and what becomes of a list that is held.

A third, and three names at least: a market's own changes take years to reach that, a list that was cut off or another
list under the same name is there at once; of a list of a few names, one or two may go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from findata_core.quality.plausibility import Finding

LIST_CHANGED = "list_changed"
LARGE_SHARE = 1 / 3
FEW = 3
SHOWN = 20


def list_changed(before: Mapping[str, str], now: Mapping[str, str]) -> Finding | None:
    """Return what is found where a third of a list's names went or mean other issuers. Both: name -> issuer."""
    gone = sorted(before.keys() - now.keys())
    changed = sorted(name for name in before.keys() & now.keys() if _is_other(before[name], now[name]))
    count = len(gone) + len(changed)
    if count < FEW or count < LARGE_SHARE * len(before):
        return None
    words = (
        f"of {len(before)} names that the list before had, {len(gone)} are gone and {len(changed)} "
        "mean another issuer"
    )
    return Finding(LIST_CHANGED, words, _evidence(before, now, [*gone, *changed]))


def _is_other(before: str, now: str) -> bool:
    return bool(before and now) and before != now


def _evidence(before: Mapping[str, str], now: Mapping[str, str], names: list[str]) -> list[dict[str, Any]]:
    return [{"name": name, "old": before[name], "new": now.get(name)} for name in names[:SHOWN]]
